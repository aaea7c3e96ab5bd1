"""Which connections are accepted, and their TLS handshakes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from heapq import nsmallest
from itertools import filterfalse
from operator import attrgetter
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from typing import TYPE_CHECKING, Any

from rolecall.transport.connection_counts import ConnectionClosure, ConnectionRefusal
from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.wire import ServerTls

if TYPE_CHECKING:
    from rolecall.transport.http2.server import Http2Server

ALPN = "h2"

RESERVED_FILES = 64
"""How many of the files that the process may open are not for connections: the store, logs, certificates, the ops port."""

CANDIDATES = 64
"""How many idle connections are found at once, so that each newcomer of a full server does not look at all connections."""


class Acceptance:
    """Accepts or refuses connections.

    1. A full server closes the connection without calls that was idle longest for a newcomer, and else refuses the newcomer.
    2. Beyond `max_handshakes` the TLS handshake that has lasted longest is ended for the next one.
    """

    def __init__(self, server: Http2Server) -> None:
        self._server, options = server, server.options
        self._max_handshakes = options.max_handshakes
        self.max_connections = min(options.max_connections, connections_of_files(getrlimit(RLIMIT_NOFILE)[0]))
        self.handshakes = dict[asyncio.Task[None], None]()
        self.refused = server.connection_counts.refused
        self._idle: Iterator[tuple[float, Http2Connection]] = iter(())

    def newcomer(self, tls: ServerTls | None) -> asyncio.Protocol:
        """Return the protocol of a connection that is still to be accepted or refused."""
        return _Newcomer(self, tls)

    def take(self, transport: Any, tls: ServerTls | None, early: list[bytes]) -> None:
        """Accept or refuse a connection; `early` gets what arrives before its TLS handshake begins."""
        if not self._make_room():
            self.refused[ConnectionRefusal.FULL] += 1
            transport.abort()
        elif tls:
            self._begin_handshake(transport, tls.context(), early)
        else:
            connection = Http2Connection(self._server)
            transport.set_protocol(connection)
            connection.connection_made(transport)

    def _begin_handshake(self, transport: Any, tls: ssl.SSLContext, early: list[bytes]) -> None:
        if len(self.handshakes) >= self._max_handshakes:
            longest = next(iter(self.handshakes))
            del self.handshakes[longest]
            self.refused[ConnectionRefusal.HANDSHAKES] += 1
            longest.cancel()
        task = asyncio.get_running_loop().create_task(self._shake_hands(transport, tls, early))
        self.handshakes[task] = None
        task.add_done_callback(lambda done: self.handshakes.pop(done, None))

    async def stop(self) -> None:
        """End all handshakes."""
        tasks = list(self.handshakes)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _shake_hands(self, transport: Any, tls: ssl.SSLContext, early: list[bytes]) -> None:
        # Not sooner: uvloop starts to read after `connection_made`, even if that pauses it.
        transport.pause_reading()
        loop, connection = asyncio.get_running_loop(), Http2Connection(self._server)
        securing = loop.create_task(
            loop.start_tls(
                transport, connection, tls, server_side=True, ssl_handshake_timeout=self._server.options.handshake
            )
        )
        # Two turns later: after `start_tls` has connected its own protocol, and before it reads.
        loop.call_soon(loop.call_soon, _replay, transport, early)
        try:
            secured: Any = await securing
        except asyncio.CancelledError:
            transport.abort()
            return
        except OSError as error:
            self.refused[refusal_of(error)] += 1
            transport.abort()
            return
        if secured is None:
            self.refused[ConnectionRefusal.LEFT] += 1
            return
        if secured.get_extra_info("ssl_object").selected_alpn_protocol() != ALPN:
            self.refused[ConnectionRefusal.ALPN] += 1
            secured.abort()
            return
        connection.connection_made(secured)

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


def refusal_of(error: OSError) -> ConnectionRefusal:
    """Return why a TLS handshake failed."""
    match error:
        case ssl.SSLCertVerificationError() | ssl.SSLError(reason="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
            return ConnectionRefusal.CERTIFICATE
        case ssl.SSLError():
            # OpenSSL names such an error after the alert that it has received: `TLSV1_ALERT_UNKNOWN_CA`.
            alert = "ALERT" in (error.reason or "")
            return ConnectionRefusal.REJECTED_BY_CLIENT if alert else ConnectionRefusal.TLS
        case ConnectionAbortedError():
            return ConnectionRefusal.SLOW_HANDSHAKE
    return ConnectionRefusal.LEFT


class _Newcomer(asyncio.Protocol):
    """A connection that is neither accepted nor refused: many may arrive in one turn of the event loop."""

    def __init__(self, acceptance: Acceptance, tls: ServerTls | None) -> None:
        self._acceptance, self._tls, self._early = acceptance, tls, list[bytes]()

    def connection_made(self, transport: Any) -> None:
        self._acceptance.take(transport, self._tls, self._early)

    def data_received(self, data: bytes) -> None:
        self._early.append(data)


def _replay(transport: Any, early: list[bytes]) -> None:
    """Pass what has arrived before the handshake to the protocol that makes it."""
    # uvloop's protocol has the methods of `asyncio.BufferedProtocol` without being one.
    protocol, data = transport.get_protocol(), memoryview(b"".join(early))
    while data and hasattr(protocol, "get_buffer") and not transport.is_closing():
        buffer = protocol.get_buffer(len(data))
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        protocol.buffer_updated(size)
        data = data[size:]
