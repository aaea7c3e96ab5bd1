"""What surrounds the methods of a service, and how a streamed call passes through it."""

# ruff: noqa: TRY301  (errors that are raised here must reach the error boundary here)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeAlias

from rolecall.transport.errors import PermissionDeniedError, TooManyCallsError
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.concurrency import NO_LIMIT, ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.open_streams import OpenStreams
from rolecall.transport.rpc.stats import OK, MethodStats
from rolecall.transport.rpc.streams import WRITE_TIMEOUT_SECONDS

Permit: TypeAlias = Callable[[CallContext], bool]
"""Returns whether the caller may make the call."""

Permits: TypeAlias = Callable[[str], Permit]
"""Returns the permit of a method, which is named as `/SERVICE/METHOD`."""

Authenticate: TypeAlias = Callable[[CallContext], object]
"""Raises `UnauthenticatedError` if the connection does not identify the caller."""

Close: TypeAlias = Callable[[BaseException, float], Awaitable[None]]
"""Ends a failed call with a status; takes the error and the time at which the call began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Middleware:
    """What surrounds the methods of a service. Calls that stream to the client have no time limit.

    Without `authenticate` every caller is accepted.
    """

    concurrency: ConcurrencyLimit
    boundary: ErrorBoundary
    permits: Permits
    authenticate: Authenticate | None = None
    unary_seconds: float = NO_LIMIT
    upload_seconds: float = NO_LIMIT
    write_timeout_seconds: float = WRITE_TIMEOUT_SECONDS
    open_streams: OpenStreams = field(default_factory=OpenStreams)

    def time_limit(self, stats: MethodStats) -> float:
        """Return how many seconds a call of a method may take."""
        if stats.response_streaming:
            return NO_LIMIT
        return self.upload_seconds if stats.request_streaming else self.unary_seconds


class StreamedCalls:
    """The calls of one method that streams to the client."""

    def __init__(self, stats: MethodStats, middleware: Middleware) -> None:
        self._stats, self._boundary, self._concurrency = stats, middleware.boundary, middleware.concurrency
        self._authenticate, self._permitted = middleware.authenticate, middleware.permits(stats.name)

    @asynccontextmanager
    async def call(self, context: CallContext, close: Close | None = None) -> AsyncIterator[float]:
        """Pass one call through all of them and end it; give the time at which it began. `close` replaces the boundary's."""
        stats, concurrency = self._stats, self._concurrency
        stats.started += 1
        began = perf_counter()
        task = asyncio.current_task()
        try:
            if self._authenticate:
                self._authenticate(context)
            if len(concurrency.calls) >= concurrency.limit:
                raise TooManyCallsError(concurrency.limit)
            concurrency.calls[task] = NO_LIMIT
            if not self._permitted(context):
                raise PermissionDeniedError(stats.name)
            yield began
        except BaseException as error:
            concurrency.remove_failed(task)
            if close:
                await close(error, began)
            else:
                await self._boundary.close(error, context, stats, began, None)
            raise
        del concurrency.calls[task]
        stats.handle(OK, perf_counter() - began)
        if self._boundary.verbose:
            self._boundary.log_success(context, stats, began)
