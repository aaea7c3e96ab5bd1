"""The part of a guard that asks nobody: who calls, which query that is, and what the answer means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rolecall_client.errors import RolecallError
from rolecall_client.guards.access import MethodAccess
from rolecall_client.guards.decision import GuardDecision, GuardOutcome
from rolecall_client.guards.identities import CallerIdentity
from rolecall_client.guards.peer import PeerFacts, UnknownCallerError
from rolecall_client.queries import Values, query
from rolecall_client.v1 import decision_pb2 as d

SOURCE_IP = "acs:SourceIp"

MAX_OBSERVED = 100
"""Calls that an observing guard decides at the same time."""

_REASONS = {number: name.removeprefix("DECISION_REASON_") for name, number in d.DecisionReason.items()}
_INVALID_TOKEN = "INVALID_TOKEN"  # noqa: S105  (the reason of an error)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedCall:
    """A call that a guard judges. `identify` and `context` return who calls, and further condition keys; they may raise.

    `seconds_left` is the time until the caller gives up, if it is known.
    """

    method: str
    access: MethodAccess
    identify: Callable[[], CallerIdentity]
    context: Callable[[], Values]
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class GuardQuestion:
    """The query that decides about a call, and who it asks for."""

    caller: str
    query: d.AssumeRoleQuery


def prepared(call: GuardedCall) -> GuardQuestion | GuardDecision:
    """Return the query that decides about a call, or the decision about one that needs none. Never raises."""
    if call.access.public:
        return _decision(call, GuardOutcome.PUBLIC)
    if not call.access.role:
        return _decision(call, GuardOutcome.CLOSED, detail="the map does not name the method")
    try:
        return _question_of(call)
    except Exception as error:  # noqa: BLE001  (whatever fails in code of the service, the call must not pass)
        return failed(call, error)


def answered(call: GuardedCall, question: GuardQuestion, response: d.CheckAssumeRoleResponse) -> GuardDecision:
    """Return the decision about a call whose query was answered."""
    decision = response.decision
    return _decision(
        call,
        GuardOutcome.ALLOWED if decision.allowed else GuardOutcome.DENIED,
        caller=question.caller,
        decision_id=decision.decision_id,
        reason=_name_of(decision.reason),
    )


def failed(call: GuardedCall, error: Exception, *, caller: str = "") -> GuardDecision:
    """Return the decision about a call that could not be decided: it never passes."""
    if isinstance(error, UnknownCallerError):
        return _decision(call, GuardOutcome.UNKNOWN_CALLER, detail=str(error))
    if not isinstance(error, RolecallError):
        detail = f"{type(error).__name__}: {error}"
        return _decision(call, GuardOutcome.UNDECIDED, caller=caller, reason="EXCEPTION", detail=detail)
    # A token that the server refuses is the caller's fault; every other query that it refuses is a mistake of the guard.
    rejected = any(violation.reason == _INVALID_TOKEN for violation in error.violations)
    outcome = GuardOutcome.UNKNOWN_CALLER if rejected else GuardOutcome.UNDECIDED
    return _decision(call, outcome, caller=caller, reason=error.reason or error.code, detail=error.message)


def not_observed(call: GuardedCall) -> GuardDecision:
    """Return the decision about a call that an observing guard leaves out."""
    return _decision(call, GuardOutcome.NOT_OBSERVED, detail=f"{MAX_OBSERVED} calls are being decided already")


def context_of(peer: PeerFacts, further: Values) -> Values:
    """Return the condition keys of a query: the address of the peer, and `further` ones, which may replace it."""
    return {SOURCE_IP: peer.source_ip, **further} if peer.source_ip else further


def _question_of(call: GuardedCall) -> GuardQuestion:
    identity = call.identify()
    asked = query(
        identity.as_,
        call.access.role,
        token=identity.token,
        claims=identity.claims,
        context=call.context(),
        account_id=identity.account_id,
    )
    return GuardQuestion(identity.as_, asked)


def _name_of(reason: int) -> str:
    return _REASONS.get(reason, str(reason))  # a newer server may have further reasons


def _decision(
    call: GuardedCall,
    outcome: GuardOutcome,
    *,
    caller: str = "",
    decision_id: str = "",
    reason: str = "",
    detail: str = "",
) -> GuardDecision:
    return GuardDecision(
        outcome=outcome,
        method=call.method,
        pattern=call.access.pattern,
        role=call.access.role,
        caller=caller,
        decision_id=decision_id,
        reason=reason,
        detail=detail,
    )
