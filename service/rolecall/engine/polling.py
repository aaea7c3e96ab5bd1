"""Polls the repository for commits of other processes, so that a replica is never behind for longer than one interval.

A hint starts the next poll at once. Hints may be late or lost; polling does not depend on them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from rolecall.engine.follower import Follower
from rolecall.roles.errors import RoleError, StoreUnavailableError, StoreUnsupportedError
from rolecall.roles.repository import Notifications

HINT_SECONDS = 5.0
LEAST_SECONDS_BETWEEN = 0.01
"""The least pause between polls: under many hints, commits are read in groups rather than one by one."""


@dataclass(slots=True)
class PollCounts:
    """The polls so far. `failing`: the last one failed."""

    done: int = 0
    failed: int = 0
    hints: int = 0
    failing: bool = False


class Polling:
    """Polls until cancelled. `jitter` returns a factor around 1.

    `on_change` is called with the error when polls begin to fail, and with None when they succeed again.
    """

    def __init__(
        self,
        follower: Follower,
        *,
        seconds: float,
        jitter: Callable[[], float],
        on_change: Callable[[RoleError | None], object],
    ) -> None:
        self._follower, self._seconds, self._jitter, self._on_change = follower, seconds, jitter, on_change
        self._hinted = asyncio.Event()
        self.counts = PollCounts()

    async def run(self) -> None:
        """Poll now, and then in the given interval or after a hint."""
        while True:
            self._hinted.clear()
            await self._poll()
            await asyncio.sleep(LEAST_SECONDS_BETWEEN)
            # Not `wait_for`: in Python 3.11 it loses a cancellation that coincides with a hint, and this loop would not end.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds * self._jitter()):
                    await self._hinted.wait()

    async def listen(self, hints: Notifications) -> None:
        """Wait for hints, on a thread of their own, and start a poll at each."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="store-hints")
        try:
            while True:
                if await loop.run_in_executor(thread, hints.wait, HINT_SECONDS):
                    self.counts.hints += 1
                    self._hinted.set()
        finally:
            # On another thread, since it waits for the one that listens.
            await asyncio.to_thread(hints.close)
            thread.shutdown(wait=False)

    async def _poll(self) -> None:
        try:
            await self._follower.catch_up()
        except (StoreUnavailableError, StoreUnsupportedError) as error:
            self.counts.failed += 1
            self._set_failing(error)
        else:
            self.counts.done += 1
            self._set_failing(None)

    def _set_failing(self, error: RoleError | None) -> None:
        failing = error is not None
        if failing != self.counts.failing:
            self.counts.failing = failing
            self._on_change(error)
