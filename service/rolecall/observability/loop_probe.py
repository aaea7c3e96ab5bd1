"""Measures how late the event loop runs what is due."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

PROBE_SECONDS = 0.25
KEPT_PROBES = 60
STUCK_SECONDS = 30.0


class LoopProbe:
    """Looks at the loop four times a second. Other threads may read `lag_seconds` and `stuck`."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque([0.0], maxlen=KEPT_PROBES)
        self._seen = monotonic()

    @property
    def lag_seconds(self) -> float:
        """Return the worst delay of the last quarter of a minute."""
        return max(tuple(self._lags))

    @property
    def stuck(self) -> bool:
        """Tell whether the loop has not run anything for so long that it is not expected to."""
        return monotonic() - self._seen > STUCK_SECONDS

    async def run(self, sweep: Callable[[], None]) -> None:
        """Look until cancelled, and call `sweep` at each look."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PROBE_SECONDS
            await asyncio.sleep(PROBE_SECONDS)
            self._lags.append(max(0.0, loop.time() - due))
            self._seen = monotonic()
            sweep()
