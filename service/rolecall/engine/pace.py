"""The pace of work that thousands of streams do at the same moment: a few at a time, and everything else in between."""

from __future__ import annotations

import asyncio
from collections import deque

AT_ONCE = 8
"""How many streams work before the event loop serves everything else."""

PAUSE_SECONDS = 0.001


class Pace:
    """Lets at most `at_once` callers continue, in the order of their calls, then everything else. For one event loop.

    While more than `at_once` callers wait, there is a pause after each portion.
    """

    def __init__(self, at_once: int = AT_ONCE, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._at_once = self._left = at_once
        self._pause_seconds = pause_seconds
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self) -> None:
        """Return when it is the caller's turn, which lasts until it awaits something: at once if few others have theirs."""
        loop = asyncio.get_running_loop()
        if self._left and not self._waiting:
            if self._left == self._at_once:
                loop.call_soon(self._end_portion)
            self._left -= 1
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    @property
    def waiting(self) -> int:
        """Return how many callers wait, with those that were cancelled meanwhile."""
        return len(self._waiting)

    def _end_portion(self) -> None:
        # The loop calls back in order: when this is called, the callers of the portion have awaited something.
        if len(self._waiting) > self._at_once:
            # A pause in time, not in iterations of the loop: the threads of gRPC need the interpreter to hand over a call.
            asyncio.get_running_loop().call_later(self._pause_seconds, self._begin_portion)
        else:
            self._begin_portion()

    def _begin_portion(self) -> None:
        self._left = self._at_once
        while self._waiting and self._left:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._left -= 1
        if self._left < self._at_once:
            asyncio.get_running_loop().call_soon(self._end_portion)
