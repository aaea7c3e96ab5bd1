"""The guard of a service with threads: asks for each call whether its caller may assume the role of the method."""

from __future__ import annotations

from typing import Protocol

from rolecall_client.guards.access import AccessMap
from rolecall_client.guards.counts import GuardCounts
from rolecall_client.guards.decision import GuardDecision, GuardMode, OnDecision
from rolecall_client.guards.identities import Identify
from rolecall_client.guards.judgement import (
    GuardedCall,
    GuardQuestion,
    answered,
    failed,
    not_observed,
    prepared,
)
from rolecall_client.guards.observer import Observer
from rolecall_client.guards.peer import PeerFacts
from rolecall_client.guards.report import GuardReport
from rolecall_client.guards.rules import (
    DEFAULT_TIMEOUT_SECONDS,
    ContextOf,
    GuardRules,
    mode_of,
    required_timeout,
    time_for,
)
from rolecall_client.v1 import decision_pb2 as d


class DecisionSource(Protocol):
    """Answers checks, as `RolecallClient` does."""

    def check(self, query: d.AssumeRoleQuery, *, timeout: float | None = None) -> d.CheckAssumeRoleResponse:
        """Return the decision of one query; raise `RolecallError`."""
        ...


class Judge:
    """Decides about calls with a client, refuses those that must not pass, and reports each decision.

    A judge that observes has `observer` decide beside the call, refuses none, and raises nothing.
    """

    def __init__(self, client: DecisionSource, report: GuardReport, timeout: float, observer: Observer) -> None:
        self._client, self._report, self._timeout = client, report, required_timeout(timeout)
        self._observer = observer

    def refusal(self, call: GuardedCall) -> GuardDecision | None:
        """Return the decision that refuses a call; None if the call passes. Never raises."""
        # Who calls is read now: later, and in another thread, the arguments of the call may have changed.
        question = prepared(call)
        if self._report.mode is GuardMode.OBSERVE:
            self._observe(call, question)
            return None
        decision = self._decided(call, question)
        return None if decision.allowed else decision

    def _observe(self, call: GuardedCall, question: GuardQuestion | GuardDecision) -> None:
        if isinstance(question, GuardDecision):
            self._report.add(question)
        elif not self._observer.observe(lambda: self._decided(call, question)):
            self._report.add(not_observed(call))

    def _decided(self, call: GuardedCall, question: GuardQuestion | GuardDecision) -> GuardDecision:
        decision = question if isinstance(question, GuardDecision) else self._asked(call, question)
        self._report.add(decision)
        return decision

    def _asked(self, call: GuardedCall, question: GuardQuestion) -> GuardDecision:
        try:
            response = self._client.check(question.query, timeout=time_for(call, self._timeout))
            return answered(call, question, response)
        except Exception as error:  # noqa: BLE001  (whatever fails, the call must not pass)
            return failed(call, error, caller=question.caller)


class Guard:
    """Protects the methods of a service with roles: a call passes if its caller may assume the role of its method.

    `roles` names the role of each method, `identify` who calls, `context` further condition keys beside the address of the peer.
    Whatever is not allowed is refused: a method without a role, an unknown caller, a deny, and a query that was not answered
    within `timeout` seconds. With `mode="observe"` every call passes, and what would have been refused is logged and counted.
    `on_decision` receives each decision; `counts` may be shared by several guards.

    Safe to share between threads. It uses `client` and does not close it. Raise `ValueError` if the arguments are invalid.
    """

    def __init__(
        self,
        client: DecisionSource,
        roles: AccessMap,
        identify: Identify,
        *,
        mode: str = GuardMode.ENFORCE,
        context: ContextOf | None = None,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        on_decision: OnDecision | None = None,
        counts: GuardCounts | None = None,
    ) -> None:
        self._rules = GuardRules(roles=roles, identify=identify, context=context)
        self.counts = GuardCounts() if counts is None else counts
        report = GuardReport(mode=mode_of(mode), counts=self.counts, on_decision=on_decision)
        self._observer = Observer()
        self._judge = Judge(client, report, timeout, self._observer)

    def refusal(self, method: str, peer: PeerFacts, seconds_left: float | None = None) -> GuardDecision | None:
        """Return the decision that refuses a call; None if the call passes. Never raises.

        `seconds_left` is the time until the caller gives up.
        """
        return self._judge.refusal(self._rules.call(method, peer, seconds_left))

    def close(self) -> None:
        """Decide what is still observed. The client stays open."""
        self._observer.close()
