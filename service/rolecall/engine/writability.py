"""Whether the store can write: not after a write has failed, until another write or a trial succeeds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from rolecall.roles.errors import RoleError

FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 30.0


class Writability:
    """Whether the store can write. For one event loop.

    `trial` writes without changing anything, and raises `RoleError` if that fails. `on_change` is called with the error when writes
    begin to fail, and with None when one succeeds again.
    """

    def __init__(
        self, trial: Callable[[], Awaitable[object]], *, on_change: Callable[[RoleError | None], object]
    ) -> None:
        self._trial, self._on_change = trial, on_change
        self.failing, self._failed, self._pause = False, asyncio.Event(), FIRST_PAUSE_SECONDS

    def note(self, error: RoleError | None) -> None:
        """Note that the store could not make a write, or with None that it made one."""
        if error is None:
            self._pause = FIRST_PAUSE_SECONDS
        self._set(error)

    async def run(self) -> None:
        """Try to write, in growing intervals, while writes fail; until cancelled."""
        while True:
            await self._failed.wait()
            await asyncio.sleep(self._pause)
            # Only a write that was needed makes the pause short again: a small trial may succeed where no write does.
            self._pause = min(2 * self._pause, MAX_PAUSE_SECONDS)
            if self.failing:
                await self._try()

    async def _try(self) -> None:
        try:
            await self._trial()
        except RoleError:
            return
        self._set(None)

    def _set(self, error: RoleError | None) -> None:
        failing = error is not None
        if failing == self.failing:
            return
        self.failing = failing
        if failing:
            self._failed.set()
        else:
            self._failed.clear()
        self._on_change(error)
