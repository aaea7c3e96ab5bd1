"""What a guard found about one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

RETRY_SECONDS = 1
"""After how long a caller may try again whose call could not be decided."""


class GuardMode(StrEnum):
    """What a guard does with what it finds."""

    ENFORCE = "enforce"
    """A call passes only if it is allowed."""
    OBSERVE = "observe"
    """Every call passes; what would have been refused is logged and counted."""


class GuardOutcome(StrEnum):
    """What was found about a call. Only `ALLOWED` and `PUBLIC` calls pass an enforcing guard."""

    ALLOWED = "allowed"
    """The caller may assume the role of the method."""
    PUBLIC = "public"
    """The method is open to every caller; nobody was asked."""
    DENIED = "denied"
    """The caller may not assume the role of the method."""
    CLOSED = "closed"
    """No entry of the map names the method."""
    UNKNOWN_CALLER = "unknown_caller"
    """The call does not name exactly one caller, or its token is invalid."""
    UNDECIDED = "undecided"
    """No decision could be made: the service did not answer, or refused the query."""
    NOT_OBSERVED = "not_observed"
    """The guard observes, and too many calls were being decided already."""


PASSING = frozenset({GuardOutcome.ALLOWED, GuardOutcome.PUBLIC})


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardDecision:
    """What a guard found about one call.

    `pattern` is the entry of the map that names the method, `caller` who was asked for. `reason` is the reason of the decision, or
    the code of the error; `detail` is a sentence for the log. None of them may be shown to the caller but `decision_id`.
    """

    outcome: GuardOutcome
    method: str
    pattern: str = ""
    role: str = ""
    caller: str = ""
    decision_id: str = ""
    reason: str = ""
    detail: str = ""

    @property
    def allowed(self) -> bool:
        """Return whether an enforcing guard lets the call pass."""
        return self.outcome in PASSING


OnDecision = Callable[[GuardDecision], object]
"""Receives each decision, in the thread or the event loop that made it. It must be quick; what it raises is logged."""
