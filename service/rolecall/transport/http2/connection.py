"""One connection: reads calls from it, runs their methods, and sends the answers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rolecall.transport.connection_counts import ConnectionClosure
from rolecall.transport.http2.call import Call
from rolecall.transport.http2.ending import Ending
from rolecall.transport.http2.events import handle
from rolecall.transport.http2.keepalive import Due, Keepalive
from rolecall.transport.http2.outgoing import Outgoing
from rolecall.transport.http2.peer import ADMIN_FACTS, facts_of, is_own_user, peer_of
from rolecall.transport.http2.request_head import RequestHead
from rolecall.transport.http2.request_memory import is_early
from rolecall.transport.http2.session import (
    Event,
    Session,
    SessionError,
    StreamClosed,
    StreamReset,
)
from rolecall.transport.http2.status import Code
from rolecall.transport.http2.tolerance import Tolerance

if TYPE_CHECKING:
    from rolecall.transport.http2.server import Http2Server

PORTION_BYTES = 16 * 1024
"""How much of one read is unpacked at once: each byte of headers may stand for four thousand."""

SLICE_SECONDS = 0.005
"""How long the calls of one read are answered before the event loop runs other work; of many connections each has a share."""

_KEEPALIVE_PING = b"\0" * 8


class Http2Connection(asyncio.Protocol):
    """A connection that has been accepted, and whose TLS handshake is done."""

    def __init__(self, server: Http2Server, *, admin: bool = False) -> None:
        self._admin = admin  # whether it is one of the admin socket
        self.server, self._loop = server, asyncio.get_running_loop()
        self.options = server.options
        self.session = Session(server.options.session)
        self.calls: dict[int, Call] = {}
        self.begun = list[Call]()  # in this read, without their message so far
        self.peer, self.auth_context = "", dict[str, list[bytes]]()
        self.head: RequestHead | None = None  # of the last call
        self.keepalive = Keepalive(server.options, self._loop.time())
        self.refused_headers = Tolerance(*server.options.refused_headers)
        self.outgoing = Outgoing(self.session)
        self.ending = Ending(self.session, self.outgoing, self.calls, server.connection_counts)
        self.flush, self.flush_soon = self.outgoing.flush, self.outgoing.flush_soon
        self.accepted, self.abort, self.cut = self.outgoing.accepted, self.ending.abort, self.ending.cut
        self._transport: Any = None
        self._deferred: list[Event] = []
        self._unread = bytearray()  # what has arrived after the deferred events
        self._partial = False  # whether the last read ended within a frame, as far as is known

    # --- what asyncio calls ---

    def connection_made(self, transport: Any) -> None:
        """Begin the connection."""
        if self._admin and not is_own_user(transport):
            transport.abort()
            return
        self._transport = transport
        self.outgoing.connect(transport)
        self.ending.connect(transport)
        self.peer, self.auth_context = peer_of(transport), ADMIN_FACTS if self._admin else facts_of(transport)
        self.server.connections.add(self)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the calls of the connection."""
        self.server.remove(self)
        self.ending.lost()
        self._deferred.clear()
        for call in list(self.calls.values()):
            call.cancel()
        self.outgoing.wake()

    def eof_received(self) -> bool:
        """Close the connection, which a client that has closed its half cannot use."""
        return False

    def pause_writing(self) -> None:
        """Read nothing from a client that does not read."""
        self.outgoing.paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Continue after `pause_writing`."""
        self.outgoing.paused = False
        if not self._deferred and not self._unread:
            self._transport.resume_reading()
        self.flush()
        self.ending.look()

    def data_received(self, data: bytes) -> None:
        """Answer what has arrived."""
        if self._deferred or self._unread:
            self._unread += data
        elif len(data) > PORTION_BYTES:
            self._unread += data
            self._receive_portions()
        else:
            self._receive(data)

    def _receive_portions(self) -> None:
        until = perf_counter() + SLICE_SECONDS * self.server.share
        while self._unread and not (self._deferred or self._transport.is_closing()):
            portion = bytes(self._unread[:PORTION_BYTES])
            del self._unread[:PORTION_BYTES]
            self._receive(portion)
            if self._unread and not self._deferred and perf_counter() > until:
                self._defer([])
                return

    def _receive(self, data: bytes) -> None:
        try:
            events = self.session.receive(data)
        except SessionError:
            self._fail()
            return
        if events:
            self.keepalive.received(self._loop.time())
        if not events and not self._partial:
            self._partial = True
            self.server.memory.expect_rest(self)
        elif events and self._partial:
            self._partial = False
            self.server.memory.complete(self)
        self._handle(events)

    # --- events ---

    def _handle(self, events: list[Event]) -> None:
        until = perf_counter() + SLICE_SECONDS * self.server.share
        self.outgoing.hold()
        for number, event in enumerate(events, start=1):
            try:
                handle(self, event)
            except SessionError:
                # The client has reset the stream, and its event is still to come.
                self.forget(event)
            if number < len(events) and perf_counter() > until:
                self._defer(events[number:])
                break
        if self.begun:
            self._wait_for_messages()
        self.flush()
        self.ending.look()

    def _wait_for_messages(self) -> None:
        begun, self.begun = self.begun, []
        for call in begun:
            if is_early(call):
                self.server.memory.wait(call)

    def forget(self, event: Any) -> None:
        """Cancel the call of a stream that is closed."""
        self.outgoing.forget(event.stream_id)
        if call := self.calls.get(event.stream_id):
            call.cancel()

    def _defer(self, events: list[Event]) -> None:
        self._deferred = events
        self._transport.pause_reading()
        self.server.defer(1)
        self._loop.call_soon(self._continue)

    def _continue(self) -> None:
        self.server.defer(-1)
        events, self._deferred = self._deferred, []
        self._handle(events)
        self._receive_portions()
        if not (self._deferred or self._unread or self.outgoing.paused or self._transport.is_closing()):
            self._transport.resume_reading()

    def _fail(self) -> None:
        """End a connection whose client breaks the protocol."""
        self._unread.clear()
        for event in self.session.last_events():
            if isinstance(event, StreamClosed | StreamReset):
                self.forget(event)
        self.ending.fail(ConnectionClosure.PROTOCOL)

    # --- calls ---

    def on_finished(self, call: Call) -> None:
        """Have the stream of a finished call reset if its client may still send to it."""
        self.keepalive.answered()
        if not call.ended_by_client:
            self.outgoing.reset_when_sent(call.stream)
        self.flush_soon()

    def remove(self, call: Call) -> None:
        """Remove a call that is over."""
        self.calls.pop(call.stream, None)
        if call.incoming is not None:
            self.server.memory.release(call)
        if self.ending.announced and not self.calls:
            # After the answer has left.
            self._loop.call_soon(self.ending.look)

    def fail_calls(self, code: Code, message: str) -> None:
        """End the calls in progress with a status."""
        for call in list(self.calls.values()):
            with suppress(SessionError):
                call.finish(code, message)
            call.cancel_task()
        self.flush()
        self.ending.look()

    # --- time ---

    def tick(self, now: float) -> None:
        """Ping, close or shut down the connection when it is due."""
        match self.keepalive.due(now):
            case Due.CLOSE:
                self.cut(ConnectionClosure.SILENCE if self.keepalive.established else ConnectionClosure.SETUP)
            case Due.PING:
                self.ending.ping(_KEEPALIVE_PING)
            case Due.SHUTDOWN:
                self.shut_down()
                self.ending.later(self.options.age_grace, partial(self.cut, ConnectionClosure.AGE))

    def shut_down(self) -> None:
        """Accept no new calls, without losing one that is on its way."""
        self.ending.shut_down()

    @property
    def queued_bytes(self) -> int:
        """Return how many bytes of answers the client has not accepted."""
        return self.session.queued() + int(self._transport.get_write_buffer_size())
