"""Connections that do not wait for ever.

A process of the database that is stopped, or a path that swallows what it carries, keeps its connections: the kernel of the other
side goes on to acknowledge what comes, so neither keepalives nor a timeout of TCP ends the wait for an answer.
"""

from __future__ import annotations

from collections.abc import Generator
from math import inf
from time import monotonic
from typing import Any, TypeVar

import psycopg

RV = TypeVar("RV")

CLOSING_SECONDS = 4.0
"""How long the database may still be silent once it is to be left: what waits for another writer waits for less."""


class ResponseTimeout:
    """How long the database may say nothing before it is given up, on every connection that shares this."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._shortened_at = seconds, inf

    @property
    def shortened(self) -> bool:
        """Tell whether it was cut short."""
        return self._shortened_at < inf

    def shorten(self) -> None:
        """Wait for little longer from now on, also where somebody waits already. May be called from any thread."""
        self._shortened_at = min(self._shortened_at, monotonic())

    def exceeded(self, last_response: float) -> bool:
        """Tell whether it has lasted too long, counted from `last_response`."""
        return monotonic() > min(last_response + self.seconds, max(last_response, self._shortened_at) + CLOSING_SECONDS)


class TimedConnection(psycopg.Connection[Any]):
    """A connection that closes itself, and raises `psycopg.OperationalError`, when `response_timeout` lasts too long."""

    response_timeout: ResponseTimeout | None = None

    def wait(self, gen: Generator[Any, Any, RV], *args: Any, **kwargs: Any) -> RV:  # noqa: ANN401  (the library's own)
        """Run what the library awaits, as long as anything comes."""
        if self.response_timeout is None:
            return super().wait(gen, *args, **kwargs)
        return super().wait(self._with_timeout(gen, self.response_timeout), *args, **kwargs)

    def _with_timeout(self, gen: Generator[Any, Any, RV], response_timeout: ResponseTimeout) -> Generator[Any, Any, RV]:
        """Pass everything on; the library says now and then that nothing has come."""
        heard = monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    heard = monotonic()
                elif response_timeout.exceeded(heard):
                    break
                wanted = gen.send(ready)
        except StopIteration as ended:
            value: RV = ended.value
            return value
        gen.close()
        self.pgconn.finish()
        raise psycopg.OperationalError("the database has not answered in time: timed out")
