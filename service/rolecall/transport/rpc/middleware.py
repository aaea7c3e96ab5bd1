"""What surrounds the methods of a service, and how a streamed call passes through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from grpc.aio import EOF

from rolecall.transport.errors import (
    OverdueError,
    StreamIdleError,
    StreamStoppedError,
    TransportError,
)
from rolecall.transport.options import STREAM_IDLE_SECONDS
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.concurrency import NO_LIMIT, STOPPED, ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.open_streams import OpenStreams
from rolecall.transport.rpc.rates import CallerRates
from rolecall.transport.rpc.silent_calls import SilentCalls
from rolecall.transport.rpc.stats import OK, MethodStats
from rolecall.transport.rpc.streams import WRITE_TIMEOUT_SECONDS

Permit: TypeAlias = Callable[[CallContext], None]
"""Raises `PermissionDeniedError` if the caller may not make the call."""

Permits: TypeAlias = "Callable[[str], Permit | None]"
"""Returns the permit of a method, which is named as `/SERVICE/METHOD`; None if its right depends on the request."""

Authenticate: TypeAlias = Callable[[CallContext], object]
"""Raises `UnauthenticatedError` if the call does not identify its caller."""

Close: TypeAlias = Callable[[BaseException, float], Awaitable[None]]
"""Ends a failed call with a status; takes the error and the time at which the call began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Middleware:
    """What surrounds the methods of a service. Calls that stream to the client have no time limit.

    `authenticate` raises `UnauthenticatedError`; without it every caller is accepted. `concurrency` limits the calls of each
    kind of method for which `concurrency_of` has no other limit.
    """

    concurrency: ConcurrencyLimit
    concurrency_of: Mapping[str, ConcurrencyLimit] = field(default_factory=dict)
    silent: SilentCalls = field(default_factory=SilentCalls)
    rate: CallerRates | None = None
    idle_seconds: float = STREAM_IDLE_SECONDS
    boundary: ErrorBoundary
    permits: Permits
    authenticate: Authenticate | None = None
    unary_seconds: float = NO_LIMIT
    upload_seconds: float = NO_LIMIT
    write_timeout_seconds: float = WRITE_TIMEOUT_SECONDS
    open_streams: OpenStreams = field(default_factory=OpenStreams)

    def limit_of(self, stats: MethodStats) -> ConcurrencyLimit:
        """Return the limit that counts the calls of a method."""
        return self.concurrency_of.get(stats.kind, self.concurrency)

    def time_limit(self, stats: MethodStats) -> float:
        """Return how many seconds a call of a method may take."""
        if stats.response_streaming:
            return NO_LIMIT
        return self.upload_seconds if stats.request_streaming else self.unary_seconds


class StartedCall(NamedTuple):
    """A call that was admitted: when it began, and its message if it has exactly one."""

    began: float
    message: bytes


class StreamedCalls:
    """The calls of one method with a stream in at least one direction."""

    def __init__(self, stats: MethodStats, middleware: Middleware) -> None:
        self._stats, self._boundary, self._concurrency = stats, middleware.boundary, middleware.limit_of(stats)
        self._silent, self._message_seconds = middleware.silent, middleware.unary_seconds
        self._time_limit, self._idle_seconds = middleware.time_limit(stats), middleware.idle_seconds
        self._authenticate, self._permitted = middleware.authenticate, middleware.permits(stats.name)

    @asynccontextmanager
    async def call(self, context: CallContext, close: Close | None = None) -> AsyncIterator[StartedCall]:
        """Pass one call through all of them and end it; give what began it. `close` replaces the boundary's."""
        stats, concurrency = self._stats, self._concurrency
        stats.started += 1
        began = perf_counter()
        task = asyncio.current_task()
        try:
            if self._authenticate:
                self._authenticate(context)
            message = (
                b"" if stats.request_streaming else await self._silent.message(context, began + self._message_seconds)
            )
            if len(concurrency.calls) >= concurrency.free:
                concurrency.admit(task, context)
            concurrency.calls[task] = began + self._time_limit, context
            if self._permitted:
                self._permitted(context)
            yield StartedCall(began, message)
        except BaseException as error:
            cause = self._silent.remove_failed(task) or self._cause(concurrency.remove_failed(task), began)
            if close and cause is None:
                await close(error, began)
            else:
                await self._boundary.close(error, context, stats, began, cause)
            raise
        del concurrency.calls[task]
        if concurrency.counting:
            concurrency.forget(task)
        stats.handle(OK, perf_counter() - began)
        if self._boundary.verbose:
            self._boundary.log_success(context, stats, began)

    async def messages(
        self, context: CallContext, began: float, decode: Callable[[Any], Any]
    ) -> AsyncGenerator[Any, None]:
        """Yield the messages of a client that streams; the sweep ends the call if the next one does not come in time."""
        calls, task, deadline = self._concurrency.calls, asyncio.current_task(), began + self._time_limit
        while True:
            calls[task] = min(deadline, perf_counter() + self._idle_seconds), context
            data: Any = await context.read()
            calls[task] = deadline, context
            if data is EOF:
                break
            self._stats.messages_in += 1
            yield decode(data)
        # The messages of a client that cancels end, too, one turn of the loop before the cancellation arrives.
        await asyncio.sleep(0)

    def _cause(self, passed: float | None, began: float) -> TransportError | None:
        """Return why the server ended a call: it stops, or the call's time limit, or the time without a message."""
        if passed is None:
            return None
        if passed == STOPPED:
            return StreamStoppedError()
        if passed >= began + self._time_limit:
            return OverdueError(self._time_limit)
        if self._stats.response_streaming:
            return StreamIdleError(self._idle_seconds)
        return StreamIdleError(self._idle_seconds, "nothing was written; repeat the upload")
