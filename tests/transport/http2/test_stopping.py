"""What a server does when it stops, one step after another, with connections that write down what is done with them."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from rolecall.transport.endpoint import Endpoint
from rolecall.transport.http2.methods import Methods
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.server import Http2Server
from rolecall.transport.http2.status import Code
from tests.transport.http2.test_ending import seconds_of_a_silent_client


class Connection:
    """A connection that stays until it is aborted, or leaves at a step."""

    def __init__(self, server: Http2Server, leaves_at: str = "") -> None:
        self._server, self._leaves_at = server, leaves_at
        self.done = list[str]()
        self.queued_bytes = 0

    def shut_down(self) -> None:
        self._do("shut down")

    def fail_calls(self, code: Code, message: str) -> None:
        self._do(f"{code.name}: {message}")

    def abort(self) -> None:
        self._do("abort")

    def _do(self, step: str) -> None:
        self.done.append(step)
        if step == self._leaves_at:
            self._server.remove(self)  # type: ignore[arg-type]


def made() -> Http2Server:
    return Http2Server(Methods(lambda _: None, {}), ConnectionOptions())  # type: ignore[arg-type, return-value]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have no wait last, and give for how many seconds each was allowed to."""
    seconds, timeout = list[float](), asyncio.timeout

    def timed(limit: float) -> asyncio.Timeout:
        seconds.append(limit)
        return timeout(0)

    monkeypatch.setattr(asyncio, "timeout", timed)
    return seconds


STEPS = ["shut down", "UNAVAILABLE: the server is stopping", "abort"]


@pytest.mark.parametrize("grace", [7.5, 0])
async def test_connections_are_shut_down_then_their_calls_are_ended_and_then_they_are_aborted(
    grace: float, given: list[float]
) -> None:
    server, last = made(), seconds_of_a_silent_client()
    connection: Any = Connection(server)
    server.connections.add(connection)

    await server.stop(grace)

    assert connection.done == STEPS
    assert given == [grace, last if grace else 0, last]


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_a_server_waits_no_longer_than_it_has_connections(steps: int) -> None:
    server = made()
    connections: list[Any] = [Connection(server, step) for step in STEPS[:steps]]
    server.connections.update(connections)

    await asyncio.wait_for(server.stop(60 if steps == 1 else 0.01), timeout=30)

    assert [connection.done for connection in connections] == [STEPS[: number + 1] for number in range(steps)]
    assert not server.connections


async def test_a_server_that_stops_refuses_the_calls_and_handshakes_that_only_wait() -> None:
    server, stopped = made(), list[str]()
    server.acceptance.handshakes.stop = lambda: stopped.append("handshakes")  # type: ignore[method-assign]
    server.memory = type("Memory", (), {"stop": lambda _: stopped.append("memory")})()

    await server.stop(0)

    assert stopped == ["handshakes", "memory"]


async def test_as_many_connections_wait_to_be_accepted_on_each_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues, listen = dict[Any, list[int]](), socket.socket.listen

    def listened(self: socket.socket, backlog: int) -> None:
        queues.setdefault(self.family, []).append(backlog)
        listen(self, backlog)

    monkeypatch.setattr(socket.socket, "listen", listened)
    server = made()
    server.bind(Endpoint("127.0.0.1:0", "127.0.0.1"), None)
    server.bind_admin(str(tmp_path / "admin"))
    await server.start()
    await server.stop(0)

    # First for the socket that is bound, and again after asyncio has set its own.
    ends = {family: (numbers[0], numbers[-1]) for family, numbers in queues.items()}
    assert ends == {socket.AF_INET: (1_024, 1_024), socket.AF_UNIX: (1_024, 1_024)}
