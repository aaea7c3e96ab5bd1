"""One call on an HTTP/2 stream: the context that methods get, with the surface of `grpc.aio.ServicerContext`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from grpc.aio import EOF, AbortError

from rolecall.transport.http2.framing import ACCEPTED_ENCODINGS, compressed_frame, frame
from rolecall.transport.http2.incoming import IncomingMessages
from rolecall.transport.http2.request_head import RequestHead
from rolecall.transport.http2.session import REFUSED_STREAM
from rolecall.transport.http2.status import OK_TRAILERS, Metadata, encoded, trailers

if TYPE_CHECKING:
    from rolecall.transport.http2.connection import Http2Connection

_HEADERS = [
    (b":status", b"200"),
    (b"content-type", b"application/grpc"),
    (b"grpc-accept-encoding", ACCEPTED_ENCODINGS),
]
_GZIP = (b"grpc-encoding", b"gzip")

DEADLINE_AHEAD_SECONDS = 0.1
"""A client that resets its call so shortly before the deadline did so at the deadline, by its own clock."""

WRITE_AHEAD_BYTES = 64 * 1024
"""How many bytes of one stream may wait for the client's windows before `write` does."""


class Call:
    """A call. It is over when its trailers are sent, its client has reset it, or the connection is lost."""

    __slots__ = (
        "_changed",
        "_code",
        "_compressed",
        "_deadline",
        "_details",
        "_done",
        "_head",
        "_timer",
        "_trailing",
        "connection",
        "ended_by_client",
        "incoming",
        "method",
        "over",
        "started",
        "stream",
        "task",
    )  # fmt: skip

    def __init__(self, connection: Http2Connection, stream: int, head: RequestHead, method: Any) -> None:
        self.connection, self.stream, self._head, self.method = connection, stream, head, method
        self._deadline = inf if head.timeout == inf else monotonic() + head.timeout
        self.incoming: IncomingMessages | None = None
        self.task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.started = self.over = self.ended_by_client = self._compressed = self._changed = False
        self._code, self._details = grpc.StatusCode.OK, ""
        self._trailing: Metadata = ()
        self._done: tuple[Callable[[Any], object], ...] = ()

    # --- what the client sent ---

    @property
    def header_bytes(self) -> int:
        """Return the size of the headers, with 32 for each."""
        return self._head.size

    @property
    def encoding(self) -> bytes:
        """Return the compression of the client's messages."""
        return self._head.encoding

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Return the metadata that the client sent."""
        return self._head.metadata()

    @property
    def has_authorization(self) -> bool:
        """Return whether the metadata has a value of `authorization`, which is known without reading all of it."""
        return self._head.has_authorization

    def auth_context(self) -> Mapping[str, list[bytes]]:
        """Return what is known of the client, as `grpc.aio` names it: its certificate and the names in it, or its user."""
        return self.connection.auth_context

    def peer(self) -> str:
        """Return the address of the client."""
        return self.connection.peer

    def time_remaining(self) -> float | None:
        """Return the seconds until the client's deadline; None if it has none."""
        return None if self._deadline == inf else max(0.0, self._deadline - monotonic())

    async def read(self) -> Any:
        """Return the client's next message, or `EOF` after the last."""
        return EOF if self.incoming is None else await self.incoming.next()

    def arrived(self, limit: int) -> list[bytes]:
        """Return the client's next messages, at most `limit` of those that have arrived."""
        return [] if self.incoming is None else self.incoming.arrived(limit)

    async def messages(self) -> AsyncIterator[bytes]:
        """Yield the client's messages."""
        while (message := await self.read()) is not EOF:
            yield message

    # --- what the method answers ---

    async def send_initial_metadata(self, metadata: Metadata) -> None:
        """Send the headers of the answer now."""
        self._start(metadata)
        self.connection.flush_soon()

    async def write(self, message: bytes) -> None:
        """Send a message; return when the client's windows have accepted it, but for a bounded rest."""
        await self.write_all((message,))

    async def write_all(self, messages: Sequence[bytes]) -> None:
        """Send messages as `write` does, with one wait for all of them."""
        self._require_open()
        if not self.started:
            self._start()
        connection, session, stream = self.connection, self.connection.session, self.stream
        session.send(stream, b"".join(map(self._framed, messages)))
        connection.keepalive.answered()
        connection.flush_soon()
        if connection.outgoing.paused or session.queued(stream) > WRITE_AHEAD_BYTES:
            await connection.accepted(stream, WRITE_AHEAD_BYTES)
            self._require_open()

    def finish(self, code: int, message: str = "", metadata: Metadata = ()) -> None:
        """Send the trailers, unless the call is over."""
        if self.over:
            return
        session, end = self.connection.session, trailers(code, message, metadata)
        if self.started:
            session.end(self.stream, end)
        else:
            session.respond(self.stream, [*_HEADERS, *end], end_stream=True)
        self.close()
        self.connection.on_finished(self)

    def answer(self, message: bytes) -> None:
        """Send the only message and the trailers."""
        if self.started or self._changed:
            self._start()
            self.connection.session.send(self.stream, self._framed(message))
            self.finish(self._code.value[0], self._details, self._trailing)
            return
        # Almost every call: nothing but the message and the status OK.
        connection, stream = self.connection, self.stream
        session = connection.session
        session.respond(stream, _HEADERS)
        session.send(stream, b"\0" + len(message).to_bytes(4, "big") + message)
        session.end(stream, OK_TRAILERS)
        self.close()
        connection.on_finished(self)

    def finish_stream(self) -> None:
        """Send the trailers of a method that has sent its messages."""
        self._start()
        self.finish(self._code.value[0], self._details, self._trailing)

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Metadata = ()) -> NoReturn:
        """End the call with a status, and raise `AbortError`."""
        self._code, self._details = code, details
        self.finish(code.value[0], details, trailing_metadata or self._trailing)
        raise AbortError("the call was aborted by its method")

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        """End the call with a status that has details, and raise `AbortError`."""
        await self.abort(status.code, status.details, status.trailing_metadata)

    def set_code(self, code: grpc.StatusCode) -> None:
        """Set the status code that the call ends with when its method returns."""
        self._code, self._changed = code, True

    def set_details(self, details: str) -> None:
        """Set the message of that status."""
        self._details, self._changed = details, True

    def set_trailing_metadata(self, metadata: Metadata) -> None:
        """Set the metadata that is sent with the status."""
        self._trailing, self._changed = tuple(metadata), True

    def set_compression(self, compression: grpc.Compression) -> None:
        """Compress the messages of the answer with gzip from now on, or do not."""
        self._compressed, self._changed = compression is grpc.Compression.Gzip, True

    def code(self) -> grpc.StatusCode:
        """Return the status code so far."""
        return self._code

    def details(self) -> str:
        """Return the message of the status so far."""
        return self._details

    def trailing_metadata(self) -> Metadata:
        """Return the metadata that is sent with the status."""
        return self._trailing

    def done(self) -> bool:
        """Return whether the call is over."""
        return self.over

    cancelled = done

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Call `callback` with this call when it is over."""
        self._done += (callback,)

    # --- how the call ends ---

    def expire_at_deadline(self, expire: Callable[[Call], object]) -> None:
        """Have `expire` called at the client's deadline, if it has one."""
        if self._deadline != inf:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, self._deadline - monotonic()), expire, self)

    @property
    def expired(self) -> bool:
        """Return whether the client's deadline has passed."""
        return self._deadline != inf and monotonic() >= self._deadline

    def close(self) -> None:
        """End the call without sending anything."""
        if self.over:
            return
        self.over = True
        if self._timer:
            self._timer.cancel()
        if self.incoming:
            self.incoming.end()
        self.connection.remove(self)
        for callback in self._done:
            callback(self)

    def refuse(self) -> None:
        """End a call that no method has seen, so that its client may repeat it."""
        self.connection.session.reset(self.stream, REFUSED_STREAM)
        self.close()
        self.connection.flush_soon()

    def cancel(self) -> None:
        """End the call and its task, because the client is gone."""
        if self._deadline - monotonic() < DEADLINE_AHEAD_SECONDS:
            self._deadline = 0.0
        self.close()
        self.cancel_task()

    def cancel_task(self) -> None:
        """Cancel the task of the method, unless that is the caller."""
        if self.task and self.task is not asyncio.current_task():
            self.task.cancel()

    def _start(self, metadata: Metadata = ()) -> None:
        if self.started or self.over:
            return
        self.started = True
        more = [*encoded(metadata), *([_GZIP] if self._compressed else ())]
        self.connection.session.respond(self.stream, [*_HEADERS, *more] if more else _HEADERS)

    def _framed(self, message: bytes) -> bytes:
        return compressed_frame(message) if self._compressed else frame(message)

    def _require_open(self) -> None:
        if self.over:
            raise asyncio.CancelledError
