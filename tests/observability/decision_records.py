"""Records of decisions for tests, and the parts of a decision log around them."""

from __future__ import annotations

import json
from typing import Any

from rolecall.engine.decision import Reason, ServedFrom, Side
from rolecall.engine.decision_record import DecisionRecord, RecordedCall, RecordedStatement
from rolecall.engine.request import AssumeRoleRequest
from rolecall.observability.decision_log.log import DecisionLogOptions
from rolecall.observability.decision_log.masking import Masking
from rolecall.observability.decision_log.record import RecordEncoder, ServerIdentity
from rolecall.policy.principal import principal_of_request
from rolecall.roles.role import Revision

ACCOUNT = "123456789012"
BOB = f"acs:ram::{ACCOUNT}:user/bob"
ORIGIN = ServerIdentity(instance="instance-1", version="1.2.3", incarnation=lambda: "incarnation-1")
CALL = RecordedCall(method="CheckAssumeRole", caller="web.example.org", request_id="request-1", handler_ns=1_500)


def record(*, who: str = BOB, reason: Reason = Reason.ALLOW, call: RecordedCall = CALL, **facts: Any) -> DecisionRecord:
    keys: dict[str, tuple[str, ...]] = facts.pop("keys", {})
    side = Side.NOT_EVALUATED if reason is Reason.ROLE_NOT_FOUND else Side(reason.value)
    given: dict[str, Any] = {
        "decision_id": "d-1",
        "time": 1_700_000_000_000_000,
        "call": call,
        "request": AssumeRoleRequest(principal_of_request(who), f"{ACCOUNT}/app", keys, facts.pop("duration", 0)),
        "role_arn": f"acs:ram::{ACCOUNT}:role/App",
        "role_id": "300000000000000001",
        "role_revision": Revision(5),
        "reason": reason,
        "trust_side": side,
        "identity_side": Side.NOT_EVALUATED,
        "revision": 7,
        "served_from": ServedFrom.CACHED,
        "staleness_ms": 12,
        "statements": (RecordedStatement("/Statement/0", "Office"),),
        "missing_keys": ("acs:SourceVpc",),
    }
    return DecisionRecord(**{**given, **facts})


def encoder(*, masked: tuple[str, ...] = (), erased: tuple[str, ...] = (), max_bytes: int = 32_768) -> RecordEncoder:
    return RecordEncoder(ORIGIN, Masking.of(masked=masked, erased=erased), max_bytes=max_bytes)


def members_of(line: bytes | None) -> dict[str, Any]:
    assert line is not None
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    members: dict[str, Any] = json.loads(line)
    return members


def options(**given: Any) -> DecisionLogOptions:
    default = {"target": "stdout", "max_bytes": 1_000_000, "files": 3, "queue_records": 100, "max_event_bytes": 32_768}
    return DecisionLogOptions(**{**default, **given})
