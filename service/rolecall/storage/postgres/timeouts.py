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

LAST_SECONDS = 4.0
"""How long the database may still be silent once it is to be left: what waits for another writer waits for less."""


class Silence:
    """How long the database may say nothing before it is given up, on every connection that shares this."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._cut_at = seconds, inf

    @property
    def cut(self) -> bool:
        """Tell whether it was cut short."""
        return self._cut_at < inf

    def cut_short(self) -> None:
        """Wait for little longer from now on, also where somebody waits already. May be called from any thread."""
        self._cut_at = min(self._cut_at, monotonic())

    def over(self, heard: float) -> bool:
        """Tell whether it has lasted too long, when something was heard last at that time."""
        return monotonic() > min(heard + self.seconds, max(heard, self._cut_at) + LAST_SECONDS)


class TimedConnection(psycopg.Connection[Any]):
    """A connection that closes itself, and raises `psycopg.OperationalError`, when `silence` lasts too long."""

    silence: Silence | None = None

    def wait(self, gen: Generator[Any, Any, RV], *args: Any, **kwargs: Any) -> RV:  # noqa: ANN401  (the library's own)
        """Run what the library awaits, as long as anything comes."""
        if self.silence is None:
            return super().wait(gen, *args, **kwargs)
        return super().wait(self._patiently(gen, self.silence), *args, **kwargs)

    def _patiently(self, gen: Generator[Any, Any, RV], silence: Silence) -> Generator[Any, Any, RV]:
        """Pass everything on; the library says now and then that nothing has come."""
        heard = monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    heard = monotonic()
                elif silence.over(heard):
                    break
                wanted = gen.send(ready)
        except StopIteration as ended:
            value: RV = ended.value
            return value
        gen.close()
        self.pgconn.finish()
        raise psycopg.OperationalError("the database has not answered in time: timed out")
