"""Background work of a server: what runs beside the calls until it is cancelled, restarted when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeAlias

from structlog.typing import FilteringBoundLogger

RESTART_SECONDS = 1.0

BackgroundWork: TypeAlias = Callable[[], Coroutine[object, object, None]]
"""Starts work that runs until it is cancelled."""


async def run_with_restarts(work: BackgroundWork, log: FilteringBoundLogger) -> None:
    """Run `work` until cancelled, and restart it after it fails."""
    while True:
        try:
            await work()
        except Exception:
            # The server stays up: answers whose staleness grows are better than none.
            log.exception("background_work_failed")
        await asyncio.sleep(RESTART_SECONDS)


async def cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    await asyncio.wait([task])
