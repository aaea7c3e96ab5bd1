"""A small world to ask questions in: roles, a decision point over them, and short ways to ask."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Any

from rolecall.engine.cache import Encode
from rolecall.engine.decision import Answer
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.large_documents import LargeDocuments
from rolecall.engine.long_answers import LongAnswers
from rolecall.engine.request import AssumeRoleRequest, context_keys, field_keys, read_principal
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.turns import Turns
from rolecall.roles.role import Micros, Revision, Role

ACCOUNT = "123456789012"
OTHER = "210987654321"
ALICE = f"acs:ram::{ACCOUNT}:user/alice"
NOON = 1_767_268_800_000_000  # 2026-01-01T12:00:00Z
HOUR = 3_600_000_000


def allow(principal: str | Sequence[str] = ALICE, **condition: Any) -> dict[str, Any]:
    return statement("Allow", principal, **condition)


def deny(principal: str | Sequence[str] = ALICE, **condition: Any) -> dict[str, Any]:
    return statement("Deny", principal, **condition)


def statement(effect: str, principal: str | Sequence[str], **condition: Any) -> dict[str, Any]:
    names = [principal] if isinstance(principal, str) else list(principal)
    kinds = {"RAM": [n for n in names if ":ram::" in n and "-provider/" not in n]}
    kinds["Federated"] = [n for n in names if "-provider/" in n]
    kinds["Service"] = [n for n in names if ":ram::" not in n]
    whole: dict[str, Any] = {
        "Effect": effect,
        "Action": "sts:AssumeRole",
        "Principal": {kind: named for kind, named in kinds.items() if named},
    }
    return whole | ({"Condition": condition} if condition else {})


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


def role(text: str, *, name: str = "app", account: str = ACCOUNT, revision: int = 1, **fields: Any) -> Role:
    return Role(
        role_id=f"{revision}",
        account_id=account,
        role_name=name,
        document=text,
        create_time=Micros(NOON),
        update_time=Micros(NOON),
        revision=Revision(revision),
        **fields,
    )


def point(*roles: Role, encode: Encode | None = None, **options: Any) -> DecisionPoint:
    snapshot = Snapshot(roles, revision=Revision(1))
    return DecisionPoint(snapshot, DecisionOptions(**options), lambda: NOON, encode)


def long_answers(decider: DecisionPoint, *, slice_seconds: float = inf) -> LongAnswers:
    """Return what gives long answers, with slices of that length (0: every piece of work waits for a turn) and no pauses."""
    turns = Turns(slice_seconds=slice_seconds, min_pause_seconds=0, max_pause_seconds=0)
    return LongAnswers(decider, turns, LargeDocuments(decider, ThreadPoolExecutor(1)))


def question(
    who: str = ALICE,
    *,
    name: str = "app",
    account: str = ACCOUNT,
    context: Mapping[str, Sequence[str]] | None = None,
    duration: int = 0,
    **fields: str,
) -> AssumeRoleRequest:
    texts = {"role_session_name": "", "external_id": "", "source_identity": ""} | fields
    keys = context_keys(context or {}) | field_keys(**texts)
    return AssumeRoleRequest(read_principal(who), f"{account}/{name}", keys, duration)


def ask(decider: DecisionPoint, *args: Any, now: int = NOON, **kwargs: Any) -> Answer:
    return decider.check(question(*args, **kwargs), now)
