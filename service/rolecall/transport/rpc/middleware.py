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
from rolecall.transport.rpc.bidi_stream import Conversations
from rolecall.transport.rpc.concurrency import NO_LIMIT, Admission
from rolecall.transport.rpc.error_boundary import Boundary
from rolecall.transport.rpc.server_stream import TAKEN_SECONDS
from rolecall.transport.rpc.stats import OK, MethodTally

Context = ServicerContext[Any, Any]
Permit = Callable[[Context], bool]
"""Tells whether the caller may make a call."""

Permits = Callable[[str], Permit]
"""Leads from a method's name to its permit."""

Close = Callable[[BaseException, float], Awaitable[None]]
"""Ends a call that failed, and which began at that time, with a status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is put around the methods of a service. Calls that are streamed to the client have no time limit."""

    admission: Admission
    boundary: Boundary
    permits: Permits
    unary_seconds: float = NO_LIMIT
    upload_seconds: float = NO_LIMIT
    taken_seconds: float = TAKEN_SECONDS
    conversations: Conversations = field(default_factory=Conversations)

    def seconds(self, tally: MethodTally) -> float:
        """Return how long a call of a method may take."""
        if tally.response_streaming:
            return NO_LIMIT
        return self.upload_seconds if tally.request_streaming else self.unary_seconds


class StreamedCalls:
    """The calls of one method whose messages are streamed: how each is counted, admitted, permitted, metered and ended."""

    def __init__(self, tally: MethodTally, around: Around) -> None:
        self._tally, self._boundary, self._admission = tally, around.boundary, around.admission
        self._permitted = around.permits(tally.name)

    @asynccontextmanager
    async def call(self, context: Context, close: Close | None = None) -> AsyncIterator[float]:
        """Be around one call, and give the time at which it began; `close` ends it in place of the boundary."""
        tally, admission = self._tally, self._admission
        tally.started += 1
        began = perf_counter()
        task = asyncio.current_task()
        try:
            if len(admission.calls) >= admission.limit:
                raise TooManyCallsError(admission.limit)
            admission.calls[task] = NO_LIMIT
            if not self._permitted(context):
                raise PermissionDeniedError(tally.name)
            yield began
        except BaseException as error:
            admission.left_overdue(task)
            if close:
                await close(error, began)
            else:
                await self._boundary.close(error, context, tally, began, None)
            raise
        del admission.calls[task]
        tally.handle(OK, perf_counter() - began)
        if self._boundary.verbose:
            self._boundary.tell_success(context, tally, began)
