"""One connection of the ops port from its start to its end, with a reader and a writer that note what is done with them."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rolecall.observability import ops
from rolecall.observability.ops import OpsServer
from tests.observability.test_ops import ask, ended, registry

HEAD = b"GET /livez HTTP/1.1\r\n\r\n"


class Connection:
    """Both ends of a connection: gives the request, and notes what happens to it in order."""

    def __init__(self, request: Callable[[], Awaitable[bytes]]) -> None:
        self.request, self.transport, self.happened = request, self, list[object]()

    async def readuntil(self, separator: bytes) -> bytes:
        self.happened.append(separator)
        return await self.request()

    def set_write_buffer_limits(self, high: int | None = None) -> None:
        self.happened.append(high)

    def write(self, data: bytes) -> None:
        self.happened.append(data.partition(b"\r\n")[0])

    async def drain(self) -> None:
        self.happened.append("drain")

    def abort(self) -> None:
        self.happened.append("abort")

    def close(self) -> None:
        self.happened.append("close")


def serving() -> Any:
    return OpsServer(registry, not_live=list, not_ready=list)


async def test_an_answer_has_been_sent_when_the_system_has_all_of_it_and_nothing_is_remembered_of_its_connection() -> (
    None
):
    server, during = serving(), list[tuple[int, int]]()

    async def request() -> bytes:
        during.append((len(server._silent), len(server._answering)))
        return HEAD

    connection = Connection(request)
    await server._serve(connection, connection)

    assert connection.happened == [0, b"\r\n\r\n", b"HTTP/1.1 200 OK", "drain", "close"]
    assert (during, server._silent, server._answering) == ([(1, 0)], {}, {})


@pytest.mark.parametrize(
    "error",
    [
        asyncio.IncompleteReadError(b"GET", None),
        asyncio.LimitOverrunError("too large", 0),
        TimeoutError(),
        ConnectionError(),
    ],
)
async def test_a_connection_without_a_request_is_closed_at_once_and_nothing_is_remembered_of_it(
    error: Exception,
) -> None:
    server = serving()

    async def request() -> bytes:
        raise error

    connection = Connection(request)
    await server._serve(connection, connection)

    assert connection.happened == [0, b"\r\n\r\n", "abort", "close"]
    assert (server._silent, server._answering) == ({}, {})


async def test_a_request_that_arrives_as_its_connection_loses_its_place_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ops, "MAX_CONNECTIONS", 1)
    server = serving()

    async def request() -> bytes:
        server._make_room()
        return HEAD

    connection = Connection(request)
    await server._serve(connection, connection)

    assert connection.happened == [0, b"\r\n\r\n", "abort", b"HTTP/1.1 200 OK", "drain", "close"]
    assert (server._silent, server._answering) == ({}, {})


class Waiting(Connection):
    """A connection without a request until it is aborted."""

    def __init__(self) -> None:
        super().__init__(self.closed_by_the_server)
        self.aborted = asyncio.Event()

    async def closed_by_the_server(self) -> bytes:
        await self.aborted.wait()
        raise ConnectionError

    def abort(self) -> None:
        super().abort()
        self.aborted.set()


def test_connections_that_are_being_accepted_are_closed_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "REQUEST_SECONDS", 1_000)

    async def close_both() -> tuple[Waiting, Waiting]:
        server, accepted, late = serving(), Waiting(), Waiting()
        tasks = [asyncio.create_task(server._serve(accepted, accepted))]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(server._serve(late, late)))
        async with asyncio.timeout(20):
            await server._close_connections()
        assert all(task.done() for task in tasks)
        return accepted, late

    for connection in asyncio.run(close_both()):
        assert connection.happened[-2:] == ["abort", "close"]


def test_a_stop_ends_silent_and_slow_connections_at_once_and_without_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ops, "REQUEST_SECONDS", 1_000)
    server = OpsServer(registry, not_live=list, not_ready=lambda: ["x" * 20_000_000])
    port = server.start("127.0.0.1", 0)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as silent,
        socket.create_connection(("127.0.0.1", port), timeout=20) as slow,
    ):
        slow.sendall(b"GET /readyz HTTP/1.1\r\n\r\n")
        slow.recv(1)

        stopping = threading.Thread(target=server.stop, daemon=True)
        stopping.start()
        stopping.join(20)

        assert not stopping.is_alive()
        assert ended(silent)
    assert caplog.messages == []


def test_a_server_can_be_stopped_before_it_is_started_and_twice() -> None:
    server = serving()

    server.stop()
    port = server.start("127.0.0.1", 0)
    answer = ask(port, HEAD)
    server.stop()
    server.stop()

    assert answer.startswith(b"HTTP/1.1 200")
