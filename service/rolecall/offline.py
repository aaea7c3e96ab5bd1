"""Decisions without a server: one role, made from a trust policy, and the same engine as in a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rolecall.engine.clock import now_micros
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.explanation import explain_decision
from rolecall.engine.snapshot import Snapshot
from rolecall.policy.limits import DEFAULT_LIMITS
from rolecall.roles.accounts import Accounts
from rolecall.roles.commands import RoleDeclaration
from rolecall.roles.declarations import DeclarationRules
from rolecall.roles.documents import DocumentRules
from rolecall.roles.role import Micros, Revision, Role, RoleRef
from rolecall.transport.codecs.decision import QueryDecoder, write_answer
from rolecall.transport.codecs.explanation import explain_response
from rolecall_client.v1 import decision_pb2 as pb

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_ROLE = "offline"

_DECISION_ID = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineRole:
    """The role that a trust policy is about. `role` is an ARN, `ACCOUNT/NAME` or `NAME`; if empty, the name is `offline`.

    `max_session_duration_seconds` 0 means the default, as in a declaration.
    """

    document: str
    role: str = ""
    account_id: str = DEFAULT_ACCOUNT
    tags: Mapping[str, str] = field(default_factory=dict)
    max_session_duration_seconds: int = 0


def check(query: pb.AssumeRoleQuery, offline: OfflineRole) -> pb.CheckAssumeRoleResponse:
    """Decide one query about `offline`; `query.role` is ignored.

    Raise `InvalidPolicyError` for the document, `InvalidFieldsError` for the rest of the role, `InvalidRequestError` for the query.
    """
    point, decoder, copied = _prepare(query, offline)
    response = pb.CheckAssumeRoleResponse()
    now = point.clock()
    write_answer(response.decision, point.check(decoder.read(copied), now), _DECISION_ID, 0, now=now)
    return response


def explain(query: pb.AssumeRoleQuery, offline: OfflineRole, *, now: int | None = None) -> pb.ExplainAssumeRoleResponse:
    """Decide and explain one query as of `now` (microseconds); raise as `check` does."""
    point, decoder, copied = _prepare(query, offline)
    current = point.clock()
    explanation = explain_decision(point, decoder.read(copied), current if now is None else now)
    return explain_response(explanation, decision_id=_DECISION_ID, revision=0, token="", now=current)


def _prepare(query: pb.AssumeRoleQuery, offline: OfflineRole) -> tuple[DecisionPoint, QueryDecoder, pb.AssumeRoleQuery]:
    accounts = Accounts(default=offline.account_id)
    ref = accounts.role(offline.role or DEFAULT_ROLE)
    role = _stored(offline, ref, accounts)
    point = DecisionPoint(Snapshot([role]), DecisionOptions(), now_micros)
    copied = pb.AssumeRoleQuery()
    copied.CopyFrom(query)
    copied.role = ref.arn
    return point, QueryDecoder(accounts), copied


def _stored(offline: OfflineRole, ref: RoleRef, accounts: Accounts) -> Role:
    declaration = RoleDeclaration(
        role_name=ref.role_name,
        account_id=ref.account_id,
        document=offline.document,
        tags=offline.tags,
        max_session_duration_seconds=offline.max_session_duration_seconds,
    )
    rules = DeclarationRules(accounts, DocumentRules(DEFAULT_LIMITS))
    now = Micros(now_micros())
    judged = rules.declared(declaration, (), now)
    return judged.content.new_role(judged.ref, role_id="", revision=Revision(0), time=now)
