"""Guards a server of grpc.aio."""

# ruff: noqa: ANN401  (handlers and contexts of grpc have no types)

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any

import grpc

from rolecall_client.guards.async_guard import AsyncGuard
from rolecall_client.guards.decision import GuardDecision
from rolecall_client.guards.grpc_calls import peer_of, refusal_of, seconds_left_of, trailing_metadata_of
from rolecall_client.guards.handlers import Behaviour, with_behaviour
from rolecall_client.guards.proxy import TrustedProxy

MAX_WAIT_SECONDS = 120.0
"""The longest wait of a thread for the event loop, which a decision never takes; a loop that has ended must not hold the thread."""


class AioGrpcGuard(grpc.aio.ServerInterceptor):
    """Lets a call reach its method only if the guard lets it pass: `grpc.aio.server(interceptors=[AioGrpcGuard(guard)])`.

    It must be the first interceptor: those before it see calls that may be refused. A refused call ends before its method runs,
    with PERMISSION_DENIED, UNAUTHENTICATED or UNAVAILABLE. Methods that are plain functions, which grpc.aio runs in threads, are
    guarded too. Behind a proxy that ends TLS, `proxy` reports the client's certificate.
    """

    def __init__(self, guard: AsyncGuard, *, proxy: TrustedProxy | None = None) -> None:
        self._guard, self._proxy = guard, proxy

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Return the method's handler, guarded; None if there is no such method."""
        handler, method = await continuation(handler_call_details), handler_call_details.method
        if handler is None:
            return None
        streams, loop = bool(handler.response_streaming), asyncio.get_running_loop()
        return with_behaviour(handler, lambda behaviour: self._guarded(behaviour, method, loop, streams=streams))

    def _guarded(
        self, behaviour: Behaviour, method: str, loop: asyncio.AbstractEventLoop, *, streams: bool
    ) -> Behaviour:
        # grpc.aio recognises by the same functions how to call a method, so the guarded one must be of the same kind.
        if inspect.iscoroutinefunction(behaviour):
            return self._coroutine(behaviour, method)
        if inspect.isasyncgenfunction(behaviour):
            return self._generator(behaviour, method)
        return self._in_thread(behaviour, method, loop, streams=streams)

    def _coroutine(self, behaviour: Behaviour, method: str) -> Behaviour:
        async def guarded(request: Any, context: Any) -> Any:
            await self._require_pass(method, context)
            return await behaviour(request, context)

        return guarded

    def _generator(self, behaviour: Behaviour, method: str) -> Behaviour:
        async def guarded(request: Any, context: Any) -> AsyncIterator[Any]:
            await self._require_pass(method, context)
            async with aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response

        return guarded

    def _in_thread(
        self, behaviour: Behaviour, method: str, loop: asyncio.AbstractEventLoop, *, streams: bool
    ) -> Behaviour:
        def require_pass(context: Any) -> None:
            asked = asyncio.run_coroutine_threadsafe(self._refusal(method, context), loop)
            if decision := asked.result(MAX_WAIT_SECONDS):
                status = refusal_of(decision)
                context.abort(status.code, status.message, trailing_metadata_of(decision))

        def answer(request: Any, context: Any) -> Any:
            require_pass(context)
            return behaviour(request, context)

        def stream(request: Any, context: Any) -> Iterator[Any]:
            require_pass(context)
            yield from behaviour(request, context)

        return stream if streams else answer

    async def _require_pass(self, method: str, context: Any) -> None:
        if decision := await self._refusal(method, context):
            status = refusal_of(decision)
            await context.abort(status.code, status.message, trailing_metadata_of(decision))

    async def _refusal(self, method: str, context: Any) -> GuardDecision | None:
        return await self._guard.refusal(method, peer_of(context, self._proxy), seconds_left_of(context))
