"""How often a client may do something that costs the server much and is no use to the client."""

from __future__ import annotations


class Tolerance:
    """A burst, and how many a second are tolerated after it. For one connection; times are those of the event loop."""

    __slots__ = ("_burst", "_count", "_per_second", "_since")

    def __init__(self, burst: int, per_second: float) -> None:
        self._burst, self._per_second = burst, per_second
        self._count, self._since = 0.0, 0.0

    def exceeded(self, now: float) -> bool:
        """Note one more; return whether there are now too many."""
        self._count = max(0.0, self._count - (now - self._since) * self._per_second) + 1
        self._since = now
        return self._count > self._burst
