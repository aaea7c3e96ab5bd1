"""Automatic batching for one event loop (`gathering.py`): checks of one turn of the loop travel together, too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

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


class _Go:
    """The outcome of a check that travels alone: its own task sends it."""


_GO = _Go()


@dataclass(slots=True, eq=False)
class _Check:
    """One check; `deadline` is a time of the event loop. In a batch it has its call, and the checks that travel with it."""

    query: d.AssumeRoleQuery
    seconds: float
    deadline: float
    size: int
    outcome: asyncio.Future[Outcome | _Go]
    timer: asyncio.TimerHandle | None = None
    call: asyncio.Task[Sequence[Outcome]] | None = None
    batch: Sequence[_Check] = ()


_Lane = Lane[_Check]


class AsyncBatchedChecks:
    """Asks the server, with one call for the checks that come in one turn of the event loop, or while another is on its way."""

    def __init__(self, remote: AsyncRemoteChecks) -> None:
        self._remote, self._is_closed = remote, False
        self._lanes = Lanes[_Check]()
        self._calls: set[asyncio.Task[Sequence[Outcome]]] = set()
        self._timers: dict[_Lane, asyncio.TimerHandle] = {}

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision of the server; raise `RolecallError`."""
        if options.metadata or self._is_closed:
            return await self._remote.check(query, consistency, options)
        loop = asyncio.get_running_loop()
        seconds, lane = options.timeout, self._lanes.of(consistency)
        check = _Check(query, seconds, loop.time() + seconds, query.ByteSize(), loop.create_future())
        self._enter(loop, lane, check)
        try:
            outcome = await check.outcome
            if isinstance(outcome, (_Go, AskAlone)):
                remaining = CallOptions(timeout=max(0.0, check.deadline - loop.time()))
                return await self._remote.check(query, lane.consistency, remaining)
        finally:
            self._leave(lane, check)
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

    def _enter(self, loop: asyncio.AbstractEventLoop, lane: _Lane, check: _Check) -> None:
        # The first that waits has the others sent with it: at the end of this turn, or when it has waited for long enough.
        if not lane.has_waiting:
            if lane.on_their_way:
                self._timers[lane] = loop.call_later(GATHER_SECONDS, self._send_next, lane)
            else:
                loop.call_soon(self._send_next, lane)
        if lane.on_their_way:
            _arm(loop, check)
        lane.add(check)

    def _leave(self, lane: _Lane, check: _Check) -> None:
        """Let nothing wait or travel for a check that has ended."""
        if check.timer is not None:
            check.timer.cancel()
        if check.outcome.done() and not check.outcome.cancelled():
            if check.outcome.result() is _GO:
                self._on_return(lane)
            else:
                self._remove(lane, check)
        # Cancelled: the others are not touched, and a call for which nobody waits any more ends.
        elif not self._remove(lane, check) and check.call and all(other.outcome.done() for other in check.batch):
            check.call.cancel()

    def _remove(self, lane: _Lane, check: _Check) -> bool:
        if not lane.remove(check):
            return False
        if not lane.has_waiting:
            self._cancel_timer(lane)
        self._lanes.leave(lane)
        return True

    def _cancel_timer(self, lane: _Lane) -> None:
        if (timer := self._timers.pop(lane, None)) is not None:
            timer.cancel()

    def _send_next(self, lane: _Lane) -> None:
        self._cancel_timer(lane)
        loop = asyncio.get_running_loop()
        while batch := lane.take(self._lanes.max_queries):
            if len(batch) == 1:
                if batch[0].outcome.done():  # cancelled, or too late: nothing is on its way
                    lane.call_returned()
                _settle(batch[0], _GO)
                continue
            latest = max(check.deadline for check in batch)
            call = loop.create_task(self._outcomes(lane, batch, latest), name="rolecall-batch")
            self._calls.add(call)
            # Not in the task itself, which may be cancelled before it has begun.
            call.add_done_callback(partial(self._on_end, lane, batch))
            for check in batch:
                check.call, check.batch = call, batch
                if check.timer is None and check.deadline < latest:
                    _arm(loop, check)

    def _on_return(self, lane: _Lane) -> None:
        if lane.call_returned():
            self._send_next(lane)
        self._lanes.leave(lane)

    def _on_end(self, lane: _Lane, batch: Sequence[_Check], call: asyncio.Task[Sequence[Outcome]]) -> None:
        self._calls.discard(call)
        outcomes: Sequence[Outcome] = [closed_error() if self._is_closed else ASK_ALONE] * len(batch)
        if not call.cancelled() and call.exception() is None:
            outcomes = call.result()
        for check, outcome in zip(batch, outcomes, strict=True):
            _settle(check, outcome)
        self._on_return(lane)

    async def _outcomes(self, lane: _Lane, batch: Sequence[_Check], latest: float) -> Sequence[Outcome]:
        options = CallOptions(timeout=max(0.0, latest - asyncio.get_running_loop().time()))
        try:
            response = await self._remote.batch([check.query for check in batch], lane.consistency, options)
        except RolecallError as error:
            self._lanes.learn(error)
            return [outcome_of_error(error)] * len(batch)
        return outcomes_of(response, len(batch))


def _arm(loop: asyncio.AbstractEventLoop, check: _Check) -> None:
    check.timer = loop.call_at(check.deadline, _expire, check)


def _expire(check: _Check) -> None:
    _settle(check, deadline_error(check.seconds))


def _settle(check: _Check, outcome: Outcome | _Go) -> None:
    if not check.outcome.done():
        check.outcome.set_result(outcome)
