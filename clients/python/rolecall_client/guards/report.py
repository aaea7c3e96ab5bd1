"""Reports what a guard finds: counts it, logs refusals, and calls back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from rolecall_client.boottime import boottime
from rolecall_client.guards.counts import GuardCounts
from rolecall_client.guards.decision import GuardDecision, GuardMode, GuardOutcome, OnDecision

LINES_PER_SECOND = 10
"""Of the log. Callers cause these lines, so they must not be able to fill a disk."""

_MAX_CHARACTERS = 200

LOGGER = logging.getLogger("rolecall_client.guards")

_LEVELS = {
    GuardOutcome.DENIED: logging.INFO,
    GuardOutcome.UNKNOWN_CALLER: logging.INFO,
    GuardOutcome.CLOSED: logging.WARNING,
    GuardOutcome.NOT_OBSERVED: logging.WARNING,
    GuardOutcome.UNDECIDED: logging.ERROR,
}


class LineLimit:
    """Limits lines to some a second, and counts those that are left out."""

    def __init__(self, lines: int = LINES_PER_SECOND, clock: Callable[[], float] = boottime) -> None:
        self._lines, self._clock, self._lock = lines, clock, threading.Lock()
        self._second, self._written, self._left_out = -1, 0, 0

    def admit(self) -> int | None:
        """Return the number of lines that were left out since the last one, or None if this one is left out too."""
        with self._lock:
            second = int(self._clock())
            if second != self._second:
                self._second, self._written = second, 0
            if self._written >= self._lines:
                self._left_out += 1
                return None
            self._written += 1
            left_out, self._left_out = self._left_out, 0
            return left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardReport:
    """Where the decisions of a guard are reported."""

    mode: GuardMode
    counts: GuardCounts = field(default_factory=GuardCounts)
    on_decision: OnDecision | None = None
    limit: LineLimit = field(default_factory=LineLimit)

    def add(self, decision: GuardDecision) -> None:
        """Report a decision. Never raises."""
        self.counts.add(decision)
        self._log(decision)
        if self.on_decision is None:
            return
        try:
            self.on_decision(decision)
        except Exception:  # a callback must not change what happens to a call
            if self.limit.admit() is not None:
                LOGGER.exception("the callback of a guard failed")

    def _log(self, decision: GuardDecision) -> None:
        if decision.allowed:
            return
        # Of an observing guard every line matters: they show what to mend before the guard enforces.
        level = _LEVELS[decision.outcome] if self.mode is GuardMode.ENFORCE else logging.WARNING
        if not LOGGER.isEnabledFor(level):
            return
        left_out = self.limit.admit()
        if left_out is not None:
            verb = "refused" if self.mode is GuardMode.ENFORCE else "would be refused"
            LOGGER.log(level, "%s %s: %s", verb, decision.outcome, _facts(decision, left_out))


def _facts(decision: GuardDecision, left_out: int) -> str:
    facts = {
        "method": _shown(decision.method),
        "role": decision.role,
        "caller": decision.caller and _shown(decision.caller),
        "reason": decision.reason,
        "decision_id": decision.decision_id,
        "detail": decision.detail and _shown(decision.detail),
        "lines_left_out": left_out,
    }
    return " ".join(f"{name}={fact}" for name, fact in facts.items() if fact)


def _shown(text: str) -> str:
    # Callers choose methods and paths: no line breaks, and not megabytes.
    return ascii(text[:_MAX_CHARACTERS]) + ("..." if len(text) > _MAX_CHARACTERS else "")
