"""What one connection sends: in few writes, within the windows of its client, and no more than the client reads."""

from __future__ import annotations

import asyncio
from typing import Any

from rolecall.transport.http2.session import Session, SessionError


class Outgoing:
    """Takes what the session has to send to the transport of the connection."""

    def __init__(self, session: Session) -> None:
        self._session, self._loop = session, asyncio.get_running_loop()
        self._transport: Any = None
        self.paused = self._flushing = False
        self._waiting = list[asyncio.Future[None]]()
        self._to_reset = dict[int, None]()

    def connect(self, transport: Any) -> None:
        """Send to this transport from now on."""
        self._transport = transport

    def flush(self) -> None:
        """Send what is pending, unless the client does not read."""
        self._flushing = False
        if self.paused or self._transport.is_closing():
            return
        try:
            data = self._session.pending()
            if self._to_reset:
                data += self._resets()
        except SessionError:
            self._transport.abort()
            return
        if data:
            self._transport.write(data)
        if self._waiting:
            self.wake()

    def flush_soon(self) -> None:
        """Send what is pending when the ready work of the event loop has run, once for all of it."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self.flush)

    def hold(self) -> None:
        """Let `flush_soon` do nothing until the next `flush`, which the caller is about to call."""
        self._flushing = True

    async def accepted(self, stream: int, limit: int) -> None:
        """Wait until at most `limit` bytes of a stream wait for the client, or the stream is closed."""
        while not self._transport.is_closing() and (self.paused or self._session.queued(stream) > limit):
            waiting: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(waiting)
            await waiting

    def wake(self) -> None:
        """Have those that wait in `accepted` look again."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def reset_when_sent(self, stream: int) -> None:
        """Reset a stream, whose client may still send to it, as soon as its answer was sent."""
        self._to_reset[stream] = None

    def forget(self, stream: int) -> None:
        """Do not reset a stream: it is closed."""
        self._to_reset.pop(stream, None)

    @property
    def empty(self) -> bool:
        """Return whether the client has accepted every answer."""
        return not (self.paused or self._session.queued() or self._transport.get_write_buffer_size())

    def _resets(self) -> bytes:
        # Only after the trailers have left: a reset drops what is queued.
        for stream in [stream for stream in self._to_reset if not self._session.queued(stream)]:
            del self._to_reset[stream]
            self._session.reset(stream)
        return self._session.pending()
