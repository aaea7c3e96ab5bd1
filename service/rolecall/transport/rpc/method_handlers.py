"""Wrap the handler of a method with its middleware, by the shape of its calls.

A call is counted, authenticated, read, admitted, permitted, decoded, handled, encoded and metered, in this order; a stream is
admitted before it is read. Every error reaches one error boundary; grpc.aio would send an unexpected error's text to the caller.
"""

# ruff: noqa: ARG001  (signatures are those of gRPC; errors raised here must reach the boundary here)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction
from time import perf_counter
from typing import Any, NoReturn, TypeAlias

import grpc
from grpc.aio import EOF, AbortError

from rolecall.engine.errors import NotAvailableError
from rolecall.transport.errors import OverdueError
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.middleware import Middleware, StreamedCalls
from rolecall.transport.rpc.silent_calls import missing_message
from rolecall.transport.rpc.stats import OK, MethodStats
from rolecall.transport.rpc.streams import BidiStream, ServerStream

STATUS_TIMEOUT_SECONDS = 5.0
"""How long the status of a server stream may wait for a client that does not read."""

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


def wrap_handler(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:
    """Return the method of a handler, wrapped with its middleware. It reads all its messages itself.

    gRPC would wait for the only message of a call before it calls a method, without a limit of time or number.
    """
    return _wrapper_for(handler)(handler, stats, middleware)


def _wrapper_for(handler: Handler) -> Callable[[Handler, MethodStats, Middleware], Any]:
    """Return the wrapper of a method. A streaming method that is no generator reads and writes its messages itself."""
    if not handler.response_streaming:
        return _wrap_upload if handler.request_streaming else _wrap_unary
    if not handler.request_streaming and iscoroutinefunction(handler.unary_stream):
        return _wrap_server_stream
    if handler.request_streaming and iscoroutinefunction(handler.stream_stream):
        return _wrap_bidi_stream
    return _wrap_generator


def _wrap_unary(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:  # noqa: C901  (written out, for speed)
    """Wrap a method with one request and one response."""
    # This is the path of every check: it awaits nothing but the message and the method, and looks nothing up twice.
    method = _charged(_implemented(handler.unary_unary), middleware)
    decode, encode = handler.request_deserializer or _unchanged, handler.response_serializer or _unchanged
    authenticate, permitted = middleware.authenticate, middleware.permits(stats.name)
    boundary, verbose = middleware.boundary, middleware.boundary.verbose
    concurrency, time_limit = middleware.limit_of(stats), middleware.time_limit(stats)
    calls, silent = concurrency.calls, middleware.silent
    waiting, max_waiting = silent.waiting, silent.limit

    async def call(_: object, context: CallContext) -> bytes:
        stats.started += 1
        began = perf_counter()
        deadline, task = began + time_limit, asyncio.current_task()
        try:
            if authenticate:
                authenticate(context)
            if len(waiting) >= max_waiting:
                silent.make_room()
            waiting[task] = deadline
            data = await context.read()
            del waiting[task]
            if data is EOF:
                await missing_message()
            if len(calls) >= concurrency.free:
                concurrency.admit(task, context)
            calls[task] = deadline, context
            if permitted:
                permitted(context)
            response = encode(await method(decode(data), context))
        except BaseException as error:
            cause = silent.remove_failed(task)
            if concurrency.remove_failed(task) is not None:
                cause = OverdueError(time_limit)
            await boundary.close(error, context, stats, began, cause)
            raise
        del calls[task]
        if concurrency.counting:
            concurrency.forget(task)
        stats.handle(OK, perf_counter() - began)
        if verbose:
            boundary.log_success(context, stats, began)
        return response

    return call


def _wrap_upload(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that reads a stream and returns one response."""
    method = _charged(_implemented(handler.stream_unary), middleware)
    decode, encode = handler.request_deserializer or _unchanged, handler.response_serializer or _unchanged
    calls = StreamedCalls(stats, middleware)

    async def call(_: object, context: CallContext) -> bytes:
        async with calls.call(context) as started, aclosing(calls.messages(context, started.began, decode)) as messages:
            return encode(await method(messages, context))

    return call


def _wrap_generator(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that yields its responses."""
    method = _implemented(handler.stream_stream if handler.request_streaming else handler.unary_stream)
    decode, encode = handler.request_deserializer or _unchanged, handler.response_serializer or _unchanged
    calls, streaming = StreamedCalls(stats, middleware), handler.request_streaming

    async def call(_: object, context: CallContext) -> AsyncIterator[bytes]:
        async with calls.call(context) as started:
            given = calls.messages(context, started.began, decode) if streaming else decode(started.message)
            async with aclosing(method(given, context)) as responses:
                async for response in responses:
                    stats.messages_out += 1
                    yield encode(response)

    return call


def _wrap_bidi_stream(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that reads and writes the messages of a `BidiStream`."""
    method: Any = handler.stream_stream
    decode, encode = handler.request_deserializer or _unchanged, handler.response_serializer or _unchanged
    calls, boundary, rate = StreamedCalls(stats, middleware), middleware.boundary, middleware.rate

    async def call(_: object, context: CallContext) -> None:
        pace = partial(rate.pace, context) if rate else None
        stream = BidiStream(context, stats, decode=decode, encode=encode, pace=pace)

        async def close(error: BaseException, began: float) -> None:
            await boundary.close(stream.ending.cause(error), context, stats, began, None)

        async with calls.call(context, close) as started:
            with middleware.open_streams.track(stream.ending, started.began):
                await method(stream, context)

    return call


def _wrap_server_stream(handler: Handler, stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that writes the encoded messages of a `ServerStream`."""
    method: Any = handler.unary_stream
    decode, calls = handler.request_deserializer or _unchanged, StreamedCalls(stats, middleware)
    boundary = middleware.boundary

    async def call(_: object, context: CallContext) -> None:
        stream = ServerStream(context, stats, middleware.write_timeout_seconds)

        async def close(error: BaseException, began: float) -> None:
            await _within_status_timeout(boundary.close(stream.ending.cause(error), context, stats, began, None))

        async with calls.call(context, close) as started:
            with middleware.open_streams.track(stream.ending, started.began):
                await stream.begin()
                await method(decode(started.message), stream)

    return call


async def _within_status_timeout(closing: Coroutine[Any, Any, None]) -> None:
    # A client that does not read does not accept the status either; gRPC keeps it for when the client reads on.
    try:
        async with asyncio.timeout(STATUS_TIMEOUT_SECONDS):
            await closing
    except TimeoutError:
        raise AbortError from None


def _charged(method: Any, middleware: Middleware) -> Any:
    """Return the method, which takes the tokens of each call first if callers have a rate limit."""
    rate = middleware.rate
    if rate is None:
        return method

    async def charged(message: Any, context: CallContext) -> Any:
        queries = getattr(message, "queries", None)
        rate.take(context, 1 if queries is None else len(queries))
        return await method(message, context)

    return charged


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
