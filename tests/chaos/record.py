"""The record of a run, checked afterwards: every write with its outcome, every decision with its circumstances, every error."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from threading import Lock

from rolecall_client import RolecallError
from rolecall_client.v1 import decision_pb2 as d
from tests.chaos.workload import Write

RECENT_TOKENS = 32
ALONE = "agent-alone"
"""The checker whose requests an agent answers without its server."""


def boottime() -> float:
    """Return seconds of a clock that runs during suspend and is independent of the wall clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Outcome(Enum):
    """The outcome of a write, as far as it is known."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Written:
    """A write and its outcome. `acknowledged_at` is on the boot-time clock; `revision` is that of the answer, 0 without one.

    `asked_at` is when the last attempt began; `resolved` means that the outcome was found by a repeat after the faults.
    """

    write: Write
    outcome: Outcome = Outcome.UNKNOWN
    attempts: int = 0
    asked_at: float = 0.0
    acknowledged_at: float = 0.0
    code: str = ""
    revision: int = 0
    resolved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A consistency token, and the write that gave it."""

    text: str
    request_id: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """When, by which worker and how a request was sent. `after_write` is the request id of the write whose token was used."""

    asker: str
    mode: str
    began: float
    ended: float
    wall: float
    after_write: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision as it was received. `staleness` is in seconds."""

    question: int
    role: str
    asked: Circumstances
    decision_id: str
    revision: int
    allowed: bool
    reason: str
    determining: tuple[str, ...]
    missing: tuple[str, ...]
    valid_until: int | None
    role_id: str
    served_from: str
    staleness: float


def decided(question: int, role: str, decision: d.Decision, asked: Circumstances) -> Decided:
    """Return what a message says, in plain values."""
    return Decided(
        question=question,
        role=role,
        asked=asked,
        decision_id=decision.decision_id,
        revision=decision.revision,
        allowed=decision.allowed,
        reason=d.DecisionReason.Name(decision.reason).removeprefix("DECISION_REASON_"),
        determining=tuple(statement.pointer for statement in decision.determining_statements),
        missing=tuple(decision.missing_keys),
        valid_until=decision.valid_until.ToMicroseconds() if decision.HasField("valid_until") else None,
        role_id=decision.role_id,
        served_from=d.ServedFrom.Name(decision.served_from).removeprefix("SERVED_FROM_"),
        staleness=decision.staleness.ToMicroseconds() / 1_000_000,
    )


@dataclass(slots=True)
class Record:
    """Everything that all threads observed: appending to a list is atomic, counting is not. `fault` is the present one."""

    written: list[Written] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    errors: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    during: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    fault: str = "no fault"
    strange: list[str] = field(default_factory=list)
    tokens: deque[Token] = field(default_factory=lambda: deque(maxlen=RECENT_TOKENS))
    _counting: Lock = field(default_factory=Lock)

    def note_error(self, who: str, error: RolecallError) -> None:
        """Count an error by worker, code and reason."""
        self.count(who, error.code, error.reason)

    def count(self, who: str, code: str, reason: str = "") -> None:
        """Count an error by worker, code and reason, and by the present or last fault."""
        with self._counting:
            self.errors[who, code, reason] += 1
            self.during[self.fault, code, reason] += 1

    def unknown(self) -> Sequence[Written]:
        """Return the writes whose outcome is unknown."""
        return [written for written in self.written if written.outcome is Outcome.UNKNOWN]
