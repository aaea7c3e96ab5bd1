"""A bounded number of places for work that takes memory; whoever finds none free waits in line."""

from __future__ import annotations

import asyncio


class Slots:
    """So many places. For one event loop."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._line: dict[asyncio.Future[None], None] = {}

    def ask(self) -> asyncio.Future[None]:
        """Return what is done when a place is had; it is given back, or no longer waited for, with `leave`."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._free:
            self._free -= 1
            place.set_result(None)
        else:
            self._line[place] = None
        return place

    def leave(self, place: asyncio.Future[None]) -> None:
        """Give a place to the first in line, or no longer stand in line."""
        if not place.done():
            del self._line[place]
        elif self._line:
            first = next(iter(self._line))
            del self._line[first]
            first.set_result(None)
        else:
            self._free += 1

    @property
    def waiting(self) -> int:
        """Return how many stand in line."""
        return len(self._line)
