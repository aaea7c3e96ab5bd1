"""When a connection is pinged, when it has pinged too often, and when it is old."""

from __future__ import annotations

import random
from enum import Enum, auto
from math import inf

from rolecall.transport.http2.options import ConnectionOptions

AGE_JITTER = 0.1


class Due(Enum):
    """What a connection needs."""

    NOTHING = auto()
    PING = auto()
    CLOSE = auto()
    SHUTDOWN = auto()


class Keepalive:
    """The clock of one connection; all times are those of the event loop, in seconds."""

    __slots__ = (
        "_handshake_until",
        "_last_ping",
        "_old_at",
        "_options",
        "_pinged_at",
        "_queued_at_ping",
        "_strikes",
        "established",
        "last_data",
    )

    def __init__(self, options: ConnectionOptions, now: float) -> None:
        self._options = options
        self.last_data, self._handshake_until = now, now + options.handshake
        self._pinged_at = inf
        self._last_ping, self._strikes = -inf, 0
        self._queued_at_ping = 0
        self._old_at = now + options.age * random.uniform(1 - AGE_JITTER, 1 + AGE_JITTER)  # noqa: S311 -- spreads connections
        self.established = False

    def received(self, now: float) -> None:
        """Note that whole frames have arrived. Parts of a frame do not count: they could arrive for ever."""
        self.last_data, self._pinged_at = now, inf

    def answered(self) -> None:
        """Note that an answer was sent, after which a client may ping again."""
        self._last_ping, self._strikes = -inf, 0

    def too_many_pings(self, now: float, queued: int) -> bool:
        """Note a ping of the client, while so many bytes of answers are queued; return whether it has sent too many."""
        if queued != self._queued_at_ping:
            # Parts of an answer have left since the last ping: clients ping after them to measure the path.
            self._queued_at_ping = queued
            self.answered()
        if now < self._last_ping + self._options.ping_interval:
            self._strikes += 1
        self._last_ping = now
        return self._strikes > self._options.ping_strikes

    def due(self, now: float) -> Due:
        """Return what the connection needs at a time. A ping is due once, until data arrives."""
        options = self._options
        # Data does not extend it: a client could send its preface byte by byte.
        if not self.established and now >= self._handshake_until:
            return Due.CLOSE
        if now >= self._pinged_at + options.keepalive_timeout:
            return Due.CLOSE
        if now >= self._old_at:
            self._old_at = inf
            return Due.SHUTDOWN
        if self._pinged_at == inf and now >= self.last_data + options.keepalive:
            self._pinged_at = now
            return Due.PING
        return Due.NOTHING
