"""Records of decisions: what was asked, what came of it, and who asked, for whoever keeps a log of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rolecall.engine.decision import Reason, ServedFrom, Side
from rolecall.engine.request import AssumeRoleRequest
from rolecall.roles.role import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """What the decisions of one call share. `handler_ns` is how long the call took; None in a stream, which has no end yet.

    A decision at an `assumed_time` (microseconds) or an `at_revision` was asked for to be explained: it let nobody in.
    """

    method: str
    caller: str
    request_id: str
    handler_ns: int | None = None
    assumed_time: int | None = None
    at_revision: int | None = None


class RecordedStatement(NamedTuple):
    """A statement that settled a decision."""

    pointer: str
    sid: str


class DecisionRecord(NamedTuple):
    """A decision that was made at `time`, in microseconds, from the state of `revision`.

    `role_id` is empty when there is no such role; `role_revision` is None when it is not known which version decided.
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

    @property
    def allowed(self) -> bool:
        """Tell whether the answer is yes."""
        return self.reason is Reason.ALLOW
