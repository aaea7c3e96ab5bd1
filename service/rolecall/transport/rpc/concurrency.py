"""Bounds the calls under way: how many there are at once, and how long each may take."""

from __future__ import annotations

import asyncio
import math

SWEEP_SECONDS = 0.25
NO_LIMIT = math.inf

_OVERDUE = -1.0


class ConcurrencyLimit:
    """The calls under way, each with the time at which it is overdue.

    A sweep ends overdue calls, since a timer for every call would cost more than most calls do.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.calls: dict[asyncio.Task[object] | None, float] = {}

    def left_overdue(self, task: asyncio.Task[object] | None) -> bool:
        """Forget a call; tell whether it was ended for being overdue."""
        return self.calls.pop(task, NO_LIMIT) == _OVERDUE

    def sweep(self, now: float) -> None:
        """Cancel the calls that are overdue at `now`."""
        for task, until in list(self.calls.items()):
            if task is not None and _OVERDUE < until <= now:
                self.calls[task] = _OVERDUE
                task.cancel()
