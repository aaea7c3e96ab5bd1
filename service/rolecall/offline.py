"""Decisions without a server: one role, made of a trust policy at hand, and the same engine that serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rolecall.engine.clock import now_micros
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.explanation import explain_decision
from rolecall.engine.snapshot import Snapshot
from rolecall.policy.parser import parse_policy
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.decision import QueryDecoder, write_answer
from rolecall.transport.codecs.explanation import explain_response
from rolecall_client.v1 import decision_pb2 as pb

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_ROLE = "offline"
MAX_SESSION_SECONDS = 43_200

_DECISION_ID = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineRole:
    """The role that a trust policy at hand is taken to be on. `role` is an ARN, `ACCOUNT/NAME` or `NAME`; empty: a made-up one."""

    document: str
    role: str = ""
    account_id: str = DEFAULT_ACCOUNT
    tags: Mapping[str, str] = field(default_factory=dict)


def check(query: pb.AssumeRoleQuery, offline: OfflineRole) -> pb.CheckAssumeRoleResponse:
    """Answer one question about a role that no server has; `query.role` is not read.

    Raise `InvalidPolicyError` for the document, `InvalidRequestError` and `InvalidFieldsError` for the question.
    """
    point, decoder, asked = _prepare(query, offline)
    response = pb.CheckAssumeRoleResponse()
    write_answer(response.decision, point.check(decoder.read(asked), point.clock()), _DECISION_ID, 0)
    return response


def explain(query: pb.AssumeRoleQuery, offline: OfflineRole, *, now: int | None = None) -> pb.ExplainAssumeRoleResponse:
    """Answer one question and show why, as if it were `now` (microseconds); raise as `check` does."""
    point, decoder, asked = _prepare(query, offline)
    explanation = explain_decision(point, decoder.read(asked), point.clock() if now is None else now)
    return explain_response(explanation, decision_id=_DECISION_ID, revision=0, token="")


def _prepare(query: pb.AssumeRoleQuery, offline: OfflineRole) -> tuple[DecisionPoint, QueryDecoder, pb.AssumeRoleQuery]:
    accounts = Accounts(default=offline.account_id)
    ref = accounts.role(offline.role or DEFAULT_ROLE)
    parse_policy(offline.document)
    role = Role(
        role_id="",
        account_id=ref.account_id,
        role_name=ref.role_name,
        document=offline.document,
        create_time=Micros(0),
        update_time=Micros(0),
        revision=Revision(0),
        max_session_duration_seconds=MAX_SESSION_SECONDS,
        tags=offline.tags,
    )
    point = DecisionPoint(Snapshot([role]), DecisionOptions(), now_micros)
    asked = pb.AssumeRoleQuery()
    asked.CopyFrom(query)
    asked.role = ref.arn
    return point, QueryDecoder(accounts), asked
