"""The ways in which methods are wrapped, by who speaks in their calls.

Middleware a call, in this order: it is counted, admitted, permitted, decoded, handled, encoded, metered. Whatever goes
wrong meets one error boundary, so that no text of an unforeseen error reaches a caller (grpc.aio would send it).
"""

# ruff: noqa: ARG001, TRY301  (an error of theirs is to meet their own boundary; signatures are those of gRPC)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from inspect import isasyncgenfunction, iscoroutinefunction
from time import perf_counter
from typing import Any, NoReturn

import grpc
from grpc.aio import AbortError

from rolecall.engine.errors import NotAvailableError
from rolecall.transport.errors import PermissionDeniedError, TooManyCallsError
from rolecall.transport.rpc.bidi_stream import BidiStream
from rolecall.transport.rpc.middleware import Context, Middleware, StreamedCalls
from rolecall.transport.rpc.server_stream import ServerStream
from rolecall.transport.rpc.stats import OK, MethodStats

STATUS_SECONDS = 5.0
"""How long the status of a call in which only the server speaks may wait for a caller that does not read."""


def wrapped(handler: grpc.RpcMethodHandler[Any, Any], stats: MethodStats, middleware: Middleware) -> Any:
    """Return the method of a handler with what is around its calls."""
    return _wrapping(handler)(handler, stats, middleware)


def _wrapping(handler: grpc.RpcMethodHandler[Any, Any]) -> Callable[[Any, MethodStats, Middleware], Any]:
    """Return what wraps a method: one that is streamed and no generator reads and writes for itself."""
    if not handler.response_streaming:
        return _answered
    if not handler.request_streaming and iscoroutinefunction(handler.unary_stream):
        return _told
    if handler.request_streaming and iscoroutinefunction(handler.stream_stream):
        return _conversed
    return _streamed


def _answered(handler: grpc.RpcMethodHandler[Any, Any], stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that gives one answer. This is the path of every check: nothing is awaited but the method."""
    call = _implemented(handler.stream_unary if handler.request_streaming else handler.unary_unary)
    read, encode = _reader(handler, stats), handler.response_serializer or _as_it_is
    permitted, boundary, verbose = middleware.permits(stats.name), middleware.boundary, middleware.boundary.verbose
    concurrency, calls, limit, seconds = (
        middleware.concurrency,
        middleware.concurrency.calls,
        middleware.concurrency.limit,
        middleware.seconds(stats),
    )

    async def answered(data: Any, context: Context) -> bytes:
        stats.started += 1
        began = perf_counter()
        task = asyncio.current_task()
        try:
            if len(calls) >= limit:
                raise TooManyCallsError(limit)
            calls[task] = began + seconds
            if not permitted(context):
                raise PermissionDeniedError(stats.name)
            answer = encode(await call(read(data), context))
        except BaseException as error:
            overdue = seconds if concurrency.left_overdue(task) else None
            await boundary.close(error, context, stats, began, overdue)
            raise
        del calls[task]
        stats.handle(OK, perf_counter() - began)
        if verbose:
            boundary.tell_success(context, stats, began)
        return answer

    return answered


def _streamed(handler: grpc.RpcMethodHandler[Any, Any], stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that gives a stream of answers."""
    method = _implemented(handler.stream_stream if handler.request_streaming else handler.unary_stream)
    read, encode = _reader(handler, stats), handler.response_serializer or _as_it_is
    calls = StreamedCalls(stats, middleware)

    async def streamed(data: Any, context: Context) -> AsyncIterator[bytes]:
        async with calls.call(context), aclosing(method(read(data), context)) as answers:
            async for answer in answers:
                stats.messages_out += 1
                yield encode(answer)

    return streamed


def _conversed(handler: grpc.RpcMethodHandler[Any, Any], stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that reads and writes the messages of a `BidiStream` itself."""
    method: Any = handler.stream_stream
    decode, encode = handler.request_deserializer or _as_it_is, handler.response_serializer or _as_it_is
    calls = StreamedCalls(stats, middleware)

    async def conversed(_: object, context: Context) -> None:
        async with calls.call(context) as began:
            conversation = BidiStream(context, stats, decode=decode, encode=encode)
            with middleware.conversations.held(conversation, began):
                await method(conversation, context)

    return conversed


def _told(handler: grpc.RpcMethodHandler[Any, Any], stats: MethodStats, middleware: Middleware) -> Any:
    """Wrap a method that sends the bytes of its messages itself, through a `ServerStream`."""
    method: Any = handler.unary_stream
    read, calls, boundary = _reader(handler, stats), StreamedCalls(stats, middleware), middleware.boundary

    async def told(data: Any, context: Context) -> None:
        telling = ServerStream(context, stats, middleware.taken_seconds)

        async def close(error: BaseException, began: float) -> None:
            await _close_in_time(boundary.close(telling.meaning(error), context, stats, began, None))

        async with calls.call(context, close) as began:
            with middleware.conversations.held(telling, began):
                await telling.begin()
                await method(read(data), telling)

    return told


async def _close_in_time(closing: Coroutine[Any, Any, None]) -> None:
    """End a call. A caller that does not read does not take the status either: it finds it when it reads, if it ever does."""
    try:
        async with asyncio.timeout(STATUS_SECONDS):
            await closing
    except TimeoutError:
        raise AbortError from None


def _reader(handler: grpc.RpcMethodHandler[Any, Any], stats: MethodStats) -> Callable[[Any], Any]:
    """Return what makes a request of what gRPC delivers. Here a message that cannot be read meets the boundary too."""
    decode = handler.request_deserializer or _as_it_is

    async def messages(stream: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for data in stream:
            stats.messages_in += 1
            yield decode(data)

    return messages if handler.request_streaming else decode


def _implemented(call: Any) -> Any:
    """Return the method; if a servicer leaves it to its generated base, which is no coroutine, one that says so."""
    if iscoroutinefunction(call) or isasyncgenfunction(call):
        return call
    return _not_available


def _not_available(request: object, context: object) -> NoReturn:
    raise NotAvailableError("this method")


def _as_it_is(data: Any) -> Any:
    return data
