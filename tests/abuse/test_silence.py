"""Clients that send nothing, or only parts of what they began, or accept nothing: bounded in time, number and bytes."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import grpc
import pytest

from rolecall.transport.connection_counts import ConnectionClosure, ConnectionRefusal
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.request_memory import RequestMemoryLimits
from rolecall.transport.rpc.silent_calls import MAX_SILENT
from rolecall_client.v1 import decision_pb2_grpc, role_pb2
from tests.abuse.attacker import Attacker, answered, attacker, bystander, wire
from tests.abuse.attacks import CHECK, NO_WINDOW, WIDE_CONNECTION, WIDE_WINDOW, call, calls_without_a_message
from tests.server.serving import Served, check, served, until
from tests.transport import frames
from tests.transport.refusals import refused

pytestmark = pytest.mark.long

OPTIONS = ConnectionOptions()
APPLY = b"/rolecall.v1.RoleService/ApplyRoles"


def sweep(service: Served, later: float) -> None:
    """Keep the time limits of connections as if so many seconds had passed."""
    now = asyncio.get_running_loop().time()
    for connection in list(wire(service).connections):
        connection.tick(now + later)


async def test_sixty_thousand_calls_without_a_message_are_as_few_as_one_connection_may_have(service: Served) -> None:
    async with bystander(service), AsyncExitStack() as stack:
        attackers = [await stack.enter_async_context(attacker(service)) for _ in range(60)]
        for one in attackers:
            await one.send(calls_without_a_message())
            service.server.grpc_server.wire.tick()
            await asyncio.sleep(0)

            assert len(service.server.grpc_server.silent) <= MAX_SILENT
            await until(lambda: open_calls(service) <= MAX_SILENT + RequestMemoryLimits().early_calls + 1)
        await until(lambda: wire(service).connection_counts.memory_ended > 55_000)
        assert wire(service).memory.header_bytes <= MAX_SILENT * 600


def open_calls(service: Served) -> int:
    return sum(len(connection.calls) for connection in wire(service).connections)


async def test_a_check_whose_message_comes_in_a_later_read_is_answered(service: Served) -> None:
    async with attacker(service) as one:
        await one.send([frames.headers(1, CHECK)])
        await until(lambda: any(connection.calls for connection in wire(service).connections))
        early = service.server.grpc_server.silent.waiting
        assert not early  # it has no task yet
        await one.send([call(1)[len(frames.headers(1, CHECK)) :]])

        assert await answered(one, 1)


async def test_a_preface_that_does_not_come_ends_the_connection(service: Served) -> None:
    host, _, port = service.server.bound.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for byte in frames.PREFACE[:10]:
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    await until(lambda: len(wire(service).connections) == 2)

    sweep(service, OPTIONS.handshake - 1)
    open_still = len(wire(service).connections)
    sweep(service, OPTIONS.handshake + 0.1)

    assert open_still == 2
    await until(lambda: len(wire(service).connections) == 1)
    with suppress(ConnectionError):
        await reader.read(-1)
    writer.close()


async def test_headers_that_come_byte_by_byte_do_not_keep_a_connection_alive(service: Served) -> None:
    async with bystander(service), attacker(service) as one:
        block = frames.headers(1, CHECK)
        await acknowledged_settings(one)
        await one.send([block[:20]])
        await until(lambda: len(wire(service).memory._partial) == 1)
        (slow,) = wire(service).memory._partial
        since = slow.keepalive.last_data

        await one.send(bytes([byte]) for byte in block[20:60])
        await until(lambda: slow.session.receive(b"") == [])

        assert slow.keepalive.last_data == since
        slow.tick(since + OPTIONS.keepalive)
        slow.tick(since + OPTIONS.keepalive + OPTIONS.keepalive_timeout)
        await until(lambda: slow not in wire(service).connections)
        assert not wire(service).memory._partial


async def test_only_so_many_connections_may_have_an_incomplete_frame(service: Served) -> None:
    wire(service).memory.limits = RequestMemoryLimits(partial_frames=3)
    async with bystander(service), AsyncExitStack() as stack:
        attackers = [await stack.enter_async_context(attacker(service)) for _ in range(5)]
        for one in attackers:
            await acknowledged_settings(one)
            await one.send([frames.headers(1, CHECK)[:20]])
            await asyncio.sleep(0.02)

        for one in attackers[:2]:
            await one.ending()

        assert len(wire(service).memory._partial) == 3
        assert wire(service).connection_counts.closed[ConnectionClosure.PARTIAL_FRAME] == 2


# --- half messages ---


async def test_half_messages_of_many_connections_take_bounded_memory_and_the_oldest_is_ended(service: Served) -> None:
    wire(service).memory.limits = RequestMemoryLimits(message_bytes=300_000)
    half = b"\0" + (4_000_000).to_bytes(4, "big") + b"x" * 16_000
    async with bystander(service), AsyncExitStack() as stack:
        attackers = [await stack.enter_async_context(attacker(service)) for _ in range(10)]
        for one in attackers:
            for stream in (1, 3, 5):
                await one.send([frames.headers(stream, APPLY) + frames.frame(frames.DATA, 0, stream, half)])
                await asyncio.sleep(0.01)

        await until(lambda: wire(service).connection_counts.memory_ended == 30 - 300_000 // len(half))

        assert wire(service).memory.message_bytes <= 300_000
        assert await ended_with(attackers[0], 1) == b"8"


async def ended_with(one: Attacker, stream: int) -> bytes:
    """Return the status of a call."""
    while received := await one.frames.next():
        if received[0] == frames.HEADERS and received[2] == stream:
            return received[3].partition(b"grpc-status")[2][1:2] or b"8"
    return b""


async def test_a_caller_that_is_ended_for_the_memory_of_all_gets_a_reason_and_may_retry(service: Served) -> None:
    wire(service).memory.limits = RequestMemoryLimits(message_bytes=1_000)
    upload = service.roles.ApplyRoles()
    await upload.write(role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions()))
    async with attacker(service) as one:
        await until(lambda: service.stats("ApplyRoles").messages_in)
        oversized = role_pb2.ApplyRolesRequest()
        oversized.roles.roles.add().assume_role_policy_document = "x" * 60_000

        with_reason = await refused(_written(upload, oversized))
        await one.send([call(1)])

        assert (with_reason.code, with_reason.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "REQUEST_MEMORY")
        assert (with_reason.facts["of"], with_reason.facts["limit"], with_reason.retry) == ("messages", "1000", True)
        assert await answered(one, 1)
        assert wire(service).memory.message_bytes == 0


async def _written(upload: object, message: object) -> None:
    await upload.write(message)  # type: ignore[attr-defined]
    await upload  # type: ignore[misc]


async def test_headers_beyond_the_bound_of_all_calls_are_refused_and_small_ones_never(service: Served) -> None:
    wire(service).memory.limits = RequestMemoryLimits(header_bytes=20_000)
    metadata = [("padding", "x" * 9_000)]
    streams = [service.decisions.StreamCheckAssumeRole(metadata=metadata) for _ in range(2)]
    await until(lambda: wire(service).memory.header_bytes > 18_000)

    refusal = await refused(service.decisions.StreamCheckAssumeRole(metadata=metadata).read())
    await service.decisions.CheckAssumeRole(check())

    assert (refusal.reason, refusal.facts["of"], refusal.retry) == ("REQUEST_MEMORY", "headers", True)
    for stream in streams:
        stream.cancel()
    await until(lambda: wire(service).memory.header_bytes == 0)


# --- clients that accept nothing ---


async def test_answers_that_a_client_does_not_accept_are_bounded_and_its_next_calls_refused(service: Served) -> None:
    wire(service).options = replace(OPTIONS, max_queued_bytes=2_000)
    async with bystander(service), attacker(service, NO_WINDOW) as one:
        for connection in wire(service).connections:
            connection.options = wire(service).options
        await one.send(call(stream) for stream in range(1, 1_001, 2))

        refused_stream = await first(one, frames.RST_STREAM)

        assert int.from_bytes(refused_stream, "big") == 0x7
        assert max(connection.queued_bytes for connection in wire(service).connections) <= 3_000


async def first(one: Attacker, kind: int) -> bytes:
    while received := await one.frames.next():
        if received[0] == kind:
            return received[3]
    return b""


async def test_a_client_that_never_reads_stops_being_read(service: Served) -> None:
    async with bystander(service), attacker(service, WIDE_WINDOW) as one:
        await until(lambda: len(wire(service).connections) == 3)  # with those of the bystander and of the fixture
        buffer_little(service, one)
        await one.send([WIDE_CONNECTION])
        one.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sending = asyncio.create_task(one.send(call(stream) for stream in range(1, 200_001, 2)))

        await until(lambda: any(connection.outgoing.paused for connection in wire(service).connections))

        assert service.stats("CheckAssumeRole").handled[0] < 10_000
        assert max(connection.queued_bytes for connection in wire(service).connections) <= OPTIONS.max_queued_bytes
        sending.cancel()


def buffer_little(service: Served, one: Attacker) -> None:
    """Keep the kernel, whose buffers grow, from accepting the answers to thousands of calls for a client that does not."""
    one.writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    for connection in wire(service).connections:
        sending = connection._transport.get_extra_info("socket")
        sending.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)


async def test_answers_that_all_clients_do_not_accept_close_the_connection_that_has_most(service: Served) -> None:
    wire(service).options = replace(OPTIONS, max_all_queued_bytes=10_000)
    async with bystander(service), AsyncExitStack() as stack:
        attackers = [await stack.enter_async_context(attacker(service, NO_WINDOW)) for _ in range(3)]
        for number, one in enumerate(attackers, start=1):
            await one.send(call(stream) for stream in range(1, 80 * number, 2))
        await until(lambda: sum(one.queued_bytes for one in wire(service).connections) > 10_000)

        wire(service).tick()

        await attackers[2].ending()
        assert sum(one.queued_bytes for one in wire(service).connections) <= 10_000


# --- the number of connections ---


async def test_a_full_server_closes_the_connection_that_is_idle_longest_and_none_with_calls() -> None:
    async with served(transport="h2", max_connections=3) as service, AsyncExitStack() as stack:
        busy = decision_pb2_grpc.DecisionServiceStub(service.channel).StreamCheckAssumeRole()
        await until(lambda: service.calls)
        idle = []
        for _ in range(2):
            idle.append(await stack.enter_async_context(attacker(service)))
            await acknowledged_settings(idle[-1])

        newcomer = await stack.enter_async_context(attacker(service))
        await newcomer.send([call(1)])

        assert await answered(newcomer, 1)
        assert await idle[0].ending() is None
        closed = wire(service).connection_counts.closed
        assert (len(wire(service).connections), closed[ConnectionClosure.ROOM]) == (3, 1)
        busy.cancel()


async def acknowledged_settings(one: Attacker) -> None:
    while received := await one.frames.next():
        if received[:2] == (frames.SETTINGS, frames.ACK):
            break


async def test_a_server_full_of_busy_connections_refuses_the_newcomer() -> None:
    async with served(transport="h2", max_connections=1) as service:
        busy = decision_pb2_grpc.DecisionServiceStub(service.channel).StreamCheckAssumeRole()
        await until(lambda: service.calls)

        async with attacker(service) as newcomer:
            await newcomer.ending()

        assert (len(service.calls), wire(service).connection_counts.refused[ConnectionRefusal.FULL]) == (1, 1)
        busy.cancel()
