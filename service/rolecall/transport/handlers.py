"""Wraps every method once, when it is registered. An interceptor would do the same work anew on every call.

Around a call, in this order: it is counted, admitted, permitted, decoded, handled, encoded, metered. Whatever goes
wrong meets one error boundary, so that no text of an unforeseen error reaches a caller (grpc.aio would send it).
"""

# ruff: noqa: ARG001, TRY301  (an error of theirs is to meet their own boundary; signatures are those of gRPC)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from inspect import isasyncgenfunction, iscoroutinefunction
from time import perf_counter
from typing import Any, NoReturn

import grpc
from grpc.aio import AbortError, ServicerContext

from rolecall.engine.errors import NotAvailableError
from rolecall.transport.admission import NO_LIMIT, Admission
from rolecall.transport.boundary import Boundary
from rolecall.transport.conversations import Conversation, Conversations
from rolecall.transport.errors import PermissionDeniedError, TooManyCallsError, UnknownMethodError
from rolecall.transport.tally import OK, MethodTally
from rolecall.transport.telling import TAKEN_SECONDS, Telling

UNKNOWN = "unknown"
STATUS_SECONDS = 5.0
"""How long the status of a call in which only the server speaks may wait for a caller that does not read."""

Context = ServicerContext[Any, Any]
Permit = Callable[[Context], bool]
"""Tells whether the caller may make a call."""

Permits = Callable[[str], Permit]
"""Leads from a method's name to its permit."""


class Services:
    """Takes the place of a server where generated code registers a servicer, and keeps the handlers to be wrapped."""

    def __init__(self) -> None:
        self.handlers: dict[str, Mapping[str, grpc.RpcMethodHandler[Any, Any]]] = {}

    def add_registered_method_handlers(
        self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """Keep the handlers of one service."""
        self.handlers[service] = handlers

    def prefer(self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]) -> None:
        """Put other handlers in place of some of a service."""
        self.handlers[service] = {**self.handlers[service], **handlers}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Do nothing: these are the same handlers once more."""


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


class Methods(grpc.GenericRpcHandler):
    """Every method of the server, wrapped, by name; whatever else is called is counted under one name.

    The names come from strangers: a label for each would let them fill the memory of whoever reads the metrics.
    """

    def __init__(self, around_unknown: Around) -> None:
        self.tallies: list[MethodTally] = []
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        stranger: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(_unknown)
        self._unknown = self._wrapped(UNKNOWN, UNKNOWN, stranger, around_unknown)

    def add(self, services: Services, around: Around) -> None:
        """Wrap every method of some services."""
        for service, handlers in services.handlers.items():
            for method, handler in handlers.items():
                self._handlers[f"/{service}/{method}"] = self._wrapped(service, method, handler, around)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """Return the handler of the method that is called."""
        return self._handlers.get(details.method, self._unknown)

    def _wrapped(
        self, service: str, method: str, handler: grpc.RpcMethodHandler[Any, Any], around: Around
    ) -> grpc.RpcMethodHandler[Any, Any]:
        tally = MethodTally(
            service, method, request_streaming=handler.request_streaming, response_streaming=handler.response_streaming
        )
        self.tallies.append(tally)
        wrap = _wrapping(handler)
        return _SHAPES[handler.request_streaming, handler.response_streaming](wrap(handler, tally, around))


def _wrapping(handler: grpc.RpcMethodHandler[Any, Any]) -> Callable[[Any, MethodTally, Around], Any]:
    """Return what wraps a method: one that is streamed and no generator reads and writes for itself."""
    if not handler.response_streaming:
        return _answered
    if not handler.request_streaming and iscoroutinefunction(handler.unary_stream):
        return _told
    if handler.request_streaming and iscoroutinefunction(handler.stream_stream):
        return _conversed
    return _streamed


def _answered(handler: grpc.RpcMethodHandler[Any, Any], tally: MethodTally, around: Around) -> Any:
    """Wrap a method that gives one answer. This is the path of every check: nothing is awaited but the method."""
    call = _implemented(handler.stream_unary if handler.request_streaming else handler.unary_unary)
    read, encode = _reader(handler, tally), handler.response_serializer or _as_it_is
    permitted, boundary, verbose = around.permits(tally.name), around.boundary, around.boundary.verbose
    admission, calls, limit, seconds = (
        around.admission,
        around.admission.calls,
        around.admission.limit,
        around.seconds(tally),
    )

    async def answered(data: Any, context: Context) -> bytes:
        tally.started += 1
        began = perf_counter()
        task = asyncio.current_task()
        try:
            if len(calls) >= limit:
                raise TooManyCallsError(limit)
            calls[task] = began + seconds
            if not permitted(context):
                raise PermissionDeniedError(tally.name)
            answer = encode(await call(read(data), context))
        except BaseException as error:
            overdue = seconds if admission.left_overdue(task) else None
            await boundary.close(error, context, tally, began, overdue)
            raise
        del calls[task]
        tally.handle(OK, perf_counter() - began)
        if verbose:
            boundary.tell_success(context, tally, began)
        return answer

    return answered


def _streamed(handler: grpc.RpcMethodHandler[Any, Any], tally: MethodTally, around: Around) -> Any:
    """Wrap a method that gives a stream of answers."""
    call = _implemented(handler.stream_stream if handler.request_streaming else handler.unary_stream)
    read, encode = _reader(handler, tally), handler.response_serializer or _as_it_is
    permitted, boundary, admission = around.permits(tally.name), around.boundary, around.admission

    async def streamed(data: Any, context: Context) -> AsyncIterator[bytes]:
        tally.started += 1
        began = perf_counter()
        task = asyncio.current_task()
        try:
            if len(admission.calls) >= admission.limit:
                raise TooManyCallsError(admission.limit)
            admission.calls[task] = NO_LIMIT
            if not permitted(context):
                raise PermissionDeniedError(tally.name)
            async with aclosing(call(read(data), context)) as answers:
                async for answer in answers:
                    tally.messages_out += 1
                    yield encode(answer)
        except BaseException as error:
            admission.left_overdue(task)
            await boundary.close(error, context, tally, began, None)
            raise
        del admission.calls[task]
        tally.handle(OK, perf_counter() - began)
        if boundary.verbose:
            boundary.tell_success(context, tally, began)

    return streamed


def _conversed(handler: grpc.RpcMethodHandler[Any, Any], tally: MethodTally, around: Around) -> Any:
    """Wrap a method that reads and writes the messages of a `Conversation` itself."""
    call: Any = handler.stream_stream
    decode, encode = handler.request_deserializer or _as_it_is, handler.response_serializer or _as_it_is
    permitted, boundary, admission = around.permits(tally.name), around.boundary, around.admission

    async def conversed(_: object, context: Context) -> None:
        tally.started += 1
        began = perf_counter()
        task = asyncio.current_task()
        try:
            if len(admission.calls) >= admission.limit:
                raise TooManyCallsError(admission.limit)
            admission.calls[task] = NO_LIMIT
            if not permitted(context):
                raise PermissionDeniedError(tally.name)
            conversation = Conversation(context, tally, decode=decode, encode=encode)
            with around.conversations.held(conversation, began):
                await call(conversation, context)
        except BaseException as error:
            admission.left_overdue(task)
            await boundary.close(error, context, tally, began, None)
            raise
        del admission.calls[task]
        tally.handle(OK, perf_counter() - began)
        if boundary.verbose:
            boundary.tell_success(context, tally, began)

    return conversed


def _told(handler: grpc.RpcMethodHandler[Any, Any], tally: MethodTally, around: Around) -> Any:
    """Wrap a method that sends the bytes of its messages itself, through a `Telling`."""
    call: Any = handler.unary_stream
    read = _reader(handler, tally)
    permitted, boundary, admission = around.permits(tally.name), around.boundary, around.admission

    async def told(data: Any, context: Context) -> None:
        tally.started += 1
        began = perf_counter()
        task = asyncio.current_task()
        telling = Telling(context, tally, around.taken_seconds)
        try:
            if len(admission.calls) >= admission.limit:
                raise TooManyCallsError(admission.limit)
            admission.calls[task] = NO_LIMIT
            if not permitted(context):
                raise PermissionDeniedError(tally.name)
            with around.conversations.held(telling, began):
                await telling.begin()
                await call(read(data), telling)
        except BaseException as error:
            admission.left_overdue(task)
            await _close_in_time(boundary.close(telling.meaning(error), context, tally, began, None))
            raise
        del admission.calls[task]
        tally.handle(OK, perf_counter() - began)
        if boundary.verbose:
            boundary.tell_success(context, tally, began)

    return told


async def _close_in_time(closing: Coroutine[Any, Any, None]) -> None:
    """End a call. A caller that does not read does not take the status either: it finds it when it reads, if it ever does."""
    try:
        async with asyncio.timeout(STATUS_SECONDS):
            await closing
    except TimeoutError:
        raise AbortError from None


def _reader(handler: grpc.RpcMethodHandler[Any, Any], tally: MethodTally) -> Callable[[Any], Any]:
    """Return what makes a request of what gRPC delivers. Here a message that cannot be read meets the boundary too."""
    decode = handler.request_deserializer or _as_it_is

    async def messages(stream: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for data in stream:
            tally.messages_in += 1
            yield decode(data)

    return messages if handler.request_streaming else decode


def _implemented(call: Any) -> Any:
    """Return the method; if a servicer leaves it to its generated base, which is no coroutine, one that says so."""
    if iscoroutinefunction(call) or isasyncgenfunction(call):
        return call
    return _not_available


def _not_available(request: object, context: object) -> NoReturn:
    raise NotAvailableError("this method")


async def _unknown(requests: object, context: object) -> AsyncIterator[bytes]:
    raise UnknownMethodError
    yield b""  # makes this a stream, as the shape of the unknown is the widest


def _as_it_is(data: Any) -> Any:
    return data


_SHAPES = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
