"""Decisions as they are reported to an observer, such as the decision log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rolecall.engine.decision import Answer, Reason, ServedFrom, Side
from rolecall.engine.request import AssumeRoleRequest
from rolecall.roles.role import Revision, RoleRef

_MICROS_A_MILLISECOND = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """What the decisions of one call have in common.

    `handler_ns` is the duration of the call; None in a stream. `assumed_time` (microseconds) and `at_revision` are those of an
    explanation that asked for them.
    """

    method: str
    caller: str
    request_id: str
    handler_ns: int | None = None
    assumed_time: int | None = None
    at_revision: int | None = None


class IssuedAnswer(NamedTuple):
    """An answer as its caller receives it: with its id, the time (microseconds), and the revision and age of the state."""

    answer: Answer
    decision_id: str
    time: int
    revision: Revision
    staleness: int


class DecisionObserver(Protocol):
    """Is notified of every decision."""

    def on_decision(self, request: AssumeRoleRequest, answer: IssuedAnswer, call: RecordedCall) -> None:
        """Take note of an answered request, before its caller has the answer. It must not block or raise."""
        ...


class RecordedStatement(NamedTuple):
    """A statement that determined a decision."""

    pointer: str
    sid: str


class DecisionRecord(NamedTuple):
    """A decision made at `time` (microseconds) from the state of `revision`.

    `role_id` is empty and `role_revision` None when there is no such role. For an explanation at an earlier revision
    `role_revision` is None, too.
    """

    decision_id: str
    time: int
    call: RecordedCall
    request: AssumeRoleRequest
    role_arn: str
    role_id: str
    role_revision: Revision | None
    reason: Reason
    trust_side: Side
    identity_side: Side
    revision: int
    served_from: ServedFrom
    staleness_ms: int
    statements: tuple[RecordedStatement, ...]
    missing_keys: tuple[str, ...]

    @classmethod
    def of(cls, request: AssumeRoleRequest, answer: IssuedAnswer, call: RecordedCall) -> DecisionRecord:
        """Return the record of an answered request."""
        decision, served_from, _ = answer.answer
        role = decision.role
        return cls(
            decision_id=answer.decision_id,
            time=answer.time,
            call=call,
            request=request,
            role_arn=role.arn if role else _arn_of(request.role_key),
            role_id=role.role_id if role else "",
            role_revision=role.revision if role and call.at_revision is None else None,
            reason=decision.reason,
            trust_side=decision.trust_side,
            identity_side=decision.identity_side,
            revision=answer.revision,
            served_from=served_from,
            staleness_ms=answer.staleness // _MICROS_A_MILLISECOND,
            statements=tuple([RecordedStatement(f"/Statement/{s.index}", s.sid) for s in decision.determining]),
            missing_keys=decision.missing_keys,
        )

    @property
    def allowed(self) -> bool:
        """Return whether the answer is yes."""
        return self.reason is Reason.ALLOW


def _arn_of(role_key: str) -> str:
    account_id, _, name = role_key.partition("/")
    return RoleRef(account_id, name).arn
