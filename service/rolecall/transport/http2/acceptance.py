"""Which connections are accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from heapq import nsmallest
from itertools import filterfalse
from operator import attrgetter
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from typing import TYPE_CHECKING, Any

from rolecall.transport.connection_counts import ConnectionClosure, ConnectionRefusal
from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.http2.handshakes import Handshakes
from rolecall.transport.wire import ServerTls

if TYPE_CHECKING:
    from rolecall.transport.http2.server import Http2Server

RESERVED_FILES = 64
"""How many of the files that the process may open are not for connections: the store, logs, certificates, the ops port."""

CANDIDATES = 64
"""How many idle connections are found at once, so that each newcomer of a full server does not look at all connections."""


class Acceptance:
    """Accepts or refuses connections.

    A full server closes the connection without calls that was idle longest for a newcomer, and else refuses the newcomer.
    """

    def __init__(self, server: Http2Server) -> None:
        self._server = server
        self.max_connections = min(server.options.max_connections, connections_of_files(getrlimit(RLIMIT_NOFILE)[0]))
        self.handshakes = Handshakes(server)
        self.refused = server.connection_counts.refused
        self._idle: Iterator[tuple[float, Http2Connection]] = iter(())

    def newcomer(self, tls: ServerTls | None) -> asyncio.Protocol:
        """Return the protocol of a connection that is still to be accepted or refused."""
        return _Newcomer(self, tls)

    def take(self, transport: Any, tls: ServerTls | None) -> None:
        """Accept or refuse a connection."""
        if not self._make_room():
            self.refused[ConnectionRefusal.FULL] += 1
            transport.abort()
        elif tls:
            self.handshakes.begin(transport, tls.context())
        else:
            connection = Http2Connection(self._server)
            transport.set_protocol(connection)
            connection.connection_made(transport)

    # --- room ---

    def _make_room(self) -> bool:
        """Return whether there is room for one more connection, after closing one that is idle if need be."""
        if self._count() < self.max_connections:
            return True
        longest = self._longest_idle()
        if longest is None:
            return False
        self._server.remove(longest)
        longest.cut(ConnectionClosure.ROOM)
        return True

    def _count(self) -> int:
        return len(self._server.connections) + len(self.handshakes)

    def _longest_idle(self) -> Http2Connection | None:
        return self._next_candidate() or self._found_again()

    def _found_again(self) -> Http2Connection | None:
        idle = filterfalse(attrgetter("calls"), self._server.connections)
        found = nsmallest(CANDIDATES, ((one.keepalive.last_data, id(one), one) for one in idle))
        self._idle = iter([(since, one) for since, _, one in found])
        return self._next_candidate()

    def _next_candidate(self) -> Http2Connection | None:
        for since, one in self._idle:
            # Only if nothing has happened to it since it was found.
            if one in self._server.connections and not one.calls and one.keepalive.last_data == since:
                return one
        return None


def connections_of_files(files: int) -> int:
    """Return how many connections a process can have that may open so many files."""
    return 2**31 if files == RLIM_INFINITY else max(1, files - RESERVED_FILES)


class _Newcomer(asyncio.Protocol):
    """A connection that is neither accepted nor refused: many may arrive in one turn of the event loop."""

    def __init__(self, acceptance: Acceptance, tls: ServerTls | None) -> None:
        self._acceptance, self._tls = acceptance, tls

    def connection_made(self, transport: Any) -> None:
        self._acceptance.take(transport, self._tls)
