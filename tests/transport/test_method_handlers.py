"""How long the calls of a method may take, and what bounds the end of a stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc.aio import AbortError

from rolecall.transport.errors import TransportError, WatchTooSlowError
from rolecall.transport.rpc import method_handlers
from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.method_handlers import wrap_handler
from rolecall.transport.rpc.middleware import Middleware
from rolecall.transport.rpc.open_streams import OpenStreams
from rolecall.transport.rpc.stats import MethodStats
from rolecall_client.v1 import role_pb2
from tests.server.serving import DOCUMENT, Served, check, for_ever, served, until
from tests.transport.refusals import refused

DEADLINE_EXCEEDED = grpc.StatusCode.DEADLINE_EXCEEDED


class Upload:
    """An ApplyRoles call that sends its options, and nothing more until it is let."""

    def __init__(self, service: Served) -> None:
        self._continue = asyncio.Event()
        self.call = service.roles.ApplyRoles(self._messages())

    async def _messages(self) -> AsyncIterator[role_pb2.ApplyRolesRequest]:
        yield role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions())
        await self._continue.wait()
        declared = role_pb2.RoleDeclaration(role_name="app", assume_role_policy_document=DOCUMENT)
        yield role_pb2.ApplyRolesRequest(roles=role_pb2.RoleChunk(roles=[declared]))

    async def finish(self) -> role_pb2.ApplyRolesResponse:
        self._continue.set()
        response: role_pb2.ApplyRolesResponse = await self.call
        return response


async def test_a_call_may_take_as_long_as_the_servers_limit(service: Served) -> None:
    service.let_catching_up_take(for_ever)
    call = service.decisions.CheckAssumeRole(check(consistent=True))
    await until(lambda: service.calls)

    service.server.grpc_server.sweep(time.perf_counter() + 29)
    unchanged = list(service.calls.values())
    service.server.grpc_server.sweep(time.perf_counter() + 31)
    refusal = await refused(call)

    assert unchanged[0][0] > 0
    assert (refusal.code, refusal.reason, refusal.facts["limit_seconds"]) == (DEADLINE_EXCEEDED, "SERVER_LIMIT", "30")
    await until(lambda: not service.calls)


async def test_an_upload_may_take_ten_times_as_long() -> None:
    async with served(stream_idle_seconds=3_600) as service:
        first, second = Upload(service), Upload(service)
        await until(lambda: service.stats("ApplyRoles").messages_in == 2)

        service.server.grpc_server.sweep(time.perf_counter() + 299)
        response = await first.finish()
        service.server.grpc_server.sweep(time.perf_counter() + 301)
        refusal = await refused(second.call)

    assert len(response.changes) == 1
    assert (refusal.code, refusal.reason, refusal.facts["limit_seconds"]) == (DEADLINE_EXCEEDED, "SERVER_LIMIT", "300")


class Log:
    def debug(self, event: str, **facts: object) -> None: ...

    warning = error = debug


class Client:
    """A context of gRPC; a client that does not read never accepts the status."""

    def __init__(self, *, reads: bool) -> None:
        self._reads = reads
        self.aborting, self.statuses = asyncio.Event(), list[Any]()

    def invocation_metadata(self) -> None:
        return None

    def time_remaining(self) -> None:
        return None

    async def read(self) -> bytes:
        return b""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    async def send_initial_metadata(self, _: object) -> None:
        return

    async def abort_with_status(self, status: Any) -> None:
        self.statuses.append(status)
        self.aborting.set()
        if not self._reads:
            await asyncio.Event().wait()
        raise AbortError


def wrapped_stream(method: Any, **parts: Any) -> tuple[Any, MethodStats, Middleware]:
    boundary = ErrorBoundary(Log(), verbose=False)
    middleware = Middleware(concurrency=ConcurrencyLimit(2), boundary=boundary, permits=lambda _: None, **parts)
    stats = MethodStats("s", "M", request_streaming=False, response_streaming=True)
    handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_stream_rpc_method_handler(method)
    return wrap_handler(handler, stats, middleware), stats, middleware


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_caller_is_authenticated_before_a_place_is_looked_for(streamed: bool) -> None:
    class NobodyError(TransportError):
        pass

    def nobody(_: object) -> None:
        raise NobodyError

    async def method(_request: object, _stream: object) -> bytes:
        raise LookupError

    errors = list[BaseException]()

    class Boundary(ErrorBoundary):
        async def close(self, error: BaseException, *args: Any) -> None:
            errors.append(error)
            raise AbortError

    middleware = Middleware(
        concurrency=ConcurrencyLimit(0),
        boundary=Boundary(Log(), verbose=False),
        permits=lambda _: None,
        authenticate=nobody,
    )
    stats = MethodStats("s", "M", request_streaming=False, response_streaming=streamed)
    shape = grpc.unary_stream_rpc_method_handler if streamed else grpc.unary_unary_rpc_method_handler
    handler: Any = shape(method)

    with pytest.raises(AbortError):
        await wrap_handler(handler, stats, middleware)(b"", Client(reads=True))

    assert [type(error) for error in errors] == [NobodyError]


async def test_the_status_of_a_stream_does_not_wait_for_ever_for_a_client_that_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(method_handlers, "STATUS_TIMEOUT_SECONDS", 0.01)

    async def fail(_request: object, _stream: object) -> None:
        raise LookupError

    call, stats, middleware = wrapped_stream(fail)

    with pytest.raises(AbortError):
        await asyncio.wait_for(call(b"", Client(reads=False)), 10)

    assert (middleware.concurrency.calls, len(middleware.open_streams)) == ({}, 0)
    assert stats.handled[13] == 1


async def test_a_client_that_reads_gets_the_status_without_delay() -> None:
    async def fail(_request: object, _stream: object) -> None:
        raise LookupError

    call, _, middleware = wrapped_stream(fail)

    with pytest.raises(AbortError):
        await asyncio.wait_for(call(b"", Client(reads=True)), 4)

    assert middleware.concurrency.calls == {}


async def test_a_message_of_a_server_stream_must_be_accepted_in_the_time_that_is_configured() -> None:
    client = Client(reads=True)

    async def write(_request: object, stream: Any) -> None:
        await stream.write(b"x")

    async def never_accepts(_: bytes) -> None:
        await for_ever()

    client.write = never_accepts  # type: ignore[attr-defined]
    call, _, _ = wrapped_stream(write, write_timeout_seconds=0.01)

    with pytest.raises(AbortError):
        await asyncio.wait_for(call(b"", client), 10)

    assert [status.details for status in client.statuses] == [str(WatchTooSlowError(0.01))]


async def test_a_server_stream_is_tracked_while_its_method_runs() -> None:
    opened = list[int]()

    async def look(_request: object, _stream: object) -> None:
        opened.append(len(open_streams))

    open_streams = OpenStreams()
    call, stats, _ = wrapped_stream(look, open_streams=open_streams)

    await call(b"", Client(reads=True))

    assert (opened, len(open_streams), stats.started, stats.handled[0]) == ([1], 0, 1, 1)
