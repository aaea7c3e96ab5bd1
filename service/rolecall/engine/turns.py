"""Turns of long work: the event loop serves everything else between two of them."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf
from time import perf_counter

SLICE_SECONDS = 0.002
SHORT_SLICE_SECONDS = 0.000_25
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.001, 0.005


class Turns:
    """Shares an event loop: long work takes turns, one at a time, first come first served, with a pause after each.

    A pause is half as long as the turn before it, within the two limits.
    """

    def __init__(
        self,
        *,
        slice_seconds: float = SLICE_SECONDS,
        min_pause_seconds: float = MIN_PAUSE_SECONDS,
        max_pause_seconds: float = MAX_PAUSE_SECONDS,
    ) -> None:
        self.slice_seconds = slice_seconds
        self._min_pause, self._max_pause = min_pause_seconds, max_pause_seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        # True from the start of a turn to the end of the pause after it.
        self._taken = False
        self._next_slice = 0.0
        self.count = 0

    def begin(self) -> LongWork:
        """Return work that begins now. It has a first slice without a turn, so that short work never waits.

        The first slice is a short one while other work has a turn or its first slice, and in the pause after that.
        """
        now = perf_counter()
        if self._taken or now < self._next_slice:
            return LongWork(self, now, now + min(self.slice_seconds, SHORT_SLICE_SECONDS))
        self._next_slice = now + self.slice_seconds + self._min_pause
        return LongWork(self, now, now + self.slice_seconds)

    def end(self, began: float) -> None:
        """End work that needed no turn: other work may have a first slice when the loop had a pause."""
        now = perf_counter()
        self._next_slice = now + (now - began) / 2

    async def take(self) -> bool:
        """Wait for a turn, which lasts until the caller awaits something; return whether there was a wait."""
        if not self._taken:
            self._start()
            return False
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn
        return True

    def _start(self) -> None:
        self._taken = True
        self.count += 1
        # The loop calls back in order: when this is called, the work that has the turn has awaited something.
        asyncio.get_running_loop().call_soon(self._pause, perf_counter())

    def _pause(self, began: float) -> None:
        pause = min(max((perf_counter() - began) / 2, self._min_pause), self._max_pause)
        # A pause in time, not in iterations of the loop: the threads of gRPC need the interpreter to hand over a call.
        asyncio.get_running_loop().call_later(pause, self._grant)

    def _grant(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            # Work that was cancelled has left the queue.
            if not turn.done():
                turn.set_result(None)
                self._start()
                return
        self._taken = False


class LongWork:
    """Work in slices: after the time `until` it must wait for its `next_turn`."""

    __slots__ = ("_began", "_turns", "until")

    def __init__(self, turns: Turns, began: float, until: float) -> None:
        self._turns, self._began, self.until = turns, began, until

    async def next_turn(self) -> None:
        """Wait for a turn, in which the work has another slice."""
        await self._turns.take()
        self._began = inf
        self.until = perf_counter() + self._turns.slice_seconds

    def end(self) -> None:
        """End the work."""
        if self._began < inf:
            self._turns.end(self._began)
