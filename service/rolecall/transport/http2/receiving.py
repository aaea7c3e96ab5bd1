"""What a connection does with a call: begins it, takes its data, and runs its method."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, cast

from grpc.aio import AbortError

from rolecall.transport.connection_counts import ConnectionClosure
from rolecall.transport.error_status import status_of
from rolecall.transport.errors import RequestMemoryError
from rolecall.transport.http2.call import Call
from rolecall.transport.http2.framing import MessageReader, only_message
from rolecall.transport.http2.incoming import IncomingMessages
from rolecall.transport.http2.request_head import NotGrpcError, RequestHead
from rolecall.transport.http2.request_memory import SMALL_HEADER_BYTES
from rolecall.transport.http2.session import INTERNAL_ERROR, REFUSED_STREAM, Headers, SessionError
from rolecall.transport.http2.status import Code, StatusError, trailers
from rolecall.transport.rpc.at_once import AtOnce
from rolecall.transport.rpc.call_context import CallContext

if TYPE_CHECKING:
    from rolecall.transport.http2.connection import Http2Connection

STATUS_DETAILS = "grpc-status-details-bin"

REMEMBERED_BYTES = 1_024
"""Larger headers are read for each call, so that idle connections take little memory."""

_TRAILERS_ONLY = [(b":status", b"200"), (b"content-type", b"application/grpc")]


def begin_call(connection: Http2Connection, stream: int, headers: Headers, *, end: bool) -> None:
    """Begin the call of a request, or refuse it."""
    session, options = connection.session, connection.options
    if session.queued() > options.max_queued_bytes:
        # The client has not accepted earlier answers.
        session.reset(stream, REFUSED_STREAM)
        return
    try:
        head = _read_head(connection, headers)
    except NotGrpcError as error:
        # The stream is not reset: what is no client of gRPC may take the reset for a failure.
        session.respond(stream, [(b":status", error.http_status), *error.headers])
        session.send(stream, error.text.encode() + b"\n", end_stream=True)
        return
    except StatusError as error:
        session.respond(
            stream, [*_TRAILERS_ONLY, *trailers(error.code, error.message, error.metadata)], end_stream=True
        )
        if not end:
            connection.outgoing.reset_when_sent(stream)
        return
    call = Call(connection, stream, head, connection.server.methods.at(head.path))
    call.ended_by_client = end
    connection.calls[stream] = call
    if call.expired:
        _fail(call, StatusError(Code.DEADLINE_EXCEEDED, "the deadline passed before the call began"))
        return
    if call.method.at_once is None:
        start_call(call)
    if end:
        receive_data(connection, call, b"", end=True)
    elif call.incoming is None:
        connection.begun.append(call)


def _read_head(connection: Http2Connection, headers: Headers) -> RequestHead:
    known = connection.head
    # Most clients repeat the headers of their last call, and what they mean depends on nothing else.
    if known is not None and known.headers == headers:
        return known
    memory = connection.server.memory
    try:
        head = RequestHead(headers, connection.options.session.header_bytes)
    except StatusError:
        if connection.refused_headers.exceeded(asyncio.get_running_loop().time()):
            connection.ending.calm(ConnectionClosure.HEADERS, b"too_many_refused_headers")
        raise
    if head.size > SMALL_HEADER_BYTES and not memory.accepts_headers(head.size):
        memory.counts.memory_ended += 1
        raise _status(RequestMemoryError("headers", memory.limits.header_bytes))
    connection.head = head if head.size <= REMEMBERED_BYTES else None
    return head


def receive_data(connection: Http2Connection, call: Call, data: bytes, *, end: bool) -> None:
    """Take data of a call, with `end` the last."""
    call.ended_by_client |= end
    try:
        if call.incoming is None and not (
            end and call.method.at_once and _answered_at_once(call.method.at_once, call, data)
        ):
            start_call(call)
        if call.incoming is not None:
            call.incoming.feed(data, end=end)
            connection.server.memory.hold(call, call.incoming.buffered)
    except StatusError as error:
        _fail(call, error)


def _answered_at_once(at_once: AtOnce, call: Call, data: bytes) -> bool:
    """Answer a call whose only message is complete, if its method can at once; return whether it did."""
    try:
        message = only_message(data, call.encoding, call.connection.options.max_message_bytes)
    except StatusError:
        return False  # the reader of messages fails in the same way
    response = None if message is None else at_once(message, cast(CallContext, call))
    if response is None:
        return False
    call.connection.session.consumed(len(data), call.stream)
    call.answer(response)
    return True


def refuse_for_memory(call: Call) -> None:
    """End a call because the messages of all calls take too much memory."""
    memory = call.connection.server.memory
    _fail(call, _status(RequestMemoryError("messages", memory.limits.message_bytes)))


def _status(error: RequestMemoryError) -> StatusError:
    status = status_of(error)
    return StatusError(status.code, status.message, ((STATUS_DETAILS, status.SerializeToString()),))


def start_call(call: Call) -> None:
    """Run the method of a call in a task of its own, which reads the messages."""
    connection = call.connection
    reader = MessageReader(call.encoding, connection.options.max_message_bytes)
    stream, session, memory = call.stream, connection.session, connection.server.memory

    def consumed(size: int) -> None:
        with suppress(SessionError):
            session.consumed(size, stream)
            if call.incoming is not None:
                memory.hold(call, call.incoming.buffered)
            connection.keepalive.answered()
            connection.flush_soon()

    call.incoming = IncomingMessages(reader, consumed)
    memory.begin(call)
    call.task = asyncio.get_running_loop().create_task(_run(call))
    call.expire_at_deadline(_expire)


async def _run(call: Call) -> None:
    method = call.method
    try:
        if not method.response_streaming:
            response = await method.run(call.messages(), call)
            if not call.over:
                call.answer(response)
            return
        if method.generates:
            # Closed in this task even if a write fails: what the method releases at its end belongs to the task.
            async with aclosing(method.run(call.messages(), call)) as messages:
                async for message in messages:
                    await call.write(message)
        else:
            await method.run(call.messages(), call)
        if not call.over:
            call.finish_stream()
    except AbortError:
        pass
    except SessionError:
        # The stream is closed, or it cannot carry the answer: then the client must not wait for it.
        call.connection.session.reset(call.stream, INTERNAL_ERROR)
        call.connection.flush_soon()
        call.close()
    except asyncio.CancelledError:
        _finish_cancelled(call)
        raise
    except Exception as error:  # noqa: BLE001 -- the client must not wait for an answer
        # The error boundary ends and logs every failure of a method, so this is one of the boundary itself.
        facts = {"message": "a call failed outside of its error boundary", "exception": error, "task": call.task}
        asyncio.get_running_loop().call_exception_handler(facts)
        _fail(call, StatusError(Code.UNKNOWN, "internal error"))


def _finish_cancelled(call: Call) -> None:
    if not call.over:
        _fail(call, StatusError(Code.CANCELLED, "the call was cancelled"))


def _expire(call: Call) -> None:
    """End a call at its client's deadline."""
    if not call.over:
        _fail(call, StatusError(Code.DEADLINE_EXCEEDED, "Deadline Exceeded"))


def _fail(call: Call, error: StatusError) -> None:
    with suppress(SessionError):
        call.finish(error.code, error.message, error.metadata)
    call.close()
    call.cancel_task()
