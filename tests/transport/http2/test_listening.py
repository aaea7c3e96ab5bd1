"""Where the HTTP/2 transport listens, and how it stops."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rolecall.server.shutdown import StopSignal
from rolecall.transport.endpoint import AddressError, Endpoint
from rolecall.transport.http2.methods import Methods
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.server import Http2Server
from rolecall_client.v1 import decision_pb2_grpc
from tests.server.serving import Served, check, served, until
from tests.transport import frames


class Echo:
    """Answers every call with what it came with."""

    def __init__(self) -> None:
        async def run(messages: Any, _: object) -> bytes:
            return bytes(await anext(messages))

        self._handler: Any = grpc.stream_unary_rpc_method_handler(run)

    def find(self, _: str) -> Any:
        return self._handler


def echo_server() -> Http2Server:
    return Http2Server(Methods(Echo().find, {}), ConnectionOptions())


async def echoed(address: str) -> bytes:
    async with grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary("/echo/Echo")
        return bytes(await call(b"hello", timeout=30))


@pytest.mark.parametrize(("host", "written"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
async def test_it_listens_on_addresses_of_both_families(host: str, written: str) -> None:
    server = echo_server()
    port = server.bind(Endpoint(f"{written}:0", host), None)
    await server.start()

    assert await echoed(f"{written}:{port}") == b"hello"
    await server.stop(0)


async def test_it_listens_on_a_unix_socket_and_removes_its_file_when_it_stops(tmp_path: Path) -> None:
    path, server = tmp_path / "rolecall.sock", echo_server()
    server.bind(Endpoint(f"unix:{path}"), None)
    await server.start()

    assert await echoed(f"unix:{path}") == b"hello"
    await server.stop(0)

    assert not path.exists()


async def test_the_file_of_a_killed_server_is_replaced_and_that_of_a_live_one_is_not(tmp_path: Path) -> None:
    path, server, second = tmp_path / "rolecall.sock", echo_server(), echo_server()
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))

    server.bind(Endpoint(f"unix:{path}"), None)
    await server.start()
    with pytest.raises(AddressError, match="address already in use"):
        second.bind(Endpoint(f"unix:{path}"), None)

    assert await echoed(f"unix:{path}") == b"hello"
    await server.stop(0)
    await second.stop(0)


async def test_the_file_of_another_server_stays(tmp_path: Path) -> None:
    path, server = tmp_path / "rolecall.sock", echo_server()
    server.bind(Endpoint(f"unix:{path}"), None)
    path.unlink()
    path.write_text("not its own")

    await server.stop(0)

    assert path.exists()


async def test_a_file_that_is_no_socket_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "rolecall.sock"
    path.write_text("valuable")

    with pytest.raises(AddressError):
        echo_server().bind(Endpoint(f"unix:{path}"), None)

    assert path.read_text() == "valuable"


async def test_a_server_that_never_started_frees_its_port() -> None:
    server, second = echo_server(), echo_server()
    port = server.bind(Endpoint("127.0.0.1:0", "127.0.0.1"), None)

    await server.stop(0)

    assert second.bind(Endpoint(f"127.0.0.1:{port}", "127.0.0.1", port), None) == port
    await second.stop(0)


# --- the end ---


async def test_idle_connections_that_acknowledge_nothing_do_not_hold_a_stop() -> None:
    async with served(transport="h2", drain_grace_seconds=3_600) as service:
        idle = [await frames.connect(service.server.bound.address) for _ in range(20)]
        wire: Any = service.server.grpc_server.wire
        await until(lambda: len(wire.connections) >= 20)

        async with asyncio.timeout(30):
            await service.server.drain(StopSignal())

        assert not wire.connections
        for _, writer in idle:
            writer.close()


async def test_a_watch_of_health_and_a_call_without_a_message_do_not_hold_a_stop() -> None:
    async with served(transport="h2", drain_grace_seconds=3_600) as service:
        watching = health_pb2_grpc.HealthStub(service.channel).Watch(health_pb2.HealthCheckRequest())
        await watching.read()
        _, writer = await frames.connect(service.server.bound.address)
        writer.write(frames.headers(1, b"/rolecall.v1.DecisionService/CheckAssumeRole"))
        wire: Any = service.server.grpc_server.wire
        await until(lambda: sum(len(one.calls) for one in wire.connections) == 2)

        async with asyncio.timeout(30):
            await service.server.drain(StopSignal())

        assert not wire.connections
        writer.close()


async def test_a_caller_that_keeps_asking_sees_no_error_while_one_of_two_servers_drains() -> None:
    async with served(transport="h2") as first, served(transport="h2") as second:
        await first.create()
        await second.create()
        async with AsyncExitStack() as stack:
            stubs = [await stack.enter_async_context(_both(first, second)) for _ in range(4)]
            asking = [asyncio.create_task(_ask(stub)) for stub in stubs]
            await until(lambda: first.stats("CheckAssumeRole").handled[0] > 50)
            before = second.stats("CheckAssumeRole").handled[0]

            await first.server.drain(StopSignal())
            await until(lambda: second.stats("CheckAssumeRole").handled[0] > before + 200)

            assert [task.exception() for task in asking if task.done()] == []
            for task in asking:
                task.cancel()


def _both(first: Served, second: Served) -> Any:
    addresses = ",".join(service.server.bound.address for service in (first, second))
    options = [("grpc.lb_policy_name", "round_robin"), ("grpc.use_local_subchannel_pool", 1)]
    return grpc.aio.insecure_channel(f"ipv4:{addresses}", options=options)


async def _ask(channel: Any) -> None:
    stub = decision_pb2_grpc.DecisionServiceStub(channel)
    while True:
        await stub.CheckAssumeRole(check(), timeout=30)
