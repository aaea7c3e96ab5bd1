"""Wrap the handler of a method with its middleware, by the shape of its calls.

A call is counted, authenticated, admitted, permitted, decoded, handled, encoded and metered, in this order. Every error reaches one
error boundary; grpc.aio would send the text of an unexpected error to the caller.
"""

# ruff: noqa: ARG001, TRY301  (signatures are those of gRPC; errors raised here must reach the boundary here)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from inspect import isasyncgenfunction, iscoroutinefunction
from time import perf_counter
from typing import Any, NoReturn, TypeAlias

import grpc
from grpc.aio import AbortError

from rolecall.engine.errors import NotAvailableError
from rolecall.transport.errors import PermissionDeniedError, TooManyCallsError
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.middleware import Middleware, StreamedCalls
from rolecall.transport.rpc.stats import OK, MethodStats
from rolecall.transport.rpc.streams import BidiStream, ServerStream

STATUS_TIMEOUT_SECONDS = 5.0
"""How long the status of a server stream may wait for a client that does not read."""

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


def wrap_handler(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:
    """Return the method of a handler, wrapped with its middleware."""
    return _wrapper_for(handler)(handler, stats, middleware)


def _wrapper_for(handler: Handler) -> Callable[[Handler, MethodStats, Middleware], Any]:
    """Return the wrapper of a method. A streaming method that is no generator reads and writes its messages itself."""
    if not handler.response_streaming:
        return _wrap_single_response
    if not handler.request_streaming and iscoroutinefunction(handler.unary_stream):
        return _wrap_server_stream
    if handler.request_streaming and iscoroutinefunction(handler.stream_stream):
        return _wrap_bidi_stream
    return _wrap_generator


def _wrap_single_response(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that returns one response."""
    # This is the path of every check: it awaits nothing but the method, and looks nothing up twice.
    method = _implemented(handler.stream_unary if handler.request_streaming else handler.unary_unary)
    decode, encode = _decoder(handler, stats), handler.response_serializer or _unchanged
    authenticate, permitted = middleware.authenticate, middleware.permits(stats.name)
    boundary, verbose = middleware.boundary, middleware.boundary.verbose
    concurrency, time_limit = middleware.concurrency, middleware.time_limit(stats)
    calls, max_calls = concurrency.calls, concurrency.limit

    async def call(data: Any, context: CallContext) -> bytes:
        stats.started += 1
        began = perf_counter()
        task = asyncio.current_task()
        try:
            if authenticate:
                authenticate(context)
            if len(calls) >= max_calls:
                raise TooManyCallsError(max_calls)
            calls[task] = began + time_limit
            if not permitted(context):
                raise PermissionDeniedError(stats.name)
            response = encode(await method(decode(data), context))
        except BaseException as error:
            exceeded = time_limit if concurrency.remove_failed(task) else None
            await boundary.close(error, context, stats, began, exceeded)
            raise
        del calls[task]
        stats.handle(OK, perf_counter() - began)
        if verbose:
            boundary.log_success(context, stats, began)
        return response

    return call


def _wrap_generator(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that yields its responses."""
    method = _implemented(handler.stream_stream if handler.request_streaming else handler.unary_stream)
    decode, encode = _decoder(handler, stats), handler.response_serializer or _unchanged
    calls = StreamedCalls(stats, middleware)

    async def call(data: Any, context: CallContext) -> AsyncIterator[bytes]:
        async with calls.call(context), aclosing(method(decode(data), context)) as responses:
            async for response in responses:
                stats.messages_out += 1
                yield encode(response)

    return call


def _wrap_bidi_stream(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that reads and writes the messages of a `BidiStream`."""
    method: Any = handler.stream_stream
    decode, encode = handler.request_deserializer or _unchanged, handler.response_serializer or _unchanged
    calls, boundary = StreamedCalls(stats, middleware), middleware.boundary

    async def call(_: object, context: CallContext) -> None:
        stream = BidiStream(context, stats, decode=decode, encode=encode)

        async def close(error: BaseException, began: float) -> None:
            await boundary.close(stream.ending.cause(error), context, stats, began, None)

        async with calls.call(context, close) as began:
            with middleware.open_streams.track(stream.ending, began):
                await method(stream, context)

    return call


def _wrap_server_stream(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that writes the encoded messages of a `ServerStream`."""
    method: Any = handler.unary_stream
    decode, calls, boundary = _decoder(handler, stats), StreamedCalls(stats, middleware), middleware.boundary

    async def call(data: Any, context: CallContext) -> None:
        stream = ServerStream(context, stats, middleware.write_timeout_seconds)

        async def close(error: BaseException, began: float) -> None:
            await _within_status_timeout(boundary.close(stream.ending.cause(error), context, stats, began, None))

        async with calls.call(context, close) as began:
            with middleware.open_streams.track(stream.ending, began):
                await stream.begin()
                await method(decode(data), stream)

    return call


async def _within_status_timeout(closing: Coroutine[Any, Any, None]) -> None:
    # A client that does not read does not accept the status either; gRPC keeps it for when the client reads on.
    try:
        async with asyncio.timeout(STATUS_TIMEOUT_SECONDS):
            await closing
    except TimeoutError:
        raise AbortError from None


def _decoder(handler: Handler, stats: MethodStats) -> Callable[[Any], Any]:
    """Return what decodes the request or requests of a call. It runs within the boundary, which reports malformed ones."""
    decode = handler.request_deserializer or _unchanged

    async def decoded(stream: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for data in stream:
            stats.messages_in += 1
            yield decode(data)

    return decoded if handler.request_streaming else decode


def _implemented(method: Any) -> Any:
    """Return the method; if its servicer only inherits it from the generated base, one that raises `NotAvailableError`."""
    # The methods of the generated base are neither coroutines nor generators.
    if iscoroutinefunction(method) or isasyncgenfunction(method):
        return method
    return _not_available


def _not_available(request: object, context: object) -> NoReturn:
    raise NotAvailableError("this method")


def _unchanged(data: Any) -> Any:
    return data
