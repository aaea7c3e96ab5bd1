"""The limits of the calls in progress: how many there may be, and how long each may take."""

from __future__ import annotations

import asyncio
import math

NO_LIMIT = math.inf

_CANCELLED = -1.0


class ConcurrencyLimit:
    """The calls in progress, each with its deadline; at most `limit` at a time, which the caller checks.

    A sweep cancels overdue calls: a timer for every call would cost more than most calls do.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.calls: dict[asyncio.Task[object] | None, float] = {}

    def remove_failed(self, task: asyncio.Task[object] | None) -> bool:
        """Remove a call, which may never have been added; return whether `sweep` cancelled it."""
        return self.calls.pop(task, NO_LIMIT) == _CANCELLED

    def sweep(self, now: float) -> None:
        """Cancel the calls whose deadline has passed at `now`, each once."""
        for task, deadline in list(self.calls.items()):
            # A call that is cancelled a second time would break off the status that it is sending.
            if task is not None and _CANCELLED < deadline <= now:
                self.calls[task] = _CANCELLED
                task.cancel()
