"""How one connection ends: at once because of an error, or in two steps without losing a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from rolecall.transport.connection_counts import ConnectionClosure, ConnectionCounts
from rolecall.transport.http2.outgoing import Outgoing
from rolecall.transport.http2.session import ENHANCE_YOUR_CALM, Session, SessionError

LINGER_SECONDS = 1.0
"""How long a connection with nothing more to send waits for its client: to acknowledge a ping, and to close the connection."""

_SHUTDOWN_PING = b"shutdown"


class Ending:
    """The end of a connection.

    `shut_down` sends a GOAWAY that still accepts every stream, and a ping. When the ping is acknowledged, the client knows that
    it must not open streams, and a second GOAWAY names the last one that is answered. The connection is closed after the last
    answer, by the client or a little later here.
    """

    def __init__(
        self, session: Session, outgoing: Outgoing, calls: Mapping[int, object], counts: ConnectionCounts
    ) -> None:
        self._session, self._outgoing, self._calls, self._counts = session, outgoing, calls, counts
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._timers = list[asyncio.TimerHandle]()
        self.announced = self.lingering = self._refusing = False
        self.client_leaves = False  # it has sent a GOAWAY

    def connect(self, transport: Any) -> None:
        """End this transport."""
        self._transport = transport

    def shut_down(self) -> None:
        """Accept no new calls, without losing one that is on its way."""
        if self.announced or self._transport.is_closing():
            return
        self.announced = True
        self._session.announce_shutdown()
        self._outgoing.flush()
        # Sent after the GOAWAY, of which its acknowledgement says that it has arrived: libnghttp2 would send pings first.
        self.ping(_SHUTDOWN_PING)
        self.later(LINGER_SECONDS, self._refuse_later_streams)

    def ping(self, payload: bytes) -> None:
        """Send a ping with eight bytes of payload."""
        with suppress(SessionError):
            self._session.ping(payload)
        self._outgoing.flush()

    def acknowledged(self, payload: bytes) -> None:
        """Continue after a ping that the client has acknowledged."""
        if payload == _SHUTDOWN_PING and self.announced:
            self._refuse_later_streams()

    def _refuse_later_streams(self) -> None:
        if self._refusing or self._transport.is_closing():
            return
        self._refusing = True
        self._session.go_away()
        self._outgoing.flush()
        self.look()

    def look(self) -> None:
        """Close the connection at once if libnghttp2 has ended it, and soon if its client has all that it will get."""
        if self._session.finished and (self._calls or not self._refusing):
            self.fail(None if self.client_leaves else ConnectionClosure.PROTOCOL)
        elif self._refusing and not (self.lingering or self._calls) and self._outgoing.empty:
            # A client that has received the GOAWAY closes the connection. Data that crosses with a close would be answered
            # with a reset of the connection, which can overtake the last answers.
            self.lingering = True
            self.later(LINGER_SECONDS, self._close)

    def fail(self, reason: ConnectionClosure | None) -> None:
        """Close the connection when its client has accepted what is pending, but soon in any case. None: the client closes it."""
        if not self._transport.is_closing():
            self._count(reason)
            self._outgoing.flush()
            self._close()
            self.later(LINGER_SECONDS, self.abort)

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def calm(self, reason: ConnectionClosure, text: bytes) -> None:
        """Close the connection of a client that does too often what it may do sometimes."""
        self._session.go_away(ENHANCE_YOUR_CALM, text)
        self.fail(reason)

    def cut(self, reason: ConnectionClosure) -> None:
        """Close the connection at once because of a limit."""
        if not self._transport.is_closing():
            self._count(reason)
        self.abort()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later, unless the connection is lost before."""
        self._timers.append(self._loop.call_later(seconds, action))

    def lost(self) -> None:
        """Forget what was to be done later."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _count(self, reason: ConnectionClosure | None) -> None:
        if reason:
            self._counts.closed[reason] += 1

    def _close(self) -> None:
        # A second `close` of a TLS transport would make its `abort` do nothing.
        if not self._transport.is_closing():
            self._transport.close()
