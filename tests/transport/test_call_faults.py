"""Calls that are malformed, too large, too many, too slow, or hostile. The numbers are rows of the table of faults."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc
from tests.server.serving import Served, check, for_ever, served, until
from tests.transport import frames
from tests.transport.refusals import refused

CHECK = "/rolecall.v1.DecisionService/CheckAssumeRole"


async def healthy(service: Served) -> bool:
    answer = await health_pb2_grpc.HealthStub(service.channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x04\x0a\x02\xff\xfe"])
async def test_malformed_bytes_are_an_invalid_argument(service: Served, data: bytes) -> None:
    # Row 40.
    refusal = await refused(service.channel.unary_unary(CHECK)(data))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert await healthy(service)


async def test_a_path_that_is_not_utf8_does_not_end_the_service(grpcio_service: Served) -> None:
    # Row 40.
    service = grpcio_service
    _, writer = await frames.connect(service.server.bound.address)

    writer.write(frames.headers(1, b"/\xff\xfe/\xff") + frames.message(1, b""))
    await writer.drain()
    await until(lambda: service.server.grpc_server.revivals)

    stub = health_pb2_grpc.HealthStub(service.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    writer.close()


async def test_a_message_over_the_limit_is_refused() -> None:
    # Row 41.
    async with served(max_message_bytes=65_536) as service:
        request = check()
        request.query.context["k"].values.append("x" * 70_000)

        refusal = await refused(service.decisions.CheckAssumeRole(request))

        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "65536" in refusal.message


async def test_metadata_over_the_limit_is_refused(service: Served) -> None:
    # Row 41.
    refusal = await refused(service.decisions.CheckAssumeRole(check(), metadata=[("k", "x" * 20_000)]))

    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_the_limit_counts_the_uncompressed_size_of_a_message() -> None:
    # Row 42.
    async with served(max_message_bytes=65_536) as service:
        request = check()
        request.query.context["k"].values.append("x" * 1_000_000)

        refusal = await refused(service.decisions.CheckAssumeRole(request, compression=grpc.Compression.Gzip))

        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_unknown_methods_are_counted_under_one_name(service: Served) -> None:
    # Row 43.
    for name in ("/a.B/C", "/rolecall.v1.RoleService/Nope", "/x/y"):
        refusal = await refused(service.channel.unary_unary(name)(b""))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD")

    stats = service.stats("unknown")
    assert stats.started == stats.handled[grpc.StatusCode.UNIMPLEMENTED.value[0]] == 3


async def test_a_call_without_a_deadline_has_that_of_the_server() -> None:
    # Row 45.
    async with served(max_deadline_seconds=0.3) as service:
        service.let_catching_up_take(for_ever)

        refusal = await refused(service.decisions.CheckAssumeRole(check(consistent=True)))

        assert (refusal.code, refusal.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "SERVER_LIMIT")
        assert refusal.facts["limit_seconds"] == "0.3"
        assert not service.calls


async def test_the_deadline_of_the_caller_is_counted_as_exceeded(service: Served) -> None:
    # Row 45.
    service.let_catching_up_take(for_ever)

    refusal = await refused(service.decisions.CheckAssumeRole(check(consistent=True), timeout=0.2))

    stats = service.stats("CheckAssumeRole")
    await until(lambda: any(stats.handled))
    assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert stats.handled[grpc.StatusCode.DEADLINE_EXCEEDED.value[0]] == 1


async def test_a_cancelled_call_is_counted_as_cancelled(service: Served) -> None:
    service.let_catching_up_take(for_ever)
    stats = service.stats("CheckAssumeRole")

    call = service.decisions.CheckAssumeRole(check(consistent=True))
    await until(lambda: stats.started)
    call.cancel()
    await until(lambda: any(stats.handled))

    assert stats.handled[grpc.StatusCode.CANCELLED.value[0]] == 1
    assert not service.calls


async def test_too_many_calls_are_refused_and_health_still_answers() -> None:
    # Row 48.
    async with served(max_concurrent_rpcs=3) as service:
        service.let_catching_up_take(for_ever)
        waiting = [service.decisions.CheckAssumeRole(check(consistent=True)) for _ in range(3)]
        await until(lambda: len(service.calls) == 3)

        refusal = await refused(service.decisions.CheckAssumeRole(check()))

        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")
        assert (refusal.facts["limit"], refusal.retry) == ("3", True)
        assert refusal.message == "too many concurrent calls (limit 3); retry later"
        assert await healthy(service)
        for call in waiting:
            call.cancel()


async def test_thousands_of_calls_at_once_are_answered_or_refused_as_too_many(service: Served) -> None:
    # Row 48.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(service.server.bound.address, options=options))
            for _ in range(6)
        ]
        stubs = [decision_pb2_grpc.DecisionServiceStub(channel) for channel in channels]
        for stub in stubs:  # connects
            assert await code_of(stub.CheckAssumeRole(check())) is grpc.StatusCode.OK

        codes = Counter(await asyncio.gather(*(code_of(stubs[n % 6].CheckAssumeRole(check())) for n in range(4_000))))

    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert codes[grpc.StatusCode.OK] > 0
    assert await healthy(service)


async def code_of(call: Any) -> grpc.StatusCode:
    code: grpc.StatusCode = await call.code()
    return code


async def test_calls_that_are_reset_at_once_leave_nothing_behind(service: Served) -> None:
    # Row 49.
    _, writer = await frames.connect(service.server.bound.address)

    for stream in range(1, 4_001, 2):
        reset = frames.frame(frames.RST_STREAM, 0, stream, (8).to_bytes(4, "big"))
        writer.write(frames.headers(stream, CHECK.encode()) + reset)
    await writer.drain()

    assert await healthy(service)
    assert not service.calls
    writer.close()


async def test_a_flood_of_pings_ends_only_its_connection(service: Served) -> None:
    # Row 49.
    reader, writer = await frames.connect(service.server.bound.address)

    writer.write(frames.frame(frames.PING, 0, 0, b"12345678") * 20)
    await writer.drain()
    received = await asyncio.wait_for(reader.read(-1), timeout=20)

    assert b"too_many_pings" in received
    assert await healthy(service)
    writer.close()


async def test_a_batch_has_at_least_one_query_and_at_most_the_limit() -> None:
    # Row 50.
    async with served(max_batch=2) as service:
        for count in (0, 3):
            request = pb.BatchCheckAssumeRoleRequest(queries=[check().query] * count)

            refusal = await refused(service.decisions.BatchCheckAssumeRole(request))

            assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BATCH_SIZE")
            assert refusal.facts["limit"] == "2"


async def test_a_malformed_query_of_a_batch_gets_its_own_error_and_the_others_are_answered(service: Served) -> None:
    # Row 50.
    await service.create()
    request = pb.BatchCheckAssumeRoleRequest(queries=[check().query, check(principal="?").query, check().query])

    response = await service.decisions.BatchCheckAssumeRole(request)

    assert [result.WhichOneof("result") for result in response.results] == ["decision", "error", "decision"]
    assert response.results[1].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
