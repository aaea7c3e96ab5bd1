"""The server of HTTP/2: the sockets that it listens on, and the connections that it has accepted."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from rolecall.transport.endpoint import AddressError, Endpoint, reason_of
from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.http2.methods import Methods
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.sockets import listening_socket
from rolecall.transport.http2.status import Code
from rolecall.transport.wire import ServerTls

BACKLOG = 1_024
ALPN = "h2"

_TURNS_TO_CLOSE = 3

LAST_SECONDS = 1.0
"""How long clients may take to accept the last statuses of a server that stops."""


class Http2Server:
    """Accepts connections until `stop`; `tick` keeps their time limits. For one event loop."""

    def __init__(self, methods: Methods, options: ConnectionOptions) -> None:
        self.methods, self.options = methods, options
        self.connections: set[Http2Connection] = set()
        self.revivals = 0
        self._empty = asyncio.Event()
        self._listening = list[asyncio.Server]()
        self._sockets = list[tuple[socket.socket, ServerTls | None]]()
        self._handshakes: set[asyncio.Task[None]] = set()

    def bind(self, endpoint: Endpoint, tls: ServerTls | None) -> int:
        """Listen on an endpoint, with TLS if `tls` is given; return the port. Raise `AddressError`."""
        try:
            bound = listening_socket(endpoint, BACKLOG)
        except OSError as error:
            raise AddressError(endpoint.address, reason_of(error)) from None
        self._sockets.append((bound, tls))
        name = bound.getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    async def start(self) -> None:
        """Accept connections."""
        for bound, tls in self._sockets:
            factory: Callable[[], asyncio.Protocol] = partial(_Accepted, self, tls) if tls else self._plain
            self._listening.append(await _listen(factory, bound))

    async def stop(self, grace: float) -> None:
        """Accept no more connections, and give the calls in progress `grace` seconds."""
        for listening in self._listening:
            listening.close()
        for bound, _ in self._sockets:
            bound.close()  # also those of a server that never started
        for task in self._handshakes:
            task.cancel()
        for connection in list(self.connections):
            connection.shut_down()
        await self._without_connections(grace)
        for connection in list(self.connections):
            connection.fail_calls(Code.UNAVAILABLE, "the server is stopping")
        await self._without_connections(LAST_SECONDS if grace else 0)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.gather(*self._handshakes, return_exceptions=True)
        await self._without_connections(LAST_SECONDS)
        # The loop closes the sockets of aborted connections in its next turns.
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(0)

    async def crashed(self) -> None:
        """Never return: connections fail one by one."""
        await asyncio.get_running_loop().create_future()

    async def revive(self) -> None:
        """Do nothing, since `crashed` never returns."""

    def tick(self) -> None:
        """Keep the time limits of all connections."""
        now = asyncio.get_running_loop().time()
        for connection in list(self.connections):
            connection.tick(now)

    def _plain(self) -> asyncio.Protocol:
        return _Refused() if self.full else Http2Connection(self)

    @property
    def full(self) -> bool:
        """Return whether there are as many connections, accepted or in a handshake, as are allowed."""
        return len(self.connections) + len(self._handshakes) >= self.options.max_connections

    def begin_handshake(self, transport: Any, tls: ssl.SSLContext) -> None:
        """Begin the TLS handshake of a connection."""
        task = asyncio.get_running_loop().create_task(self._shake_hands(transport, tls))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, transport: Any, tls: ssl.SSLContext) -> None:
        loop, connection = asyncio.get_running_loop(), Http2Connection(self)
        try:
            secured: Any = await loop.start_tls(
                transport, connection, tls, server_side=True, ssl_handshake_timeout=self.options.handshake
            )
        except (OSError, asyncio.CancelledError):
            transport.abort()
            return
        if secured is None or secured.get_extra_info("ssl_object").selected_alpn_protocol() != ALPN:
            transport.abort()
            return
        connection.connection_made(secured)

    def remove(self, connection: Http2Connection) -> None:
        """Remove a connection that is lost."""
        self.connections.discard(connection)
        if not self.connections:
            self._empty.set()

    async def _without_connections(self, seconds: float) -> None:
        """Wait until no connection is left, for so many seconds at most."""
        if self.connections:
            self._empty.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._empty.wait()


class _Accepted(asyncio.Protocol):
    """A connection before its TLS handshake."""

    def __init__(self, server: Http2Server, tls: ServerTls) -> None:
        self._server, self._tls = server, tls

    def connection_made(self, transport: Any) -> None:
        transport.pause_reading()
        if self._server.full:
            transport.abort()
        else:
            self._server.begin_handshake(transport, self._tls.context())


class _Refused(asyncio.Protocol):
    """A connection beyond the limit."""

    def connection_made(self, transport: Any) -> None:
        transport.abort()


async def _listen(factory: Callable[[], asyncio.Protocol], bound: socket.socket) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if bound.family == socket.AF_UNIX:
        return await loop.create_unix_server(factory, sock=bound, backlog=BACKLOG)
    return await loop.create_server(factory, sock=bound, backlog=BACKLOG)
