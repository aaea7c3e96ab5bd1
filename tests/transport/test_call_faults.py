"""Calls that are malformed, too large, too many, too slow, or hostile: rows 40 to 50 of the table of faults."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any
from unittest.mock import patch

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
async def test_row_40_bytes_that_are_no_message_are_an_invalid_argument(service: Served, data: bytes) -> None:
    refusal = await refused(service.channel.unary_unary(CHECK)(data))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert await healthy(service)


async def test_row_40_a_path_that_is_no_text_does_not_end_the_service(service: Served) -> None:
    _, writer = await frames.connect(service.server.bound.address)

    writer.write(frames.headers(1, b"/\xff\xfe/\xff") + frames.message(1, b""))
    await writer.drain()
    await until(lambda: service.server.server.revivals)

    stub = health_pb2_grpc.HealthStub(service.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    writer.close()


async def test_row_41_a_message_over_the_limit_is_refused() -> None:
    async with served(max_message_bytes=65_536) as service:
        request = check()
        request.query.context["k"].values.append("x" * 70_000)

        refusal = await refused(service.decisions.CheckAssumeRole(request))

        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "65536" in refusal.message


async def test_row_41_metadata_over_the_limit_is_refused(service: Served) -> None:
    refusal = await refused(service.decisions.CheckAssumeRole(check(), metadata=[("k", "x" * 20_000)]))

    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_row_42_the_limit_counts_what_a_compressed_message_holds() -> None:
    async with served(max_message_bytes=65_536) as service:
        request = check()
        request.query.context["k"].values.append("x" * 1_000_000)

        refusal = await refused(service.decisions.CheckAssumeRole(request, compression=grpc.Compression.Gzip))

        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_row_43_unknown_methods_are_counted_under_one_name(service: Served) -> None:
    for name in ("/a.B/C", "/rolecall.v1.RoleService/Nope", "/x/y"):
        refusal = await refused(service.channel.unary_unary(name)(b""))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD")

    stats = service.stats("unknown")
    assert stats.started == stats.handled[grpc.StatusCode.UNIMPLEMENTED.value[0]] == 3


async def test_row_44_nothing_is_told_of_an_error_that_nobody_foresaw(service: Served) -> None:
    with patch.object(service.server.replica.point, "check", side_effect=RuntimeError("canary-of-an-error")):
        refusal = await refused(service.decisions.CheckAssumeRole(check(), metadata=[("x-request-id", "call-7")]))

    assert (refusal.code, refusal.message) == (grpc.StatusCode.INTERNAL, "internal error")
    assert refusal.facts == {"request_id": "call-7"}
    assert "canary-of-an-error" in service.log.getvalue()
    assert service.log.getvalue().count("call-7") == 1


@pytest.mark.parametrize("given", ["x" * 129, ""])
async def test_a_request_id_that_cannot_be_repeated_is_replaced(service: Served, given: str) -> None:
    refusal = await refused(service.decisions.CheckAssumeRole(check(principal="?"), metadata=[("x-request-id", given)]))

    assert len(refusal.facts["request_id"]) == 32


async def test_two_request_ids_are_none(service: Served) -> None:
    ids = [("x-request-id", "one"), ("x-request-id", "two")]

    refusal = await refused(service.decisions.CheckAssumeRole(check(principal="?"), metadata=ids))

    assert refusal.facts["request_id"] not in ("one", "two")


async def test_row_45_a_call_without_deadline_meets_that_of_the_server() -> None:
    async with served(max_deadline_seconds=0.3) as service:
        service.let_catching_up_take(for_ever)

        refusal = await refused(service.decisions.CheckAssumeRole(check(consistent=True)))

        assert (refusal.code, refusal.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "SERVER_LIMIT")
        assert refusal.facts["limit_seconds"] == "0.3"
        assert not service.calls


async def test_row_45_a_callers_own_deadline_counts_as_such(service: Served) -> None:
    service.let_catching_up_take(for_ever)

    refusal = await refused(service.decisions.CheckAssumeRole(check(consistent=True), timeout=0.2))

    stats = service.stats("CheckAssumeRole")
    await until(lambda: any(stats.handled))
    assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert stats.handled[grpc.StatusCode.DEADLINE_EXCEEDED.value[0]] == 1


async def test_a_cancelled_call_counts_as_such(service: Served) -> None:
    service.let_catching_up_take(for_ever)
    stats = service.stats("CheckAssumeRole")

    call = service.decisions.CheckAssumeRole(check(consistent=True))
    await until(lambda: stats.started)
    call.cancel()
    await until(lambda: any(stats.handled))

    assert stats.handled[grpc.StatusCode.CANCELLED.value[0]] == 1
    assert not service.calls


async def test_row_48_too_many_calls_are_refused_at_once_and_health_answers() -> None:
    async with served(max_concurrent_rpcs=3) as service:
        service.let_catching_up_take(for_ever)
        waiting = [service.decisions.CheckAssumeRole(check(consistent=True)) for _ in range(3)]
        await until(lambda: len(service.calls) == 3)

        refusal = await refused(service.decisions.CheckAssumeRole(check()))

        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")
        assert (refusal.facts["limit"], refusal.retry) == ("3", True)
        assert await healthy(service)
        for call in waiting:
            call.cancel()


async def test_row_48_thousands_at_once_are_answered_or_told_that_there_are_too_many(service: Served) -> None:
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


async def test_row_49_calls_that_are_reset_at_once_leave_nothing_behind(service: Served) -> None:
    _, writer = await frames.connect(service.server.bound.address)

    for stream in range(1, 4_001, 2):
        reset = frames.frame(frames.RST_STREAM, 0, stream, (8).to_bytes(4, "big"))
        writer.write(frames.headers(stream, CHECK.encode()) + reset)
    await writer.drain()

    assert await healthy(service)
    assert not service.calls
    writer.close()


async def test_row_49_a_flood_of_pings_ends_its_connection_only(service: Served) -> None:
    reader, writer = await frames.connect(service.server.bound.address)

    writer.write(frames.frame(frames.PING, 0, 0, b"12345678") * 20)
    await writer.drain()
    told = await asyncio.wait_for(reader.read(-1), timeout=20)

    assert b"too_many_pings" in told
    assert await healthy(service)
    writer.close()


async def test_row_50_a_batch_has_at_least_one_query_and_at_most_the_limit() -> None:
    async with served(max_batch=2) as service:
        for count in (0, 3):
            request = pb.BatchCheckAssumeRoleRequest(queries=[check().query] * count)

            refusal = await refused(service.decisions.BatchCheckAssumeRole(request))

            assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BATCH_SIZE")
            assert refusal.facts["limit"] == "2"


async def test_row_50_a_malformed_query_gets_its_own_error_and_the_others_answers(service: Served) -> None:
    await service.create()
    request = pb.BatchCheckAssumeRoleRequest(queries=[check().query, check(principal="?").query, check().query])

    response = await service.decisions.BatchCheckAssumeRole(request)

    assert [result.WhichOneof("result") for result in response.results] == ["decision", "error", "decision"]
    assert response.results[1].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
