"""One connection: reads calls from it, runs their methods, and sends the answers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rolecall.transport.http2.call import Call
from rolecall.transport.http2.keepalive import Due, Keepalive
from rolecall.transport.http2.peer import names_of, peer_of
from rolecall.transport.http2.receiving import begin_call, receive_data
from rolecall.transport.http2.session import (
    ENHANCE_YOUR_CALM,
    DataReceived,
    Event,
    PingAcknowledged,
    PingReceived,
    RequestReceived,
    Session,
    SessionError,
    StreamClosed,
    StreamReset,
    TrailersReceived,
)
from rolecall.transport.http2.status import Code

if TYPE_CHECKING:
    from rolecall.transport.http2.server import Http2Server

SLICE_SECONDS = 0.005
"""How long the calls of one read are answered before the event loop runs other work."""

LINGER_SECONDS = 1.0
"""How long a connection that has nothing more to send waits for its client to close it."""

_SHUTDOWN_PING = b"shutdown"


class Http2Connection(asyncio.Protocol):
    """A connection that has been accepted, and whose TLS handshake is done."""

    def __init__(self, server: Http2Server) -> None:
        self.server, self._loop = server, asyncio.get_running_loop()
        self.options = server.options
        self.session = Session(server.options.session)
        self.calls: dict[int, Call] = {}
        self.peer, self.auth_context = "", dict[str, list[bytes]]()
        self.keepalive = Keepalive(server.options, self._loop.time())
        self.closing = False
        self._transport: Any = None
        self._lost = False  # perhaps before it begins: with the end of the TLS handshake
        self._early = list[bytes]()  # what arrived with the end of the TLS handshake
        self._deferred: list[Event] = []
        self._unread = dict[int, None]()  # streams that have ended before their client was done sending
        self._accepting = list[asyncio.Future[None]]()
        self._paused = self._flushing = False

    # --- what asyncio calls ---

    def connection_made(self, transport: Any) -> None:
        """Begin the connection."""
        if self._lost:
            return
        self._transport = transport
        self.peer, self.auth_context = peer_of(transport), names_of(transport)
        self.server.connections.add(self)
        self.flush()
        for data in self._early:
            self.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the calls of the connection."""
        self._lost = True
        self.server.remove(self)
        self._paused, self.closing = False, True
        self._deferred.clear()
        for call in list(self.calls.values()):
            call.cancel()
        self._wake()

    def eof_received(self) -> bool:
        """Close the connection, which a client that has closed its half cannot use."""
        return False

    def pause_writing(self) -> None:
        """Read nothing from a client that does not read."""
        self._paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Continue after `pause_writing`."""
        self._paused = False
        if not self._deferred:
            self._transport.resume_reading()
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Answer what has arrived."""
        if self._transport is None:
            self._early.append(data)
            return
        self.keepalive.received(self._loop.time())
        try:
            events = self.session.receive(data)
        except SessionError:
            self._fail()
            return
        if self._deferred:
            self._deferred += events
        else:
            self._handle(events)

    # --- events ---

    def _handle(self, events: list[Event]) -> None:
        until = perf_counter() + SLICE_SECONDS
        for number, event in enumerate(events, start=1):
            try:
                self._handle_one(event)
            except SessionError:
                # The client has reset the stream, and its event is still to come.
                self._forget(event)
            if number < len(events) and perf_counter() > until:
                self._defer(events[number:])
                break
        self.flush()
        if self.session.finished:
            self._close()

    def _handle_one(self, event: Any) -> None:
        kind = type(event)
        if kind is DataReceived:
            call = self.calls.get(event.stream_id)
            if call is None:
                self.session.consumed(len(event.data), event.stream_id)
            else:
                receive_data(self, call, event.data, end=event.end_stream)
        elif kind is RequestReceived:
            begin_call(self, event.stream_id, event.headers, end=event.end_stream)
        elif kind is StreamClosed or kind is StreamReset:
            self._forget(event)
        elif kind is TrailersReceived:
            if call := self.calls.get(event.stream_id):
                receive_data(self, call, b"", end=True)
        elif kind is PingReceived:
            self._take_ping()
        elif kind is PingAcknowledged:
            if event.opaque_data == _SHUTDOWN_PING:
                self._refuse_later_streams()
        else:
            self.keepalive.established = True

    def _forget(self, event: Any) -> None:
        self._unread.pop(event.stream_id, None)
        if call := self.calls.get(event.stream_id):
            call.cancel()

    def _defer(self, events: list[Event]) -> None:
        self._deferred = events
        self._transport.pause_reading()
        self._loop.call_soon(self._continue)

    def _continue(self) -> None:
        events, self._deferred = self._deferred, []
        self._handle(events)
        if not self._deferred and not self._paused and not self._transport.is_closing():
            self._transport.resume_reading()

    def _take_ping(self) -> None:
        if self.keepalive.too_many_pings(self._loop.time()):
            self.session.go_away(ENHANCE_YOUR_CALM, b"too_many_pings")
            self.flush()
            self._close()

    def _fail(self) -> None:
        """End a connection whose client breaks the protocol."""
        for event in self.session.last_events():
            if isinstance(event, StreamClosed | StreamReset):
                self._forget(event)
        self.flush()
        self._close()

    def _close(self) -> None:
        """Close the connection when its client has accepted what is pending, but soon in any case."""
        # A second `close` of a TLS transport would make its `abort` do nothing.
        if not self._transport.is_closing():
            self._transport.close()
            self._loop.call_later(LINGER_SECONDS, self._transport.abort)

    # --- sending ---

    def flush(self) -> None:
        """Send what is pending, unless the client does not read."""
        self._flushing = False
        if self._paused or self._transport.is_closing():
            return
        try:
            data = self.session.pending()
            if self._unread:
                data += self._reset_unread()
        except SessionError:
            self._transport.abort()
            return
        if data:
            self._transport.write(data)
        if self._accepting:
            self._wake()

    def flush_soon(self) -> None:
        """Send what is pending when the ready work of the event loop has run, once for all of it."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self.flush)

    async def accepted(self, stream: int, limit: int) -> None:
        """Wait until at most `limit` bytes of a stream wait for the client."""
        while stream in self.calls and (self._paused or self.session.queued(stream) > limit):
            waiting: asyncio.Future[None] = self._loop.create_future()
            self._accepting.append(waiting)
            await waiting

    def _wake(self) -> None:
        waiting, self._accepting = self._accepting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def _reset_unread(self) -> bytes:
        # Only after the trailers have left: a reset drops what is queued.
        for stream in [stream for stream in self._unread if not self.session.queued(stream)]:
            del self._unread[stream]
            self.session.reset(stream)
        return self.session.pending()

    # --- calls ---

    def on_finished(self, call: Call) -> None:
        """Have the stream of a finished call reset if its client may still send to it."""
        self.keepalive.answered()
        if not call.ended_by_client:
            self._unread[call.stream] = None
        self.flush_soon()

    def remove(self, call: Call) -> None:
        """Remove a call that is over."""
        self.calls.pop(call.stream, None)
        if self.closing and not self.calls:
            self._loop.call_soon(self._linger)

    # --- the end ---

    def tick(self, now: float) -> None:
        """Ping, close or shut down the connection when it is due, and end the calls whose message does not arrive."""
        match self.keepalive.due(now):
            case Due.CLOSE:
                self._transport.abort()
            case Due.PING:
                self.session.ping(b"\0" * 8)
                self.flush()
            case Due.SHUTDOWN:
                self.shut_down()
                self._loop.call_later(self.options.age_grace, self._transport.abort)

    def shut_down(self) -> None:
        """Accept no new calls, without losing one that is on its way."""
        if self.closing:
            return
        self.closing = True
        self.session.announce_shutdown()
        with suppress(SessionError):
            # Its acknowledgement follows every stream that the client had opened.
            self.session.ping(_SHUTDOWN_PING)
        self.flush()
        self._loop.call_later(LINGER_SECONDS, self._refuse_later_streams)

    def _refuse_later_streams(self) -> None:
        if not self._transport.is_closing():
            self.session.go_away()
            self.flush()
            if not self.calls:
                self._linger()

    def _linger(self) -> None:
        if not self.calls and not self._transport.is_closing():
            self.flush()
            self._close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def fail_calls(self, code: Code, message: str) -> None:
        """End the calls in progress with a status."""
        for call in list(self.calls.values()):
            with suppress(SessionError):
                call.finish(code, message)
            if call.task:
                call.task.cancel()
        self.flush()
