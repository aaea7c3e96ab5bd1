"""What is counted of the calls of each method."""

from __future__ import annotations

import grpc
import pytest

from rolecall.transport.rpc.stats import MethodStats
from rolecall_client.v1 import decision_pb2 as pb
from tests.server.serving import Served, check, until
from tests.transport.refusals import refused

BOUNDS = (0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""What the recorded histograms of other versions have, too: dashboards add them up by these numbers."""

SHAPES = [(False, False), (True, False), (False, True), (True, True)]


def stats(request_streaming: bool, response_streaming: bool) -> MethodStats:
    return MethodStats("a.B", "C", request_streaming=request_streaming, response_streaming=response_streaming)


@pytest.mark.parametrize(
    ("shape", "kind"), list(zip(SHAPES, ["unary", "client_stream", "server_stream", "bidi_stream"], strict=True))
)
def test_a_method_has_a_name_and_a_kind(shape: tuple[bool, bool], kind: str) -> None:
    counted = stats(*shape)

    assert (counted.name, counted.kind) == ("/a.B/C", kind)


@pytest.mark.parametrize("shape", SHAPES)
def test_messages_are_counted_where_they_are_streamed_and_calls_where_not(shape: tuple[bool, bool]) -> None:
    counted = stats(*shape)
    counted.started, counted.messages_in, counted.messages_out = 5, 20, 30
    counted.handle(0, 0.1)
    counted.handle(0, 0.1)
    counted.handle(3, 0.1)

    assert counted.received == (20 if shape[0] else 5)
    assert counted.sent == (30 if shape[1] else 2)


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [
        (0.0, 0),
        *((bound, number) for number, bound in enumerate(BOUNDS)),
        *((bound * 1.001, number + 1) for number, bound in enumerate(BOUNDS)),
        (60.0, 11),
    ],
)
def test_an_ended_call_is_counted_by_its_code_and_its_latency(seconds: float, bucket: int) -> None:
    counted = stats(False, False)

    counted.handle(16, seconds)

    assert (counted.handled[16], sum(counted.handled)) == (1, 1)
    assert (counted.buckets[bucket], sum(counted.buckets)) == (1, 1)
    assert (counted.seconds, len(counted.buckets), len(counted.handled)) == (seconds, 12, len(grpc.StatusCode))


async def test_calls_are_counted_by_code_and_latency(service: Served) -> None:
    await service.decisions.CheckAssumeRole(check())
    await refused(service.decisions.CheckAssumeRole(check(principal="?")))

    counted = service.stats("CheckAssumeRole")
    assert (counted.started, counted.handled[0], counted.handled[3]) == (2, 1, 1)
    assert (counted.received, counted.sent, sum(counted.buckets)) == (2, 1, 2)
    assert 0 < counted.seconds < 60


async def test_a_stream_is_one_call_with_many_messages(service: Served) -> None:
    stream = service.decisions.StreamCheckAssumeRole()
    for number in range(3):
        await stream.write(pb.StreamCheckAssumeRoleRequest(sequence=number, query=check().query))
        await stream.read()
    await stream.done_writing()
    await stream.code()

    counted = service.stats("StreamCheckAssumeRole")
    await until(lambda: any(counted.handled))
    assert (counted.started, counted.handled[0], sum(counted.handled)) == (1, 1, 1)
    assert (counted.received, counted.sent) == (3, 3)
    assert counted.seconds > 0


async def test_every_method_of_the_contract_is_counted_once(service: Served) -> None:
    names = [counted.name for counted in service.server.grpc_server.methods.method_stats]

    assert len(names) == len(set(names))
    assert {"/unknown/unknown", "/grpc.health.v1.Health/Watch", "/rolecall.v1.WatchService/WatchRoles"} <= set(names)
    assert next(
        counted.kind for counted in service.server.grpc_server.methods.method_stats if counted.method == "ApplyRoles"
    ) == ("client_stream")


async def test_a_call_that_is_refused_is_counted_as_started_and_ended(service: Served) -> None:
    refusal = await refused(service.channel.unary_unary("/rolecall.v1.RoleService/CreateRole")(b"\xff"))

    counted = service.stats("CreateRole")
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (counted.started, counted.handled[3]) == (1, 1)
