"""Measures the lag of the event loop: how late it runs what is due."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

PROBE_SECONDS = 0.25
PROBES = 60
STUCK_SECONDS = 30.0


class LoopProbe:
    """Probes the loop four times a second. Other threads may read `lag_seconds` and `stuck`."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque([0.0], maxlen=PROBES)
        self._last_run = monotonic()

    @property
    def lag_seconds(self) -> float:
        """Return the largest lag of the last 15 seconds."""
        return max(tuple(self._lags))

    @property
    def stuck(self) -> bool:
        """Return whether the loop has not run for so long that it is not expected to recover."""
        return monotonic() - self._last_run > STUCK_SECONDS

    async def run(self, sweep: Callable[[], None]) -> None:
        """Probe until cancelled, and call `sweep` each time."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PROBE_SECONDS
            await asyncio.sleep(PROBE_SECONDS)
            self._lags.append(max(0.0, loop.time() - due))
            self._last_run = monotonic()
            sweep()
