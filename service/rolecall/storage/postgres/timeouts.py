"""Connections that give up when the database stops responding.

If a process of the database is stopped, or the network drops its packets, the connection stays open: the kernel at the other end
still acknowledges what it receives, so neither TCP keepalives nor a TCP timeout ends the wait for an answer.
"""

from __future__ import annotations

from collections.abc import Generator
from math import inf
from time import monotonic
from typing import Any, TypeVar

import psycopg

RV = TypeVar("RV")

CLOSING_SECONDS = 4.0
"""How long the database may stay silent once the store is closing; longer than a write waits for another writer's lock."""


class ResponseTimeout:
    """How long the database may send nothing before a connection is given up; connections may share one."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._shortened_at = seconds, inf

    @property
    def shortened(self) -> bool:
        """Return whether `shorten` was called."""
        return self._shortened_at < inf

    def shorten(self) -> None:
        """Wait at most `CLOSING_SECONDS` from now on, also where a wait has begun. May be called from any thread."""
        # A second call must not extend the waits that the first one shortened.
        self._shortened_at = min(self._shortened_at, monotonic())

    def exceeded(self, last_response: float) -> bool:
        """Return whether the database has been silent too long since `last_response` (`time.monotonic`)."""
        return monotonic() > min(last_response + self.seconds, max(last_response, self._shortened_at) + CLOSING_SECONDS)


class TimedConnection(psycopg.Connection[Any]):
    """A connection that closes itself and raises `psycopg.OperationalError` when its `response_timeout` is exceeded."""

    response_timeout: ResponseTimeout | None = None

    def wait(self, gen: Generator[Any, Any, RV], *args: Any, **kwargs: Any) -> RV:  # noqa: ANN401  (the library's own)
        """Run one operation of the library; give up when no bytes arrive for too long."""
        if self.response_timeout is None:
            return super().wait(gen, *args, **kwargs)
        return super().wait(self._with_timeout(gen, self.response_timeout), *args, **kwargs)

    def _with_timeout(self, gen: Generator[Any, Any, RV], timeout: ResponseTimeout) -> Generator[Any, Any, RV]:
        """Forward everything between the library and the operation; the library reports regularly that nothing has arrived."""
        last_response = monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    last_response = monotonic()
                elif timeout.exceeded(last_response):
                    break
                wanted = gen.send(ready)
        except StopIteration as ended:
            value: RV = ended.value
            return value
        gen.close()
        self.pgconn.finish()
        raise psycopg.OperationalError("the database has not answered in time: timed out")
