"""The rule for staleness as an upper bound.

An answer of revision r with the staleness s, requested at the time t, is wrong if a commit above r was acknowledged before t - s. All
times are on one boot-time clock, in seconds, and are taken in favour of the service: an acknowledgement counts from when its author
received it, an answer from when it was requested.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

ROUNDING_SECONDS = 0.000_002
"""Staleness is reported in whole microseconds."""


class Acknowledgements:
    """The newest acknowledged revision at each time."""

    def __init__(self, acknowledged: Iterable[tuple[float, int]]) -> None:
        in_time = sorted(acknowledged)
        self._times = [at for at, _ in in_time]
        self._newest = list(accumulate((revision for _, revision in in_time), max))
        self._at = {revision: at for at, revision in reversed(in_time)}

    def newest_before(self, instant: float) -> int:
        """Return the newest revision that was acknowledged before an instant; 0 when none was."""
        index = bisect_left(self._times, instant)
        return self._newest[index - 1] if index else 0

    def known_since(self, revision: int) -> float:
        """Return when a revision was acknowledged."""
        return self._at[revision]

    def missed(self, revision: int, *, asked_at: float, staleness: float) -> int:
        """Return a revision that an answer should have shown, 0 if its staleness is right."""
        newest = self.newest_before(asked_at - staleness - ROUNDING_SECONDS)
        return newest if newest > revision else 0
