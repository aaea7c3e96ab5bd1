"""The callers of open streams, whose rights are judged again while the streams last.

1. After each change of the callers file, and at least every `RENEWAL_SECONDS`, the caller of a stream is found again from its
   credential, and the stream's right judged again. A stream whose credential is no longer valid, or whose right is gone, ends.
2. So does a stream whose credential has expired.
3. Streams are renewed in portions, so that thousands of them do not delay other calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import TypeAlias

from rolecall.callers.caller import Caller
from rolecall.engine.clock import now_micros
from rolecall.transport.errors import TransportError
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.call_origin import Identify
from rolecall.transport.rpc.streams import StreamEnding

RENEWAL_SECONDS = 50.0
"""After this time a stream is due; with the seconds between two passes that is less than a minute."""

PASS_SECONDS = 1.0
PORTION = 50
"""How many streams are passed before other work has its turn."""

Judge: TypeAlias = Callable[[Caller], None]
"""Raises a `TransportError` if the caller may not have the stream."""


class StreamCaller:
    """The caller of one open stream."""

    __slots__ = ("_callers", "_context", "_ending", "_judge", "caller", "generation", "renewed_at")

    def __init__(self, callers: StreamCallers, context: CallContext, ending: StreamEnding, judge: Judge) -> None:
        self._callers, self._context, self._ending, self._judge = callers, context, ending, judge
        self.caller, self.generation, self.renewed_at = callers.find(context), callers.generation, callers.seconds()

    def now(self) -> Caller:
        """Return the caller as it is now; raise the error with which the stream ends if it may not continue."""
        if self.generation != self._callers.generation:
            self.renew()
            self._ending.raise_if_ended()
        return self.caller

    def is_due(self, seconds: float, micros: int) -> bool:
        """Return whether the caller must be found again."""
        if self.generation != self._callers.generation or seconds >= self.renewed_at + RENEWAL_SECONDS:
            return True
        expires_at = self.caller.credential.expires_at
        return expires_at is not None and micros >= expires_at

    def renew(self) -> None:
        """Find the caller again and judge it; end the stream if that fails."""
        self.generation, self.renewed_at = self._callers.generation, self._callers.seconds()
        try:
            caller = self._callers.find(self._context)
            self._judge(caller)
        except TransportError as error:
            self._ending.end(error)
        else:
            self.caller = caller


class StreamCallers:
    """The callers of all open streams. `find` returns the caller of a call by its credential, or raises `UnauthenticatedError`."""

    def __init__(
        self,
        find: Identify,
        *,
        seconds: Callable[[], float] = perf_counter,
        micros: Callable[[], int] = now_micros,
    ) -> None:
        self.find, self.seconds, self._micros = find, seconds, micros
        self.generation = 0
        self._open: dict[StreamCaller, None] = {}
        self._changed = asyncio.Event()

    @contextmanager
    def of(self, context: CallContext, ending: StreamEnding, judge: Judge) -> Iterator[StreamCaller]:
        """Give the caller of a stream until the block ends. `judge` judges it from the first renewal on."""
        stream = StreamCaller(self, context, ending, judge)
        self._open[stream] = None
        try:
            yield stream
        finally:
            del self._open[stream]

    def change(self) -> None:
        """Judge all streams again: the callers file has changed."""
        self.generation += 1
        self._changed.set()

    async def run(self) -> None:
        """Renew the streams that are due, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PASS_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
            await self.renew_due()

    async def renew_due(self) -> None:
        """Renew the streams that are due now."""
        for number, stream in enumerate(list(self._open)):
            if not number % PORTION:
                await asyncio.sleep(0)
            if stream in self._open and stream.is_due(self.seconds(), self._micros()):
                stream.renew()

    def __len__(self) -> int:
        return len(self._open)
