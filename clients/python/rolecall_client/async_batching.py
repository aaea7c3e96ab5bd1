"""Automatic batching for one event loop (`gathering.py`): checks of one turn of the loop travel together, too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from rolecall_client.checks import CallOptions
from rolecall_client.errors import RolecallError, closed_error
from rolecall_client.gathering import (
    ASK_ALONE,
    GATHER_SECONDS,
    AskAlone,
    Lane,
    Lanes,
    Outcome,
    deadline_error,
    outcome_of_error,
    outcomes_of,
    returned,
)
from rolecall_client.remote_checks import AsyncRemoteChecks
from rolecall_client.v1 import decision_pb2 as d


@dataclass(slots=True, eq=False)
class _Check:
    """One check; `deadline` is a time of the event loop. On its way it has its call, and the checks that travel with it."""

    query: d.AssumeRoleQuery
    deadline: float
    size: int
    outcome: asyncio.Future[Outcome]
    call: asyncio.Task[None] | None = None
    batch: Sequence[_Check] = ()


_Lane = Lane[_Check]


class AsyncBatchedChecks:
    """Asks the server, with one call for the checks that come in one turn of the event loop, or while another is on its way."""

    def __init__(self, remote: AsyncRemoteChecks) -> None:
        self._remote, self._is_closed = remote, False
        self._lanes = Lanes[_Check]()
        self._calls: set[asyncio.Task[None]] = set()
        self._timers: dict[_Lane, asyncio.TimerHandle] = {}

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision of the server; raise `RolecallError`."""
        if options.metadata:
            return await self._remote.check(query, consistency, options)
        if self._is_closed:
            raise closed_error()
        loop = asyncio.get_running_loop()
        check = _Check(query, loop.time() + options.timeout, query.ByteSize(), loop.create_future())
        lane = self._enter(loop, check, consistency)
        try:
            async with asyncio.timeout_at(check.deadline):
                outcome = await check.outcome
        except TimeoutError:
            raise deadline_error(options.timeout) from None
        finally:
            self._leave(lane, check)
        if isinstance(outcome, AskAlone):
            remaining = max(0.0, check.deadline - loop.time())
            return await self._remote.check(query, consistency, CallOptions(timeout=remaining))
        return returned(outcome)

    async def close(self) -> None:
        """Raise an error to every check that waits, end what is on its way, and let no other wait."""
        self._is_closed = True
        for lane in self._lanes.all():
            for check in lane.empty():
                _settle(check, closed_error())
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        if calls:
            await asyncio.wait(calls)

    def _enter(self, loop: asyncio.AbstractEventLoop, check: _Check, consistency: d.Consistency | None) -> _Lane:
        lane = self._lanes.of(consistency)
        # The first that waits has the others sent with it: at the end of this turn, or when it has waited for long enough.
        if not lane.has_waiting:
            if lane.on_their_way:
                self._timers[lane] = loop.call_later(GATHER_SECONDS, self._send_next, lane)
            else:
                loop.call_soon(self._send_next, lane)
        lane.add(check)
        return lane

    def _leave(self, lane: _Lane, check: _Check) -> None:
        """Let nothing wait or travel for a check that has ended."""
        check.outcome.cancel()
        if lane.remove(check):
            self._lanes.leave(lane)
        elif check.call is not None and all(other.outcome.done() for other in check.batch):
            check.call.cancel()

    def _send_next(self, lane: _Lane) -> None:
        if (timer := self._timers.pop(lane, None)) is not None:
            timer.cancel()
        while batch := lane.take(self._lanes.max_queries):
            call = asyncio.get_running_loop().create_task(self._send(lane, batch), name="rolecall-batch")
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            for check in batch:
                check.call, check.batch = call, batch

    async def _send(self, lane: _Lane, batch: Sequence[_Check]) -> None:
        outcomes: Sequence[Outcome] | None = None
        try:
            outcomes = await self._outcomes(lane, batch)
        finally:
            if outcomes is None:
                outcomes = [closed_error() if self._is_closed else ASK_ALONE] * len(batch)
            for check, outcome in zip(batch, outcomes, strict=True):
                _settle(check, outcome)
            if lane.call_returned():
                self._send_next(lane)
            self._lanes.leave(lane)

    async def _outcomes(self, lane: _Lane, batch: Sequence[_Check]) -> list[Outcome]:
        latest = max(check.deadline for check in batch)
        options = CallOptions(timeout=max(0.0, latest - asyncio.get_running_loop().time()))
        try:
            if len(batch) == 1:
                return [await self._remote.check(batch[0].query, lane.consistency, options)]
            response = await self._remote.batch([check.query for check in batch], lane.consistency, options)
        except RolecallError as error:
            self._lanes.learn(error)
            return [error] if len(batch) == 1 else [outcome_of_error(error)] * len(batch)
        return outcomes_of(response, len(batch))


def _settle(check: _Check, outcome: Outcome) -> None:
    if not check.outcome.done():
        check.outcome.set_result(outcome)
