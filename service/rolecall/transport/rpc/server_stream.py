"""Calls in which only the server speaks, for as long as the caller listens, and the ways in which the server ends them.

A message must be taken by HTTP/2's flow control within a bound: a caller that does not read holds one message and what
the connection buffers, and no more, for no longer than that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from grpc.aio import ServicerContext

from rolecall.transport.errors import TransportError, WatchTooSlowError
from rolecall.transport.rpc.stats import MethodStats

TAKEN_SECONDS = 30.0
"""How long a caller may leave a message."""


class ServerStream:
    """One such call, of the current task. It is ended where it waits for something to tell.

    While `uninterrupted`, what is being told is of use only as a whole.
    """

    def __init__(
        self, context: ServicerContext[Any, Any], stats: MethodStats, taken_seconds: float = TAKEN_SECONDS
    ) -> None:
        self._context, self._stats, self._seconds = context, stats, taken_seconds
        self._task = asyncio.current_task()
        self._ending: TransportError | None = None
        self._sending, self._ended_by_us = True, False
        self.uninterrupted = False

    async def begin(self) -> None:
        """Answer that there is an answer to come: a status can then be sent even while the first message waits to be taken."""
        await self._undisturbed(self._context.send_initial_metadata(()))

    async def write(self, message: bytes) -> None:
        """Send a message; return when flow control has taken it. Raise `WatchTooSlowError`, or the error of `end`."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._undisturbed(self._context.write(message))
        except TimeoutError:
            raise WatchTooSlowError(self._seconds) from None
        self._stats.messages_out += 1

    def end(self, error: TransportError) -> None:
        """Let the call end with `error`, after a message that is being sent."""
        if self._ending is None:
            self._ending = error
            if self._task is not None and not self._sending:
                self._ended_by_us = self._task.cancel()

    def meaning(self, error: BaseException) -> BaseException:
        """Return why the call ended: a cancellation of the server's own stands for the error with which it ends the call."""
        if self._ending is None or not self._ended_by_us or self._task is None:
            return error
        if not isinstance(error, asyncio.CancelledError):
            return error
        # A caller that cancels, too, must see its cancellation: gRPC would keep what belongs to the call.
        return error if self._task.uncancel() else self._ending

    async def _undisturbed(self, sending: Awaitable[None]) -> None:
        # A message that the server itself cancels half way leaves gRPC unable to send the status.
        self._sending = True
        try:
            await sending
        finally:
            self._sending = False
        if self._ending is not None:
            raise self._ending
