"""Errors of functions that are guarded."""

from __future__ import annotations

from rolecall_client.guards.decision import GuardDecision, GuardOutcome


class GuardError(Exception):
    """A guarded function was not called. `decision` is for the log, and must not be shown to a caller but for its `decision_id`."""

    def __init__(self, message: str, decision: GuardDecision) -> None:
        self.decision = decision
        super().__init__(message)


class NotAllowedError(GuardError):
    """The principal may not assume the role that the function needs."""


class NotDecidedError(GuardError):
    """Whether the principal may assume the role could not be decided. Retry later."""


def error_of(decision: GuardDecision) -> GuardError:
    """Return the error of a call that is refused."""
    if decision.outcome is GuardOutcome.DENIED:
        return NotAllowedError(f"the call is not allowed; decision `{decision.decision_id}`", decision)
    if decision.outcome is GuardOutcome.UNKNOWN_CALLER:
        return NotAllowedError("the call does not name exactly one principal", decision)
    return NotDecidedError("whether the call is allowed could not be decided; retry later", decision)
