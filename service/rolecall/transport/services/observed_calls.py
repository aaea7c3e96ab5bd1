"""Calls whose decisions are reported to an observer."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import Any, TypeAlias

from rolecall.callers.caller import Caller
from rolecall.engine.decision_record import DecisionObserver, IssuedAnswer, RecordedCall
from rolecall.engine.request import AssumeRoleRequest
from rolecall.transport.rpc.call_context import request_id

Report: TypeAlias = "Callable[[AssumeRoleRequest, IssuedAnswer], None]"
"""Reports one answered request."""


class ObservedCalls:
    """Begins the calls of a service whose decisions an observer is notified of. `identify` returns the caller."""

    def __init__(self, observer: DecisionObserver, identify: Callable[[Any], Caller]) -> None:
        self._observer, self._identify = observer, identify

    def begin(self, method: str, context: Any) -> ObservedCall:
        """Return a call that begins now."""
        return ObservedCall(self._observer, method, self._identify(context).credential.identity, request_id(context))


class ObservedCall:
    """One call."""

    def __init__(self, observer: DecisionObserver, method: str, caller: str, request_id: str) -> None:
        self._observer, self._method, self._caller, self._request_id = observer, method, caller, request_id
        self._began = perf_counter_ns()

    def report(self, request: AssumeRoleRequest, answer: IssuedAnswer) -> None:
        """Report the only decision of the call, which ends now."""
        self.end()(request, answer)

    def end(self, *, assumed_time: int | None = None, at_revision: int | None = None) -> Report:
        """Return what reports the decisions of the call, which ends now."""
        elapsed = perf_counter_ns() - self._began
        return self._reporting(handler_ns=elapsed, assumed_time=assumed_time, at_revision=at_revision)

    def unending(self) -> Report:
        """Return what reports the decisions of the call while it continues: of a stream, which has no duration yet."""
        return self._reporting()

    def _reporting(self, **facts: int | None) -> Report:
        on_decision = self._observer.on_decision
        call = RecordedCall(method=self._method, caller=self._caller, request_id=self._request_id, **facts)
        return lambda request, answer: on_decision(request, answer, call)
