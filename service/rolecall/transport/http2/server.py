"""The server of HTTP/2: the sockets that it listens on, and the connections that it has accepted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from rolecall.transport.connection_counts import ConnectionClosure, ConnectionCounts
from rolecall.transport.endpoint import AddressError, Endpoint, SocketAccess, reason_of
from rolecall.transport.http2.acceptance import Acceptance
from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.http2.methods import Methods
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.receiving import refuse_for_memory, start_call
from rolecall.transport.http2.request_memory import RequestMemory
from rolecall.transport.http2.sockets import SocketFile, listening_socket
from rolecall.transport.http2.status import Code
from rolecall.transport.wire import ServerTls

BACKLOG = 1_024
_TURNS_TO_CLOSE = 3

LAST_SECONDS = 1.0
"""How long clients may take to accept the last statuses of a server that stops."""


class Http2Server:
    """Accepts connections until `stop`; `tick` keeps their time limits. For one event loop."""

    def __init__(self, methods: Methods, options: ConnectionOptions) -> None:
        self.methods, self.options = methods, options
        self.connections: set[Http2Connection] = set()
        self.revivals = 0
        self._deferred = 0  # connections with calls that wait for the next turn of the event loop
        self.share = 1.0  # of a slice of time, for each of them
        self.connection_counts = ConnectionCounts(self.connections)
        self._empty = asyncio.Event()
        self._listening = list[asyncio.Server]()
        self._sockets = list[tuple[socket.socket, Callable[[], asyncio.Protocol]]]()
        self._files = list[SocketFile]()
        self.acceptance = Acceptance(self)
        self.memory = RequestMemory(
            options.request_memory, self.connection_counts, refuse=refuse_for_memory, start=start_call
        )

    def bind(self, endpoint: Endpoint, tls: ServerTls | None) -> int:
        """Listen on an endpoint, with TLS if `tls` is given; return the port. Raise `AddressError`."""
        name = self._listen_on(endpoint, partial(self.acceptance.newcomer, tls)).getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    def bind_admin(self, path: str) -> None:
        """Listen on a Unix socket that only the user of this process may use; raise `AddressError`."""
        # Its connections do not count: a server that is full must still have its way out.
        endpoint = Endpoint(f"unix:{path}", access=SocketAccess())
        self._listen_on(endpoint, partial(Http2Connection, self, admin=True))

    async def start(self) -> None:
        """Accept connections."""
        for bound, connection in self._sockets:
            self._listening.append(await _listen(connection, bound))

    async def stop(self, grace: float) -> None:
        """Accept no more connections, and give the calls in progress `grace` seconds."""
        for listening in self._listening:
            listening.close()
        for bound, _ in self._sockets:
            bound.close()  # also those of a server that never started
        for file in self._files:
            file.remove()
        self.acceptance.handshakes.stop()
        self.memory.stop()
        for connection in list(self.connections):
            connection.shut_down()
        await self._without_connections(grace)
        for connection in list(self.connections):
            connection.fail_calls(Code.UNAVAILABLE, "the server is stopping")
        await self._without_connections(LAST_SECONDS if grace else 0)
        for connection in list(self.connections):
            connection.abort()
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
        """Keep the time limits of all connections, and the bounds of what they buffer together."""
        now = asyncio.get_running_loop().time()
        for connection in list(self.connections):
            connection.tick(now)
        self.memory.tick()
        self._bound_answers()

    def _listen_on(self, endpoint: Endpoint, connection: Callable[[], asyncio.Protocol]) -> socket.socket:
        try:
            bound = listening_socket(endpoint, BACKLOG)
        except OSError as error:
            raise AddressError(endpoint.address, reason_of(error)) from None
        self._sockets.append((bound, connection))
        self._files.append(SocketFile(bound))
        return bound

    def _bound_answers(self) -> None:
        """Close the connections whose clients accept least, while all have too many bytes of answers."""
        queued = {connection: size for connection in self.connections if (size := connection.queued_bytes)}
        excess = sum(queued.values()) - self.options.max_all_queued_bytes
        while excess > 0:
            most = max(queued, key=queued.__getitem__)
            excess -= queued.pop(most)
            most.cut(ConnectionClosure.UNACCEPTED_ANSWERS)

    def defer(self, connections: int) -> None:
        """Note that so many more connections, or fewer, have calls that wait for the next turn of the event loop."""
        self._deferred += connections
        # A turn is then as long as one slice and a little, however many connections wait.
        self.share = 1 / (1 + self._deferred)

    def remove(self, connection: Http2Connection) -> None:
        """Remove a connection that is lost."""
        self.connections.discard(connection)
        self.memory.complete(connection)
        if not self.connections:
            self._empty.set()

    async def _without_connections(self, seconds: float) -> None:
        """Wait until no connection is left, for so many seconds at most."""
        if self.connections:
            self._empty.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._empty.wait()


async def _listen(factory: Callable[[], asyncio.Protocol], bound: socket.socket) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if bound.family == socket.AF_UNIX:
        return await loop.create_unix_server(factory, sock=bound, backlog=BACKLOG)
    return await loop.create_server(factory, sock=bound, backlog=BACKLOG)
