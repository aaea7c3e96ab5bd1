"""One HTTP/2 connection without I/O. The only module that knows which binding of libnghttp2 is used.

Bytes that were read go into `receive`, which returns events; what is to be sent is collected, and `pending` returns its bytes.
After `SessionError` the connection is of no further use: send what is still pending, and close it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from ngh2 import Configuration, Connection, Role
from ngh2.events import (
    ConnectionClosed,
    DataReceived,
    Event,
    GoAwayReceived,
    PingAcknowledged,
    PingReceived,
    RequestReceived,
    StreamClosed,
    StreamReset,
    TrailersReceived,
)
from ngh2.exceptions import NGH2Error as SessionError

from rolecall.transport.http2.frame_cutter import FrameCutter

__all__ = [
    "ConnectionClosed",
    "DataReceived",
    "Event",
    "GoAwayReceived",
    "Headers",
    "PingAcknowledged",
    "PingReceived",
    "RequestReceived",
    "Session",
    "SessionError",
    "SessionLimits",
    "StreamClosed",
    "StreamReset",
    "TrailersReceived",
]

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Names, in lower case, and values, in order."""

NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0x0, 0x2, 0x7, 0x8, 0xB

_MAX_CONCURRENT_STREAMS, _INITIAL_WINDOW_SIZE, _MAX_HEADER_LIST_SIZE = 0x3, 0x4, 0x6


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """What a client may send on one connection.

    `header_bytes` is announced; a header list of more than four times as much ends the connection. Each pair is a burst and
    how many a second are allowed after it: of resets by the client, and of other suspicious frames.
    """

    streams: int = 1_000
    header_bytes: int = 16 * 1024
    stream_window_bytes: int = 64 * 1024
    connection_window_bytes: int = 1024 * 1024
    continuations: int = 8
    settings: int = 32
    queued_acknowledgements: int = 1_000
    resets: tuple[int, int] = (1_000, 33)
    glitches: tuple[int, int] = (10_000, 330)


_HEADER_LIST_FACTOR = 4


class Session:
    """The server's end of one connection.

    Methods that send raise `SessionError` if the stream cannot take it any more, for example because the client has reset it.
    """

    def __init__(self, limits: SessionLimits) -> None:
        self._connection = connection = Connection(Role.SERVER, _configuration(limits))
        connection.initiate_connection(
            {
                _MAX_CONCURRENT_STREAMS: limits.streams,
                _INITIAL_WINDOW_SIZE: limits.stream_window_bytes,
                _MAX_HEADER_LIST_SIZE: limits.header_bytes,
            }
        )
        connection.set_local_window_size(limits.connection_window_bytes)
        self._frames = FrameCutter()
        # These run for every call, so they are the methods of the binding themselves.
        self.respond, self.send, self.end = connection.send_response, connection.send_data, connection.send_trailers
        self.pending, self.consumed = connection.data_to_send, connection.acknowledge_received_data
        """Return the bytes to send now; report that so many bytes of a stream were consumed, which opens its window again."""

    def receive(self, data: bytes) -> list[Event]:
        """Return the events in the next bytes; raise `SessionError`."""
        whole = self._frames.whole(data)
        if not whole:
            return []
        self._connection.receive_data(whole)
        return self._connection.events()

    def last_events(self) -> list[Event]:
        """Return the events that preceded an error of `receive`."""
        with suppress(SessionError):
            return self._connection.events()
        return []

    def reset(self, stream: int, code: int = NO_ERROR) -> None:
        """Reset a stream. What is queued for it is dropped."""
        with suppress(SessionError):
            self._connection.reset_stream(stream, code)

    def queued(self, stream: int | None = None) -> int:
        """Return how many bytes of bodies wait for the client's windows, of one stream or of all."""
        return self._connection.queued_body_size(stream)

    def ping(self, payload: bytes) -> None:
        """Send a ping with eight bytes of payload."""
        self._connection.ping(payload)

    def announce_shutdown(self) -> None:
        """Send the first of two GOAWAY: the client opens no more streams, and those on their way are still accepted."""
        with suppress(SessionError):
            self._connection.send_shutdown_notice()

    def go_away(self, code: int = NO_ERROR, debug: bytes = b"") -> None:
        """Send the second GOAWAY: later streams are ignored."""
        with suppress(SessionError):
            self._connection.send_goaway(code, debug_data=debug)

    @property
    def finished(self) -> bool:
        """Return whether nothing more will be received or sent."""
        try:
            return not (self._connection.want_read or self._connection.want_write)
        except SessionError:
            return True


def _configuration(limits: SessionLimits) -> Configuration:
    return Configuration(
        auto_window_update=False,
        max_outbound_ack=limits.queued_acknowledgements,
        max_settings=limits.settings,
        max_continuations=limits.continuations,
        stream_reset_rate_limit=limits.resets,
        glitch_rate_limit=limits.glitches,
        max_inbound_header_list_size=_HEADER_LIST_FACTOR * limits.header_bytes,
    )
