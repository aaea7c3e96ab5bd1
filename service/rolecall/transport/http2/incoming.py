"""The messages that a client sends on one stream, for methods that read them one by one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from grpc.aio import EOF

from rolecall.transport.http2.framing import MessageReader

MESSAGES_WITHOUT_A_BREAK = 256
"""How many messages that have arrived are read before the event loop runs other work."""


class IncomingMessages:
    """Messages in the order of their arrival.

    `consumed` reports bytes whose window may open again. It opens when every message that has arrived was read, so a client is
    at most one window and one message ahead of the method.
    """

    __slots__ = ("_consumed", "_ended", "_messages", "_read", "_reader", "_unconsumed", "_unread", "_waiting")

    def __init__(self, reader: MessageReader, consumed: Callable[[int], None]) -> None:
        self._reader, self._consumed = reader, consumed
        self._messages: deque[bytes] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._ended = False
        self._unconsumed = self._unread = self._read = 0

    def feed(self, data: bytes, *, end: bool) -> None:
        """Take the next data; with `end` it is the last. Raise `StatusError`."""
        if data:
            self._unconsumed += len(data)
            arrived = self._reader.feed(data)
            self._messages += arrived
            self._unread += sum(map(len, arrived))
        if end:
            self._ended = True
            self._reader.require_end()
        if not self._messages:
            # A message that is larger than the window would otherwise never arrive.
            self._open_window()
        self._wake()

    @property
    def buffered(self) -> int:
        """Return how many bytes have arrived and were not read, with those of an incomplete message."""
        return self._unread + self._reader.buffered

    def end(self) -> None:
        """Let `next` return `EOF` once the messages that have arrived are read."""
        self._ended = True
        # What is not read any more still counts against the window of the connection.
        self._open_window()
        self._wake()

    async def next(self) -> Any:
        """Return the next message, or `EOF` after the last."""
        while not self._messages:
            if self._ended:
                return EOF
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if self._read >= MESSAGES_WITHOUT_A_BREAK:
            self._read = 0
            await asyncio.sleep(0)
        return self.arrived(1)[0]

    def arrived(self, limit: int) -> list[bytes]:
        """Return the next messages, at most `limit` of those that have arrived."""
        waiting = self._messages
        messages = [waiting.popleft() for _ in range(min(limit, len(waiting)))]
        self._read += len(messages)
        self._unread -= sum(map(len, messages))
        if not waiting:
            self._open_window()
        return messages

    def _open_window(self) -> None:
        if self._unconsumed:
            unconsumed, self._unconsumed = self._unconsumed, 0
            self._consumed(unconsumed)

    def _wake(self) -> None:
        if self._waiting and not self._waiting.done() and (self._messages or self._ended):
            self._waiting.set_result(None)
