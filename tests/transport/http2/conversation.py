"""A client of the HTTP/2 transport made of hand-written frames, and a server with small methods that it calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc.aio import EOF
from ngh2 import Connection, Role
from ngh2.events import ResponseReceived, TrailersReceived

from rolecall.transport.endpoint import Endpoint
from rolecall.transport.http2.methods import Methods
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.server import Http2Server
from tests.transport.frames import DATA, END_STREAM, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame

GOAWAY = 0x7
WINDOW_UPDATE = 0x8
MAX_FRAME_SIZE = 0x5


async def nothing(_: Any) -> None: ...


class Behaviour:
    """The methods of the server of a test. `cancelled` counts the calls whose tasks were cancelled; `at_once` may decline.

    `prepare` is what methods first do with the context of a call.
    """

    def __init__(self) -> None:
        self.cancelled = 0
        self.seen = list[bytes]()
        self.contexts = list[Any]()
        self.closed_by = list[asyncio.Task[Any] | None]()
        self.at_once_answers = True
        self.error: Exception | None = None
        self.prepare: Callable[[Any], Awaitable[None]] = nothing
        self.hold = asyncio.Event()
        self.facts: tuple[tuple[str, str | bytes], ...] = (("facts-bin", b"\0\xff"),)

    async def unary(self, messages: AsyncIterator[bytes], context: Any) -> bytes:
        self.contexts.append(context)
        await self.prepare(context)
        message = await context.read()
        if message is EOF:
            await context.abort(grpc.StatusCode.INTERNAL, "no message")
        if self.error:
            raise self.error
        self.seen.append(message)
        return bytes(message)

    async def echo(self, messages: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        self.contexts.append(context)
        await self.prepare(context)
        try:
            while (message := await context.read()) is not EOF:
                self.seen.append(message)
                yield message
        finally:
            self.closed_by.append(asyncio.current_task())

    async def wait(self, messages: AsyncIterator[bytes], context: Any) -> bytes:
        self.contexts.append(context)
        try:
            await self.prepare(context)
            await self.hold.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return b"waited"

    async def refuse(self, messages: AsyncIterator[bytes], context: Any) -> bytes:
        await context.abort(grpc.StatusCode.NOT_FOUND, "kein Schlüssel: 100 %", self.facts)
        raise AssertionError

    def immediate(self, message: bytes, context: Any) -> bytes | None:
        self.contexts.append(context)
        if not self.at_once_answers:
            return None
        self.seen.append(message)
        return message

    def has_seen_more_than(self, count: int) -> bool:
        return len(self.seen) > count

    def find(self, path: str) -> Any:
        return self._handlers.get(path, self._unknown)

    def methods(self) -> Methods:
        unary: Any = grpc.stream_unary_rpc_method_handler
        self._handlers = {
            "/t/Unary": unary(self.unary),
            "/t/AtOnce": unary(self.unary),
            "/t/Wait": unary(self.wait),
            "/t/Refuse": unary(self.refuse),
            "/t/Echo": grpc.stream_stream_rpc_method_handler(self.echo),
        }
        self._unknown = unary(self.refuse)
        return Methods(self.find, {"/t/AtOnce": self.immediate})


@dataclass
class Answer:
    """What has arrived for one stream."""

    head: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    trailers: dict[bytes, bytes] = field(default_factory=dict)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> bytes | None:
        return (self.trailers or self.head).get(b"grpc-status")

    @property
    def messages(self) -> list[bytes]:
        found, rest = [], self.body
        while rest:
            size = int.from_bytes(rest[1:5], "big")
            found.append(rest[5 : 5 + size])
            rest = rest[5 + size :]
        return found


class Client:
    """Sends frames as they are, and reads the answers with a binding of its own. `frames` has what arrived, by kind and payload."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.frames = list[tuple[int, int, int, bytes]]()
        self.answers = dict[int, Answer]()
        self.closed = False
        self._buffer = b""
        self._decoder = Connection(Role.CLIENT)
        self._decoder.initiate_connection({MAX_FRAME_SIZE: 1 << 20})
        self._decoder.receive_data(frame(SETTINGS, 0, 0))

    async def send(self, *parts: bytes) -> None:
        self._writer.write(b"".join(parts))
        await self._writer.drain()

    async def until(self, true: Callable[[], object]) -> None:
        """Read until something is true; fail if the connection ends before."""
        while not true():
            assert not self.closed, self.frames
            await self._read()

    async def answer(self, stream: int) -> Answer:
        """Read until a stream has ended."""
        answer = self.answers.setdefault(stream, Answer())
        await self.until(lambda: answer.ended or answer.reset is not None)
        return answer

    async def until_closed_or(self, true: Callable[[], object]) -> None:
        while not (self.closed or true()):
            await self._read()

    async def until_closed(self) -> None:
        while not self.closed:
            await self._read()

    def close(self) -> None:
        self._writer.transport.abort()

    def kinds(self, kind: int) -> list[tuple[int, int, bytes]]:
        return [(flags, stream, payload) for found, flags, stream, payload in self.frames if found == kind]

    def has(self, kind: int, count: int) -> bool:
        return len(self.kinds(kind)) >= count

    async def _read(self) -> None:
        try:
            data = await asyncio.wait_for(self._reader.read(65_536), 20)
        except ConnectionError:
            data = b""
        self.closed = not data
        self._buffer += data
        while len(self._buffer) >= 9 and len(self._buffer) >= 9 + (size := int.from_bytes(self._buffer[:3], "big")):
            one, self._buffer = self._buffer[: 9 + size], self._buffer[9 + size :]
            self._take(one)

    def _take(self, one: bytes) -> None:
        kind, flags, stream, payload = one[3], one[4], int.from_bytes(one[5:9], "big"), one[9:]
        self.frames.append((kind, flags, stream, payload))
        answer = self.answers.setdefault(stream, Answer())
        if kind == HEADERS:
            target = answer.trailers if answer.head else answer.head
            target.update(self._decoded(stream, one))
        elif kind == DATA:
            answer.body += payload
        elif kind == RST_STREAM:
            answer.reset = int.from_bytes(payload, "big")
        answer.ended |= kind in (DATA, HEADERS) and bool(flags & END_STREAM)

    def _decoded(self, stream: int, one: bytes) -> dict[bytes, bytes]:
        while self._decoder.next_stream_id <= stream:
            self._decoder.send_request(
                [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"x")]
            )
        self._decoder.data_to_send()
        self._decoder.receive_data(one)
        events = [e for e in self._decoder.events() if isinstance(e, ResponseReceived | TrailersReceived)]
        return dict(events[-1].headers)


@dataclass
class Conversation:
    """A server, its behaviour, and a client that has sent its preface."""

    server: Http2Server
    behaviour: Behaviour
    client: Client
    port: int


@asynccontextmanager
async def conversation(
    options: ConnectionOptions, preface: bytes = PREFACE + frame(SETTINGS, 0, 0)
) -> AsyncIterator[Conversation]:
    behaviour = Behaviour()
    server = Http2Server(behaviour.methods(), options)
    port = server.bind(Endpoint("127.0.0.1:0"), None)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(preface)
    try:
        yield Conversation(server, behaviour, Client(reader, writer), port)
    finally:
        writer.close()
        await server.stop(0)
