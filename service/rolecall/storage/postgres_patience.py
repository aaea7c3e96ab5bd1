"""Connections that do not wait for ever.

A process of the database that is stopped, or a path that swallows what it carries, keeps its connections: the kernel of the other
side goes on to acknowledge what comes, so neither keepalives nor a timeout of TCP ends the wait for an answer.
"""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any, TypeVar

import psycopg

RV = TypeVar("RV")


class PatientConnection(psycopg.Connection[Any]):
    """A connection that closes itself, and raises `psycopg.OperationalError`, when nothing comes for `patience_seconds`."""

    patience_seconds: float | None = None

    def wait(self, gen: Generator[Any, Any, RV], *args: Any, **kwargs: Any) -> RV:  # noqa: ANN401  (the library's own)
        """Run what the library awaits, as long as anything comes."""
        if self.patience_seconds is None:
            return super().wait(gen, *args, **kwargs)
        return super().wait(self._patiently(gen, self.patience_seconds), *args, **kwargs)

    def _patiently(self, gen: Generator[Any, Any, RV], seconds: float) -> Generator[Any, Any, RV]:
        """Pass everything on; the library says now and then that nothing has come."""
        until = monotonic() + seconds
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    until = monotonic() + seconds
                elif monotonic() > until:
                    break
                wanted = gen.send(ready)
        except StopIteration as ended:
            value: RV = ended.value
            return value
        gen.close()
        self.pgconn.finish()
        raise psycopg.OperationalError("the database has not answered in time: timed out")
