"""What is seen in a run: every write with its outcome, every decision with its circumstances, every error. Judged afterwards."""

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


def boottime() -> float:
    """Return seconds that go on while the machine sleeps, and that no change of the wall clock touches."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Outcome(Enum):
    """What is known of a write."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Written:
    """A write and what came of it. `acknowledged_at` is on the boot-time clock; `revision` is what the answer says, 0: nothing.

    `asked_at` is when the last attempt began, `resolved` tells that only a repeat after the faults found out.
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
    """When, by whom and how something was asked. `after_write` is the request id of the write whose token was presented."""

    asker: str
    mode: str
    began: float
    ended: float
    wall: float
    after_write: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision as it came over the wire. `staleness` is in seconds."""

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
    """Everything seen, by all threads: appending to a list is atomic, counting is not. `fault` is the one that is on."""

    written: list[Written] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    errors: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    during: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    fault: str = "no fault"
    strange: list[str] = field(default_factory=list)
    tokens: deque[Token] = field(default_factory=lambda: deque(maxlen=RECENT_TOKENS))
    _counting: Lock = field(default_factory=Lock)

    def note_error(self, who: str, error: RolecallError) -> None:
        """Count an error, by who met it, its code and its reason."""
        self.count(who, error.code, error.reason)

    def count(self, who: str, code: str, reason: str = "") -> None:
        """Count an error of which no more is known, also by the fault that is on, or was the last one."""
        with self._counting:
            self.errors[who, code, reason] += 1
            self.during[self.fault, code, reason] += 1

    def unknown(self) -> Sequence[Written]:
        """Return the writes of which nobody knows whether they were made."""
        return [written for written in self.written if written.outcome is Outcome.UNKNOWN]
