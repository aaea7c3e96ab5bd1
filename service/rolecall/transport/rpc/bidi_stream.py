"""Calls in which messages go both ways for as long as the caller likes, and the ways in which the server ends them.

A method reads and writes its messages itself: an iterator of iterators around each message would cost more than most answers.
Reading waits until the answer before has been taken by HTTP/2's flow control, so a caller that does not read is not read from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

import grpc
from grpc.aio import ServicerContext

from rolecall.transport.errors import StreamAgeError, StreamStoppedError, TransportError
from rolecall.transport.rpc.stats import MethodStats

CONVERSATION_SECONDS = 300.0
"""How long one may last: as long as its connection, which grpc lets go on a little longer so that none is cut."""


WHOLE_SECONDS = 3_600.0
"""How long something may last that is of use only as a whole, such as every role as it is."""


class Ended(Protocol):
    """A call that the server can end. While `uninterrupted`, it would have to begin anew from nothing."""

    uninterrupted: bool

    def end(self, error: TransportError) -> None:
        """Let the call end with `error` as soon as that can be done in order."""
        ...


Asked = TypeVar("Asked")
Told = TypeVar("Told")


class BidiStream(Generic[Asked, Told]):
    """One such call. Whatever was read is answered before it is ended; it is ended where it waits for the next message."""

    def __init__(
        self,
        context: ServicerContext[Any, Any],
        stats: MethodStats,
        *,
        decode: Callable[[bytes], Asked],
        encode: Callable[[Told], bytes],
    ) -> None:
        self._context, self._stats, self._decode, self._encode = context, stats, decode, encode
        self.uninterrupted = False
        self._ending: TransportError | None = None
        self._reader: asyncio.Task[Any] | None = None

    async def read(self) -> Asked | None:
        """Return the next message, None after the last; raise the error with which the server ends the call."""
        if self._ending is not None:
            raise self._ending
        task = self._reader = asyncio.current_task()
        try:
            data: Any = await self._context.read()
        except asyncio.CancelledError:
            # A caller that cancels, too, must see its cancellation: gRPC would keep what belongs to the call.
            if self._ending is None or task is None or task.uncancel():
                raise
            raise self._ending from None
        finally:
            self._reader = None
        if data is grpc.aio.EOF:
            # When the caller has gone, too, its messages end; the cancellation itself comes an instant later.
            await asyncio.sleep(0)
            return None
        self._stats.messages_in += 1
        return self._decode(data)

    async def write(self, message: Told) -> None:
        """Send a message; return when flow control has taken it."""
        self._stats.messages_out += 1
        await self._context.write(self._encode(message))

    def end(self, error: TransportError) -> None:
        """Let the call end with `error` as soon as everything that was read is answered."""
        if self._ending is None:
            self._ending = error
            if self._reader is not None:
                self._reader.cancel()


class OpenStreams:
    """The conversations under way, and whatever else is to be ended as they are."""

    def __init__(self, max_seconds: float = CONVERSATION_SECONDS) -> None:
        self._max_seconds = max_seconds
        self._since: dict[Ended, float] = {}
        self._stopped = False

    @contextmanager
    def held(self, conversation: Ended, now: float) -> Iterator[None]:
        """Count a conversation as under way; one that begins after the end is ended before its first message."""
        self._since[conversation] = now
        if self._stopped:
            conversation.end(StreamStoppedError())
        try:
            yield
        finally:
            del self._since[conversation]

    def stop(self) -> None:
        """End all, for the server stops; whatever begins afterwards is ended too."""
        self._stopped = True
        for conversation in list(self._since):
            conversation.end(StreamStoppedError())

    def sweep(self, now: float) -> None:
        """End those that have lasted as long as they may at `now`, so that callers spread over new replicas."""
        for conversation, since in list(self._since.items()):
            if now >= since + (
                max(self._max_seconds, WHOLE_SECONDS) if conversation.uninterrupted else self._max_seconds
            ):
                conversation.end(StreamAgeError(self._max_seconds))

    def __len__(self) -> int:
        return len(self._since)
