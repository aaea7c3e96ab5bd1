"""Streams to a client whose messages the method reads and writes itself, and how the server ends them.

An iterator of iterators around each message would cost more than most answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc

from rolecall.transport.errors import TransportError, WatchTooSlowError
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.stats import MethodStats

MESSAGES_AT_ONCE = 64
"""How many messages that have arrived are read, and answered in one write, before the answers are sent."""

WRITE_TIMEOUT_SECONDS = 30.0
"""How long the client may take to accept a message of a `ServerStream`."""

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True, slots=True)
class WaitingSince:
    """When a sweep first saw that a stream waits."""

    time: float


class StreamEnding:
    """How the server ends the stream of the current task: with an error, by cancelling the task where it waits.

    The stream sets `interruptible` while its task may be cancelled, and `unresumable` while it sends something that
    is only useful as a whole, so that a client would have to start over. With `ends_when_idle` the stream is ended when it has
    been interruptible for too long, because nothing arrives.
    """

    __slots__ = ("_error", "_interrupted", "_task", "ends_when_idle", "interruptible", "unresumable")

    def __init__(self, *, ends_when_idle: bool = False) -> None:
        # A sweep replaces True by `WaitingSince`, and the next wait sets True again: messages need no clock.
        self.interruptible: bool | WaitingSince = False
        self.unresumable = False
        self.ends_when_idle = ends_when_idle
        self._task = asyncio.current_task()
        self._error: TransportError | None = None
        self._interrupted: tuple[asyncio.Task[Any], TransportError] | None = None

    def end(self, error: TransportError) -> None:
        """End the stream with `error`: now if it is interruptible, else at its next `raise_if_ended`. The first call counts."""
        if self._error is None:
            self._error = error
            if self.interruptible and self._task is not None and self._task.cancel():
                self._interrupted = self._task, error

    def idle_seconds(self, now: float) -> float:
        """Return for how many seconds before `now` the stream has waited, as far as the sweeps have seen."""
        if not self.ends_when_idle or not self.interruptible:
            return 0.0
        if not isinstance(self.interruptible, WaitingSince):
            self.interruptible = WaitingSince(now)
        return now - self.interruptible.time

    def raise_if_ended(self) -> None:
        """Raise the error of `end` if it has been called."""
        if self._error is not None:
            raise self._error

    def cause(self, error: BaseException) -> BaseException:
        """Return why the stream failed with `error`: the error of `end` if that cancelled the task, else `error` itself."""
        if self._interrupted is None or not isinstance(error, asyncio.CancelledError):
            return error
        task, reason = self._interrupted
        # A task that the client has cancelled as well must stay cancelled, or gRPC never frees the call.
        return error if task.uncancel() else reason


class BidiStream(Generic[Request, Response]):
    """A stream in both directions. Every message that was read is answered before the server ends it.

    The server ends it only while it waits for the next message. With `pace`, which is awaited after each message, messages are
    read one by one; else those that have arrived are read together, which costs less, where the transport has them.
    """

    def __init__(
        self,
        context: CallContext,
        stats: MethodStats,
        *,
        decode: Callable[[bytes], Request],
        encode: Callable[[Response], bytes],
        pace: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._context, self._stats, self._decode, self._encode = context, stats, decode, encode
        self._pace = pace
        self._arrived = None if pace else getattr(context, "arrived", None)
        self._write_all = getattr(context, "write_all", self._write_each)
        self.ending = StreamEnding(ends_when_idle=True)

    async def read(self) -> Iterator[Request] | None:
        """Return the next messages, at least one, or None after the last; raise the error with which the server ends the stream.

        Each is decoded when the iterator yields it, so an error of one does not lose those before it.
        """
        self.ending.raise_if_ended()
        self.ending.interruptible = True
        try:
            data: Any = await self._context.read()
        finally:
            self.ending.interruptible = False
        if data is grpc.aio.EOF:
            # The messages of a client that cancels end, too, one turn of the loop before the cancellation arrives.
            await asyncio.sleep(0)
            return None
        messages = [data, *self._arrived(MESSAGES_AT_ONCE - 1)] if self._arrived else [data]
        self._stats.messages_in += len(messages)
        if self._pace:
            await self._pace()
        return map(self._decode, messages)

    async def write(self, messages: Sequence[Response]) -> None:
        """Send messages, if any; return when HTTP/2 flow control has accepted them."""
        # A client that does not read keeps this waiting, so the method reads nothing more from it.
        if not messages:
            return
        self._stats.messages_out += len(messages)
        await self._write_all([*map(self._encode, messages)])

    async def _write_each(self, messages: Sequence[bytes]) -> None:
        for message in messages:
            await self._context.write(message)


class ServerStream:
    """A stream to the client alone. The server ends it at any time, except while it sends a message.

    Each message must be accepted within `write_timeout_seconds`. So a client that does not read occupies one message
    and the buffers of its connection, and no longer than that.
    """

    def __init__(
        self, context: CallContext, stats: MethodStats, write_timeout_seconds: float = WRITE_TIMEOUT_SECONDS
    ) -> None:
        self.context, self._stats, self._timeout = context, stats, write_timeout_seconds
        self.ending = StreamEnding()

    async def begin(self) -> None:
        """Send the initial metadata; without it no status could be sent while the first message waits to be accepted."""
        await self._uninterrupted(self.context.send_initial_metadata(()))

    async def write(self, message: bytes) -> None:
        """Send a message; return when HTTP/2 flow control has accepted it. Raise `WatchTooSlowError`, or what `end` was given."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._uninterrupted(self.context.write(message))
        except TimeoutError:
            raise WatchTooSlowError(self._timeout) from None
        self._stats.messages_out += 1

    async def _uninterrupted(self, sending: Awaitable[None]) -> None:
        # After a message that the server itself cancels half way, gRPC cannot send the status.
        self.ending.interruptible = False
        try:
            await sending
        finally:
            self.ending.interruptible = True
        self.ending.raise_if_ended()
