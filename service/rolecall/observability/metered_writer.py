"""Counts writes by their outcome, with their durations."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from rolecall.engine.writer import StoreWriter
from rolecall.policy.errors import PolicyError
from rolecall.roles.commands import Written
from rolecall.roles.errors import RoleError, StoreUnavailableError

T = TypeVar("T")

WRITE_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the buckets in seconds; the last bucket has none."""

OUTCOMES = ("committed", "unchanged", "replayed", "refused", "unavailable", "failed")


class WriteStats:
    """A histogram of the durations of the writes with one outcome."""

    def __init__(self) -> None:
        self.buckets = [0] * (len(WRITE_BOUNDS) + 1)
        self.seconds = 0.0

    def count(self, seconds: float) -> None:
        """Count one write."""
        self.buckets[bisect_left(WRITE_BOUNDS, seconds)] += 1
        self.seconds += seconds


class MeteredWriter:
    """Delegates to another writer, and counts its writes by outcome. The time in the queue is part of a write's duration."""

    def __init__(self, writer: StoreWriter) -> None:
        self._writer = writer
        self.outcomes = {outcome: WriteStats() for outcome in OUTCOMES}
        self.read = writer.read

    @property
    def replays(self) -> int:
        """Return how many writes repeated an earlier request and got its result."""
        return sum(self.outcomes["replayed"].buckets)

    async def write(self, work: Callable[[], Written[T]]) -> Written[T]:
        """Run a write, and count it."""
        began, outcome = perf_counter(), "failed"
        try:
            written = await self._writer.write(work)
            outcome = "replayed" if written.replayed else "committed" if written.commit else "unchanged"
        except StoreUnavailableError:
            outcome = "unavailable"
            raise
        except (RoleError, PolicyError):
            outcome = "refused"
            raise
        finally:
            self.outcomes[outcome].count(perf_counter() - began)
        return written
