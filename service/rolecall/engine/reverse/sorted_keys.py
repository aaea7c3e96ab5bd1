"""A large sorted set of keys: short sorted runs, so that an insertion moves a few hundred keys instead of a million."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import itemgetter

RUN = 512
"""The length of new runs; a run is split at twice that."""

_last = itemgetter(-1)


class SortedKeys:
    """A sorted set of keys."""

    __slots__ = ("_runs",)

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """Start with `keys`, which must be sorted and distinct."""
        self._runs = [list(keys[start : start + RUN]) for start in range(0, len(keys), RUN)]

    def add(self, key: str) -> bool:
        """Insert a key; return whether it was absent."""
        if not self._runs:
            self._runs.append([key])
            return True
        number = min(self._run_reaching(key), len(self._runs) - 1)
        run = self._runs[number]
        index = bisect_left(run, key)
        if run[index : index + 1] == [key]:
            return False
        run.insert(index, key)
        if len(run) > 2 * RUN:
            self._runs[number : number + 1] = [run[:RUN], run[RUN:]]
        return True

    def discard(self, key: str) -> bool:
        """Remove a key; return whether it was present."""
        number = self._run_reaching(key)
        if number == len(self._runs):
            return False
        run = self._runs[number]
        index = bisect_left(run, key)
        if run[index] != key:
            return False
        del run[index]
        if not run:
            del self._runs[number]
        return True

    def above(self, after: str, limit: int) -> list[str]:
        """Return, in order, the first `limit` keys above `after`, in time proportional to `limit`."""
        number, found = self._run_reaching(after), list[str]()
        while len(found) < limit and number < len(self._runs):
            run = self._runs[number]
            start = 0 if found else bisect_right(run, after)
            found += run[start : start + limit - len(found)]
            number += 1
        return found

    def _run_reaching(self, key: str) -> int:
        """Return the number of the first run whose last key is not below `key`."""
        return bisect_left(self._runs, key, key=_last)

    def __bool__(self) -> bool:
        return bool(self._runs)
