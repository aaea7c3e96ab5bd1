"""Notifications of other servers' commits, through LISTEN and NOTIFY on a connection of their own.

A pooler in transaction mode delivers none; polling finds every commit all the same.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf

import psycopg

from rolecall.roles.errors import StoreUnavailableError
from rolecall.storage.postgres.timeouts import ResponseTimeout

CHANNEL = "rolecall"

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 15.0
_SLICE_SECONDS = 0.25
"""How long a running `wait` may take to notice that `close` was called."""


class PostgresNotifications:
    """Listens on one thread at a time; connects on the first `wait`, and reconnects after a pause when the connection breaks.

    `response_timeout` is the one of the connections that `connect` returns.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection], response_timeout: ResponseTimeout) -> None:
        self._connect, self._response_timeout = connect, response_timeout
        self._connection: psycopg.Connection | None = None
        self._closed = threading.Event()
        self._connected_before = False
        self._pause, self._connect_at = FIRST_PAUSE_SECONDS, -inf
        self._waiting = threading.Lock()

    def wait(self, seconds: float) -> bool:
        """Return True on a notification, and after a reconnect, which may have missed some; False after `seconds`."""
        until = time.monotonic() + seconds
        with self._waiting:
            while not self._closed.is_set() and (left := until - time.monotonic()) > 0:
                if self._connection is None:
                    if self._connect_within(left):
                        return True
                elif self._listen(self._connection, min(left, _SLICE_SECONDS)):
                    return True
        return False

    def close(self) -> None:
        """Close the connection as soon as a running `wait` has returned."""
        self._closed.set()
        self._response_timeout.shorten()
        with self._waiting:
            self._drop()

    def _connect_within(self, seconds: float) -> bool:
        """Connect once the pause is over; return whether this replaces a connection that broke."""
        pause = self._connect_at - time.monotonic()
        if pause > 0:
            self._closed.wait(min(pause, seconds))
            return False
        try:
            self._connection = self._connect()
            self._connection.execute(f"LISTEN {CHANNEL}")
        except (StoreUnavailableError, psycopg.Error):
            self._schedule_reconnect()
            return False
        reconnected, self._connected_before = self._connected_before, True
        self._pause = FIRST_PAUSE_SECONDS
        return reconnected

    def _listen(self, connection: psycopg.Connection, seconds: float) -> bool:
        try:
            return any([True for _ in connection.notifies(timeout=seconds, stop_after=1)])
        except psycopg.Error:
            self._schedule_reconnect()
            return False

    def _schedule_reconnect(self) -> None:
        self._drop()
        self._connect_at = time.monotonic() + self._pause * random.uniform(0.5, 1)  # noqa: S311 -- spreads replicas, keeps no secret
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()
