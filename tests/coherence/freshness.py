"""What an upper bound of staleness means, as a rule that answers can be held to.

An answer of revision r that says "at most s old", asked for at the time t, is false if a commit above r was acknowledged before t - s.
All times are on one boot-time clock, in seconds, and are taken so that doubt speaks for the service: an acknowledgement counts from the
moment in which its author had it, an answer from the moment in which it was asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

ROUNDING_SECONDS = 0.000_002
"""Staleness is told in whole microseconds."""


class Acknowledgements:
    """Which revision was the newest that anybody had heard of, and when."""

    def __init__(self, acknowledged: Iterable[tuple[float, int]]) -> None:
        in_time = sorted(acknowledged)
        self._times = [at for at, _ in in_time]
        self._newest = list(accumulate((revision for _, revision in in_time), max))
        self._at = {revision: at for at, revision in reversed(in_time)}

    def newest_before(self, instant: float) -> int:
        """Return the newest revision that was acknowledged before an instant; 0 when none was."""
        place = bisect_left(self._times, instant)
        return self._newest[place - 1] if place else 0

    def known_since(self, revision: int) -> float:
        """Return when a revision was acknowledged."""
        return self._at[revision]

    def missed(self, revision: int, *, asked_at: float, staleness: float) -> int:
        """Return a revision that an answer should have shown, 0 when it keeps what it says."""
        newest = self.newest_before(asked_at - staleness - ROUNDING_SECONDS)
        return newest if newest > revision else 0
