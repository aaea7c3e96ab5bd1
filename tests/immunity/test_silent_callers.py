"""Callers that occupy the server and send nothing: they are bounded, they end, and they refuse nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from rolecall.server.shutdown import StopSignal
from rolecall.transport.channel_options import HANDSHAKE_SECONDS
from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.silent_calls import MAX_SILENT
from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc, role_pb2
from tests.security.certificates import Authority
from tests.server.serving import Served, check, for_ever, served, until
from tests.transport import frames
from tests.transport.refusals import Refusal, refused

CHECK = b"/rolecall.v1.DecisionService/CheckAssumeRole"
STREAM = b"/rolecall.v1.DecisionService/StreamCheckAssumeRole"
APPLY = b"/rolecall.v1.RoleService/ApplyRoles"
WATCH = b"/rolecall.v1.WatchService/WatchRoles"
HEALTH_WATCH = b"/grpc.health.v1.Health/Watch"
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
OPTIONS = role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions()).SerializeToString()


@asynccontextmanager
async def connection(service: Served) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await frames.connect(service.server.bound.address)
    try:
        yield reader, writer
    finally:
        writer.close()


def message_without_end(stream: int, data: bytes) -> bytes:
    return frames.frame(frames.DATA, 0, stream, b"\0" + len(data).to_bytes(4, "big") + data)


async def occupy(writer: asyncio.StreamWriter, count: int, path: bytes, then: Callable[[int], bytes]) -> None:
    """Open calls of one method on one connection, each followed by what `then` returns for it."""
    for stream in range(1, 2 * count, 2):
        writer.write(frames.headers(stream, path) + then(stream))
    await writer.drain()


def nothing(_: int) -> bytes:
    return b""


def limit(service: Served, name: str) -> ConcurrencyLimit:
    found: ConcurrencyLimit = getattr(service.server.grpc_server.limits, name)
    return found


async def everything_else_is_answered(service: Served) -> None:
    health = health_pb2_grpc.HealthStub(service.channel)
    await service.decisions.CheckAssumeRole(check(), timeout=20)
    await health.Check(health_pb2.HealthCheckRequest(), timeout=20)
    assert not service.server.health.not_ready()


async def test_a_thousand_silent_streams_refuse_no_check_and_no_stream_of_another_connection(service: Served) -> None:
    async with connection(service) as (_, writer):
        await occupy(writer, 1_000, STREAM, nothing)
        await until(lambda: len(limit(service, "streams").calls) == 1_000)

        await everything_else_is_answered(service)
        stream = service.decisions.StreamCheckAssumeRole()
        await stream.write(pb.StreamCheckAssumeRoleRequest(sequence=7, query=check().query))
        answer = await stream.read()

        assert answer.sequence == 7
        assert len(limit(service, "streams").calls) == 1_001
        stream.cancel()


async def test_a_thousand_idle_uploads_refuse_no_check_and_no_upload_of_another_connection(service: Served) -> None:
    async with connection(service) as (_, writer):
        await occupy(writer, 1_000, APPLY, lambda stream: message_without_end(stream, OPTIONS))
        await until(lambda: service.stats("ApplyRoles").started == 1_000)

        await everything_else_is_answered(service)
        response = await service.roles.ApplyRoles(
            iter([role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions())])
        )

        assert not response.changes
        assert len(limit(service, "uploads").calls) == limit(service, "uploads").limit


async def test_a_thousand_watches_of_health_refuse_no_health_check_no_reflection_and_not_readiness(
    service: Served,
) -> None:
    async with connection(service) as (_, writer):
        await occupy(writer, 1_000, HEALTH_WATCH, lambda stream: frames.message(stream, b""))
        await until(lambda: len(limit(service, "health_watches").calls) == 1_000)

        await everything_else_is_answered(service)
        reflection = reflection_pb2_grpc.ServerReflectionStub(service.channel).ServerReflectionInfo()
        await reflection.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        listed = await reflection.read()
        watching = health_pb2_grpc.HealthStub(service.channel).Watch(health_pb2.HealthCheckRequest())
        watched = await watching.read()

        assert listed.list_services_response.service
        assert watched.status == health_pb2.HealthCheckResponse.SERVING
        reflection.cancel()
        watching.cancel()


@pytest.mark.parametrize("path", [CHECK, WATCH, HEALTH_WATCH])
@pytest.mark.parametrize("then", [nothing, lambda stream: frames.frame(frames.DATA, 0, stream, b"\0\0\0\0\x10half")])
async def test_a_call_whose_message_does_not_come_ends_at_the_servers_limit(
    service: Served, path: bytes, then: Callable[[int], bytes]
) -> None:
    silent = service.server.grpc_server.silent
    async with connection(service) as (reader, writer):
        await occupy(writer, 3, path, then)
        await until(lambda: len(silent) == 3)

        service.server.grpc_server.sweep(time.perf_counter() + 29)
        before = len(silent)
        service.server.grpc_server.sweep(time.perf_counter() + 31)
        await ended(reader, {1, 3, 5})

        assert (before, len(silent), silent.ended) == (3, 0, 3)
        assert not service.calls


async def ended(reader: asyncio.StreamReader, streams: set[int]) -> None:
    """Return when the server has ended the calls with headers that end the stream."""
    while streams:
        head = await asyncio.wait_for(reader.readexactly(9), 20)
        await reader.readexactly(int.from_bytes(head[:3], "big"))
        if head[3] == frames.HEADERS and head[4] & frames.END_STREAM:
            streams.discard(int.from_bytes(head[5:], "big"))


async def test_a_call_that_ends_without_its_message_is_refused(service: Served) -> None:
    method = service.channel.stream_unary(CHECK.decode())

    refusal = await refused(method(iter(())))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MISSING_MESSAGE")


async def test_beside_many_silent_calls_of_many_connections_the_longest_silent_end_and_the_others_are_answered(
    service: Served,
) -> None:
    silent, stats = service.server.grpc_server.silent, service.stats("CheckAssumeRole")
    async with (
        connection(service) as (reader, first),
        connection(service) as (_, second),
        connection(service) as (_, third),
    ):
        await occupy(first, 400, CHECK, nothing)
        await until(lambda: stats.started == 400)
        for writer in (second, third):
            await occupy(writer, 400, CHECK, nothing)
        await until(lambda: stats.started == 1_200)
        for _ in range(20):
            await everything_else_is_answered(service)

        assert len(silent) <= MAX_SILENT
        assert silent.ended >= 200
        await ended(reader, {1, 3, 5})


async def test_a_stream_on_which_nothing_arrives_ends_and_says_how_to_continue() -> None:
    async with served(stream_idle_seconds=40) as service:
        stream, spoken = service.decisions.StreamCheckAssumeRole(), service.decisions.StreamCheckAssumeRole()
        await until(lambda: len(limit(service, "streams").calls) == 2)
        sweep, now = service.server.grpc_server.sweep, time.perf_counter()

        sweep(now + 30)
        await spoken.write(pb.StreamCheckAssumeRoleRequest(sequence=1, query=check().query))
        await spoken.read()
        sweep(now + 71)
        refusal = await refused(stream.read())
        await spoken.write(pb.StreamCheckAssumeRoleRequest(sequence=2, query=check().query))
        answer = await spoken.read()

        assert (refusal.code, refusal.reason, refusal.retry) == (grpc.StatusCode.UNAVAILABLE, "STREAM_IDLE", True)
        assert refusal.facts["limit_seconds"] == "40"
        assert (answer.sequence, service.server.grpc_server.open_streams.ended_idle) == (2, 1)
        spoken.cancel()


async def test_an_upload_on_which_nothing_arrives_ends_and_writes_nothing(service: Served) -> None:
    before = service.server.replica.snapshot.revision
    call = service.roles.ApplyRoles()
    await call.write(role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions()))
    await until(lambda: service.stats("ApplyRoles").messages_in == 1)

    service.server.grpc_server.sweep(time.perf_counter() + 59)
    unchanged = len(service.calls)
    service.server.grpc_server.sweep(time.perf_counter() + 61)
    refusal = await refused(call)

    assert unchanged == 1
    assert (refusal.code, refusal.reason, refusal.retry) == (grpc.StatusCode.UNAVAILABLE, "STREAM_IDLE", True)
    assert "nothing was written" in refusal.message
    assert service.server.replica.snapshot.revision == before


async def test_a_stream_of_reflection_on_which_nothing_arrives_ends(service: Served) -> None:
    stream = reflection_pb2_grpc.ServerReflectionStub(service.channel).ServerReflectionInfo()
    await until(lambda: limit(service, "standard").calls)

    service.server.grpc_server.sweep(time.perf_counter() + 61)
    refusal = await refused(stream.read())

    assert refusal.reason == "STREAM_IDLE"


async def test_silent_calls_watches_of_health_and_reflection_do_not_hold_a_server_that_stops() -> None:
    async with served(drain_grace_seconds=3_600) as service:
        reflection = reflection_pb2_grpc.ServerReflectionStub(service.channel).ServerReflectionInfo()
        watching = health_pb2_grpc.HealthStub(service.channel).Watch(health_pb2.HealthCheckRequest())
        await until(lambda: len(service.calls) == 2)
        await watching.read()
        silent = service.channel.stream_unary(CHECK.decode())()
        await until(lambda: len(service.server.grpc_server.silent) == 1)

        await asyncio.wait_for(service.server.drain(StopSignal()), 60)
        endings = [await refused(silent), await ending_of(watching), await refused(reflection.read())]

        assert [ending.reason for ending in endings] == ["SERVER_STOPPING"] * 3
        assert all(ending.retry for ending in endings)


async def ending_of(watching: Any) -> Refusal:
    """Return with what a watch of health ends, after the statuses that it still reports."""

    async def read_out() -> None:
        while await watching.read() is not grpc.aio.EOF:
            pass

    return await refused(read_out())


def test_a_connection_that_does_not_finish_its_handshake_lasts_ten_seconds() -> None:
    assert HANDSHAKE_SECONDS == 10


# --- two callers with certificates -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder: Path = tmp_path_factory.mktemp("authority")
    return Authority(folder)


def spiffe(name: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(f"spiffe://td/{name}")


def stub_of(channel: Any) -> Any:
    return decision_pb2_grpc.DecisionServiceStub(channel)


def waiting_checks(stub: Any, count: int) -> list[Any]:
    return [stub.CheckAssumeRole(check(consistent=True)) for _ in range(count)]


async def test_a_heavy_caller_has_all_and_a_light_one_is_still_answered_on_its_own_share(authority: Authority) -> None:
    async with (
        authority.served(max_concurrent_rpcs=8) as service,
        authority.client(service, spiffe("heavy")) as first,
        authority.client(service, spiffe("heavy")) as second,
        authority.client(service, spiffe("light")) as third,
    ):
        heavy, more, light = map(stub_of, (first, second, third))
        service.let_catching_up_take(for_ever)
        calls = limit(service, "calls").calls
        waiting = waiting_checks(heavy, 8)
        await until(lambda: len(calls) == 8)

        refusals = [await refused(heavy.CheckAssumeRole(check()))]
        waiting += waiting_checks(more, 4)
        await until(lambda: len(calls) == 12)
        refusals.append(await refused(more.CheckAssumeRole(check())))
        await light.CheckAssumeRole(check())
        waiting += waiting_checks(light, 4)
        await until(lambda: len(calls) == 16)
        refusals.append(await refused(light.CheckAssumeRole(check())))

        assert [refusal.reason for refusal in refusals] == ["TOO_MANY_CALLS"] * 3
        assert [said(refusal) for refusal in refusals] == [("8", "8", True), ("8", "8", True), ("8", "4", True)]
        for call in waiting:
            call.cancel()
        await until(lambda: not calls)
        assert not limit(service, "calls").counting


def said(refusal: Refusal) -> tuple[str, str, bool]:
    return refusal.facts["limit"], refusal.facts["share"], refusal.retry


async def test_a_stream_of_a_light_caller_is_admitted_beside_a_heavy_one_that_has_all_streams(
    authority: Authority,
) -> None:
    async with (
        authority.served(max_streams=4) as service,
        authority.client(service, spiffe("heavy")) as first,
        authority.client(service, spiffe("light")) as second,
    ):
        heavy, light = map(stub_of, (first, second))
        streams = [heavy.StreamCheckAssumeRole() for _ in range(4)]
        await until(lambda: len(limit(service, "streams").calls) == 4)

        refusal = await refused(heavy.StreamCheckAssumeRole().read())
        stream = light.StreamCheckAssumeRole()
        await stream.write(pb.StreamCheckAssumeRoleRequest(sequence=1, query=check().query))
        answer = await stream.read()

        assert (refusal.code, refusal.facts["of"]) == (EXHAUSTED, "streams")
        assert answer.sequence == 1
        for open_stream in (*streams, stream):
            open_stream.cancel()
