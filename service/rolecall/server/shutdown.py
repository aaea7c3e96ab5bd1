"""The signal that stops a server: the first one gracefully, the second one at once."""

from __future__ import annotations

import asyncio


class StopSignal:
    """`requested` is set by the first request to stop, `forced` by the second."""

    def __init__(self) -> None:
        self.requested, self.forced = asyncio.Event(), asyncio.Event()

    def request(self) -> None:
        """Request a graceful stop; called a second time, an immediate one."""
        (self.forced if self.requested.is_set() else self.requested).set()

    async def sleep_unless_forced(self, seconds: float) -> None:
        """Return after `seconds`, or earlier when an immediate stop is requested."""
        try:
            await asyncio.wait_for(self.forced.wait(), seconds)
        except TimeoutError:
            return


async def wait_until_done_or_set(task: asyncio.Task[None], event: asyncio.Event) -> None:
    """Return when `task` is done or `event` is set, whichever comes first. The task continues."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
