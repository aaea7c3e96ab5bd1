"""The limits of the ops port: its connections, the time and the size of a request, and the queues of the system."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from rolecall.observability.ops import OpsServer
from tests.observability.test_ops import ask, registry


class Connection:
    """A connection that can only be closed."""

    def __init__(self) -> None:
        self.transport, self.closed = self, False

    def abort(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("silent", "answering", "closed"), [(255, 0, []), (256, 0, [0]), (1, 255, [0]), (0, 256, [0])])
def test_beyond_256_connections_the_oldest_silent_one_or_else_the_oldest_is_closed(
    silent: int, answering: int, closed: list[int]
) -> None:
    server: Any = OpsServer(registry, not_live=list, not_ready=list)
    connections = [Connection() for _ in range(silent + answering)]
    server._silent = dict.fromkeys(connections[:silent])
    server._answering = dict.fromkeys(connections[silent:])

    server._make_room()

    assert [number for number, each in enumerate(connections) if each.closed] == closed
    assert len(server._silent) + len(server._answering) == silent + answering - len(closed)


async def test_a_request_has_five_seconds_and_eight_kibibytes_and_64_connections_are_accepted_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given, timeout, start = list[object](), asyncio.timeout, asyncio.start_server

    def timed(seconds: float) -> asyncio.Timeout:
        given.append(seconds)
        return timeout(seconds)

    async def started(*args: Any, **options: Any) -> asyncio.Server:
        given.append((options["limit"], options["backlog"]))
        return await start(*args, **options)

    monkeypatch.setattr(asyncio, "timeout", timed)
    monkeypatch.setattr(asyncio, "start_server", started)
    server = OpsServer(registry, not_live=list, not_ready=list)
    port = server.start("127.0.0.1", 0)
    await asyncio.to_thread(ask, port, b"GET /livez HTTP/1.1\r\n\r\n")
    server.stop()

    assert given == [(8_192, 64), 5.0]


def test_1024_connections_may_wait_to_be_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    queues, listen = list[int](), socket.socket.listen

    def listened(self: socket.socket, backlog: int) -> None:
        queues.append(backlog)
        listen(self, backlog)

    monkeypatch.setattr(socket.socket, "listen", listened)
    server = OpsServer(registry, not_live=list, not_ready=list)
    server.start("127.0.0.1", 0)
    server.stop()

    # First for the socket that is bound, and again after asyncio has set its own.
    assert (queues[0], queues[-1]) == (1_024, 1_024)
