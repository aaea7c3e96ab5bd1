"""What is put around the methods of a service, and around a call whose messages are streamed."""

# ruff: noqa: TRY301  (an error of its own is to meet its own boundary)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from grpc.aio import ServicerContext

from rolecall.transport.errors import PermissionDeniedError, TooManyCallsError
from rolecall.transport.rpc.bidi_stream import OpenStreams
from rolecall.transport.rpc.concurrency import NO_LIMIT, ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.server_stream import TAKEN_SECONDS
from rolecall.transport.rpc.stats import OK, MethodStats

Context = ServicerContext[Any, Any]
Permit = Callable[[Context], bool]
"""Tells whether the caller may make a call."""

Permits = Callable[[str], Permit]
"""Leads from a method's name to its permit."""

Close = Callable[[BaseException, float], Awaitable[None]]
"""Ends a call that failed, and which began at that time, with a status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Middleware:
    """What is put around the methods of a service. Calls that are streamed to the client have no time limit."""

    concurrency: ConcurrencyLimit
    boundary: ErrorBoundary
    permits: Permits
    unary_seconds: float = NO_LIMIT
    upload_seconds: float = NO_LIMIT
    taken_seconds: float = TAKEN_SECONDS
    conversations: OpenStreams = field(default_factory=OpenStreams)

    def seconds(self, stats: MethodStats) -> float:
        """Return how long a call of a method may take."""
        if stats.response_streaming:
            return NO_LIMIT
        return self.upload_seconds if stats.request_streaming else self.unary_seconds


class StreamedCalls:
    """The calls of one method whose messages are streamed: how each is counted, admitted, permitted, metered and ended."""

    def __init__(self, stats: MethodStats, middleware: Middleware) -> None:
        self._stats, self._boundary, self._concurrency = stats, middleware.boundary, middleware.concurrency
        self._permitted = middleware.permits(stats.name)

    @asynccontextmanager
    async def call(self, context: Context, close: Close | None = None) -> AsyncIterator[float]:
        """Be around one call, and give the time at which it began; `close` ends it in place of the boundary."""
        stats, concurrency = self._stats, self._concurrency
        stats.started += 1
        began = perf_counter()
        task = asyncio.current_task()
        try:
            if len(concurrency.calls) >= concurrency.limit:
                raise TooManyCallsError(concurrency.limit)
            concurrency.calls[task] = NO_LIMIT
            if not self._permitted(context):
                raise PermissionDeniedError(stats.name)
            yield began
        except BaseException as error:
            concurrency.left_overdue(task)
            if close:
                await close(error, began)
            else:
                await self._boundary.close(error, context, stats, began, None)
            raise
        del concurrency.calls[task]
        stats.handle(OK, perf_counter() - began)
        if self._boundary.verbose:
            self._boundary.tell_success(context, stats, began)
