"""Word of the commits of others through LISTEN and NOTIFY, on a connection of its own.

Through a pooler that lends a connection for a transaction only no word comes; polling finds every commit all the same.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from rolecall.roles.errors import StoreUnavailableError
from rolecall.storage.postgres.timeouts import ResponseTimeout

CHANNEL = "rolecall"

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 15.0
_SLICE_SECONDS = 0.25
"""How long a `wait` under way may take to see that `close` was called."""


class PostgresNotifications:
    """Listens, on one thread at a time; connects when it is first asked, and anew after a pause when the connection broke.

    `response_timeout` is that of the connections that `connect` makes.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection], response_timeout: ResponseTimeout) -> None:
        self._connect, self._response_timeout = connect, response_timeout
        self._connection: psycopg.Connection | None = None
        self._closed = threading.Event()
        self._connected_before = False
        self._pause, self._connect_at = FIRST_PAUSE_SECONDS, 0.0
        self._held = threading.Lock()

    def wait(self, seconds: float) -> bool:
        """Return True as soon as there is word, and when a new connection may have missed some."""
        until = time.monotonic() + seconds
        with self._held:
            while not self._closed.is_set() and (left := until - time.monotonic()) > 0:
                if self._connection is None:
                    if self._connect_within(left):
                        return True
                elif self._listen(self._connection, min(left, _SLICE_SECONDS)):
                    return True
        return False

    def close(self) -> None:
        """Let go of the connection, as soon as a `wait` under way has ended."""
        self._closed.set()
        self._response_timeout.shorten()
        with self._held:
            self._drop()

    def _connect_within(self, seconds: float) -> bool:
        """Connect when it is time; tell whether this replaces a connection that broke."""
        pause = self._connect_at - time.monotonic()
        if pause > 0:
            self._closed.wait(min(pause, seconds))
            return False
        try:
            self._connection = self._connect()
            self._connection.execute(f"LISTEN {CHANNEL}")
        except (StoreUnavailableError, psycopg.Error):
            self._broke()
            return False
        again, self._connected_before = self._connected_before, True
        self._pause = FIRST_PAUSE_SECONDS
        return again

    def _listen(self, connection: psycopg.Connection, seconds: float) -> bool:
        try:
            return any([True for _ in connection.notifies(timeout=seconds, stop_after=1)])
        except psycopg.Error:
            self._broke()
            return False

    def _broke(self) -> None:
        self._drop()
        self._connect_at = time.monotonic() + self._pause * random.uniform(0.5, 1)  # noqa: S311 -- spreads replicas, keeps no secret
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()
