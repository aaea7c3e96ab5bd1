"""The guard of a service in an event loop: asks for each call whether its caller may assume the role of the method."""

from __future__ import annotations

import asyncio
from typing import Protocol

from rolecall_client.guards.access import AccessMap
from rolecall_client.guards.counts import GuardCounts
from rolecall_client.guards.decision import GuardDecision, GuardMode, OnDecision
from rolecall_client.guards.identities import Identify
from rolecall_client.guards.judgement import (
    MAX_OBSERVED,
    GuardedCall,
    GuardQuestion,
    answered,
    failed,
    not_observed,
    prepared,
)
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


class AsyncDecisionSource(Protocol):
    """Answers checks, as `AsyncRolecallClient` does."""

    async def check(self, query: d.AssumeRoleQuery, *, timeout: float | None = None) -> d.CheckAssumeRoleResponse:  # noqa: ASYNC109
        """Return the decision of one query; raise `RolecallError`."""
        ...


class AsyncJudge:
    """Decides about calls with a client, refuses those that must not pass, and reports each decision.

    A judge that observes decides beside the call, refuses none, and raises nothing.
    """

    def __init__(self, client: AsyncDecisionSource, report: GuardReport, timeout: float) -> None:
        self._client, self._report, self._timeout = client, report, required_timeout(timeout)
        self._observed: set[asyncio.Task[GuardDecision]] = set()

    async def refusal(self, call: GuardedCall) -> GuardDecision | None:
        """Return the decision that refuses a call; None if the call passes. Raises nothing but the cancellation of its task."""
        # Who calls is read now: later the arguments of the call may have changed.
        question = prepared(call)
        if self._report.mode is GuardMode.OBSERVE:
            self._observe(call, question)
            return None
        decision = await self._decided(call, question)
        return None if decision.allowed else decision

    async def close(self) -> None:
        """Decide what is still observed. The client stays open."""
        while self._observed:
            await asyncio.wait(self._observed)

    def _observe(self, call: GuardedCall, question: GuardQuestion | GuardDecision) -> None:
        if isinstance(question, GuardDecision):
            self._report.add(question)
        elif len(self._observed) >= MAX_OBSERVED:
            self._report.add(not_observed(call))
        else:
            task = asyncio.create_task(self._decided(call, question))
            self._observed.add(task)
            task.add_done_callback(self._observed.discard)

    async def _decided(self, call: GuardedCall, question: GuardQuestion | GuardDecision) -> GuardDecision:
        decision = question if isinstance(question, GuardDecision) else await self._asked(call, question)
        self._report.add(decision)
        return decision

    async def _asked(self, call: GuardedCall, question: GuardQuestion) -> GuardDecision:
        try:
            response = await self._client.check(question.query, timeout=time_for(call, self._timeout))
            return answered(call, question, response)
        except Exception as error:  # noqa: BLE001  (whatever fails, the call must not pass)
            return failed(call, error, caller=question.caller)


class AsyncGuard:
    """A `Guard` for services in an event loop, with an `AsyncRolecallClient`; the arguments are the same."""

    def __init__(
        self,
        client: AsyncDecisionSource,
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
        self.challenge = str(getattr(identify, "challenge", ""))
        self.counts = GuardCounts() if counts is None else counts
        report = GuardReport(mode=mode_of(mode), counts=self.counts, on_decision=on_decision)
        self._judge = AsyncJudge(client, report, timeout)

    async def refusal(self, method: str, peer: PeerFacts, seconds_left: float | None = None) -> GuardDecision | None:
        """Return the decision that refuses a call; None if the call passes. Never raises.

        `seconds_left` is the time until the caller gives up.
        """
        return await self._judge.refusal(self._rules.call(method, peer, seconds_left))

    async def close(self) -> None:
        """Decide what is still observed. The client stays open."""
        await self._judge.close()
