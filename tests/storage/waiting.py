"""Waiting for a condition, instead of sleeping and hoping that it holds."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.postgres import PATIENCE_SECONDS, PostgresServer


def wait_until(condition: Callable[[], object]) -> None:
    """Return as soon as a condition holds; fail after a time that only a broken program needs."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true"
        time.sleep(0.005)


def has_blocked_transaction(server: PostgresServer, database: str) -> bool:
    """Return whether a transaction of a database waits for a lock of another."""
    blocked = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'"
    return bool(server.execute(blocked))
