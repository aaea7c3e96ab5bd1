"""Logs why credentials were refused: the one place that has the reason, since the caller does not learn it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Protocol

LINES_A_SECOND = 10
"""A client without valid credentials must not fill the disk. What is not logged is counted in the next line, and in a metric."""


class RefusalLines(Protocol):
    """A structured log."""

    def warning(self, event: str, **facts: object) -> object:
        """Log a warning."""
        ...


class RefusalLog:
    """Counts refused credentials by their cause, and logs a bounded number a second. `causes` are counted from 0."""

    def __init__(
        self, log: RefusalLines, *, causes: Iterable[str] = (), clock: Callable[[], float] = monotonic
    ) -> None:
        self._log, self._clock = log, clock
        self._second: int | None = None
        self._lines = self._suppressed = 0
        self._counts = dict.fromkeys(map(str, causes), 0)

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many credentials were refused, by cause."""
        return dict(self._counts)

    def note(self, cause: str, why: str, **facts: object) -> None:
        """Count and log a refused credential. `why` says nothing that is secret."""
        self._counts[str(cause)] = self._counts.get(str(cause), 0) + 1
        second = int(self._clock())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > LINES_A_SECOND:
            self._suppressed += 1
            return
        suppressed, self._suppressed = self._suppressed, 0
        more = {"suppressed": suppressed} if suppressed else {}
        self._log.warning("credentials_refused", cause=str(cause), why=why, **facts, **more)
