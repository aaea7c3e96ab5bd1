"""A load generator for gRPC: connections with calls in flight on each, as fast as the server answers or paced.

It is one loop over libnghttp2, which costs little beside a server in Python.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bench.missing import missing

try:
    from ngh2 import Connection, Role
    from ngh2.events import DataReceived, ResponseReceived, StreamReset, TrailersReceived
except ModuleNotFoundError:
    missing("the package `ngh2`", "make setup")

_WINDOW_BYTES = 16 * 1024 * 1024
_INITIAL_WINDOW_SIZE = 0x4
_SETTLE_SECONDS = 0.05
"""A server ends a handshake later than its client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """On how many connections calls are sent, how many are in flight on each, or how many a second (0: as many as possible)."""

    connections: int = 4
    in_flight: int = 1
    per_second: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A method of a server."""

    address: str
    path: str
    tls: ssl.SSLContext | None = None


@asynccontextmanager
async def opened(
    target: Target, bodies: Sequence[bytes], calls: int, shape: Shape
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Open the connections, and give what makes so many calls on them, with the bodies in turn.

    That raises `CallFailedError` if one of them fails. What a server does for a new connection is done before.
    """
    host, _, port = target.address.rpartition(":")
    loop, share = asyncio.get_running_loop(), calls // shape.connections
    clients = list[_Client]()
    for _ in range(shape.connections):
        client = _Client(target.path, bodies, share, refill=not shape.per_second)
        await loop.create_connection(lambda client=client: client, host, int(port), ssl=target.tls)
        clients.append(client)
    await asyncio.sleep(_SETTLE_SECONDS)

    async def send() -> None:
        if shape.per_second:
            await _pace(clients, share, shape.per_second)
        else:
            for client in clients:
                client.begin(shape.in_flight)
        await asyncio.gather(*(client.done for client in clients))

    yield send
    for client in clients:
        client.close()


async def _pace(clients: list[_Client], share: int, per_second: int) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    for _ in range(share):
        for client in clients:
            due += 1 / per_second
            await asyncio.sleep(max(0.0, due - loop.time()))
            client.begin(1)


class CallFailedError(Exception):
    """A measured call failed, so the measurement is void."""


class _Client(asyncio.Protocol):
    """One connection. With `refill` it begins a call for each that ends."""

    def __init__(self, path: str, bodies: Sequence[bytes], calls: int, *, refill: bool) -> None:
        self._session, self._bodies, self._refill = Connection(Role.CLIENT), bodies, refill
        self._to_begin = self._to_end = calls
        self._transport: Any = None
        self._headers = [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", path.encode()),
            (b":authority", b"localhost"),
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
            (b"user-agent", b"bench"),
            (b"grpc-accept-encoding", b"identity, deflate, gzip"),
        ]
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self, calls: int) -> None:
        """Begin so many calls, or those that are left."""
        for _ in range(min(calls, self._to_begin)):
            body = self._bodies[self._to_begin % len(self._bodies)]
            self._to_begin -= 1
            stream = self._session.send_request(self._headers)
            self._session.send_data(stream, body, end_stream=True)
        self._flush()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._session.initiate_connection({_INITIAL_WINDOW_SIZE: _WINDOW_BYTES})
        self._session.set_local_window_size(_WINDOW_BYTES)
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._session.receive_data(data)
        ended = 0
        for event in self._session.events():
            if isinstance(event, DataReceived):
                continue
            if isinstance(event, TrailersReceived) and (b"grpc-status", b"0") in event.headers:
                ended += 1
            elif isinstance(event, StreamReset | TrailersReceived):
                self._fail(f"{event}")
            elif isinstance(event, ResponseReceived) and event.end_stream:
                self._fail(f"{event.headers}")
        self._to_end -= ended
        self.begin(ended if self._refill else 0)
        if not self._to_end and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._to_end:
            self._fail(f"the connection was lost: {exc}")

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(CallFailedError(reason))

    def _flush(self) -> None:
        if data := self._session.data_to_send():
            self._transport.write(data)
