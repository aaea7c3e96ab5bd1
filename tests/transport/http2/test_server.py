"""What a server does with its sockets, its connections and its limits, in memory or on a Unix socket."""

from __future__ import annotations

import asyncio
import os
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest

from rolecall.transport.connection_counts import ConnectionClosure
from rolecall.transport.endpoint import AddressError, Endpoint
from rolecall.transport.http2.peer import ADMIN_FACTS
from rolecall.transport.http2.request_memory import RequestMemoryLimits
from tests.transport.http2.test_acceptance import Transport, aborted, accept, server


@pytest.mark.parametrize("started", [True, False])
async def test_a_server_that_stops_listens_no_more(started: bool, tmp_path: Path) -> None:
    made, files = server(), (tmp_path / "socket", tmp_path / "admin")
    port = made.bind(Endpoint("127.0.0.1:0", "127.0.0.1"), None)
    no_port = made.bind(Endpoint(f"unix:{files[0]}"), None)
    made.bind_admin(str(files[1]))
    if started:
        await made.start()
    serving = [listening.is_serving() for listening in made._listening]

    await made.stop(0)

    assert (serving, no_port) == ([True] * 3 * started, 0)
    assert not any(listening.is_serving() for listening in made._listening)
    assert [bound.fileno() for bound, _ in made._sockets] == [-1] * 3
    assert not any(map(os.path.exists, files))
    again = server()
    assert again.bind(Endpoint(f"127.0.0.1:{port}", "127.0.0.1", port), None) == port
    await again.stop(0)


async def test_the_sockets_of_handshakes_in_progress_are_closed_when_a_server_has_stopped() -> None:
    made = server()
    tls: Any = type("Tls", (), {"context": lambda _: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)})()
    port = made.bind(Endpoint("127.0.0.1:0", "127.0.0.1"), tls)
    await made.start()
    handshakes, begun = made.acceptance.handshakes, asyncio.Event()
    begin = handshakes.begin

    def noted(socket: Any, context: ssl.SSLContext) -> None:
        begin(socket, context)
        begun.set()

    handshakes.begin = noted  # type: ignore[method-assign]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    await begun.wait()
    (handshake,) = handshakes._in_progress
    accepted = handshake.get_extra_info("socket")
    before = accepted.fileno()

    await made.stop(0)

    assert before > 0
    assert accepted.fileno() == -1
    writer.close()


async def test_only_the_own_user_may_connect_to_the_admin_socket_whose_connections_do_not_count(tmp_path: Path) -> None:
    made, path = server(max_connections=1), tmp_path / "admin"
    other = accept(made)
    transports = [Transport() for _ in range(2)]

    made.bind_admin(str(path))
    ((_, admin),) = made._sockets
    connections: list[Any] = [admin() for _ in transports]
    for connection, transport in zip(connections, transports, strict=True):
        connection.connection_made(transport)

    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600  # noqa: PTH116  (a function without waiting)
    assert [connection.auth_context for connection in (other, *connections)] == [{}, ADMIN_FACTS, ADMIN_FACTS]
    assert [transport.aborted for transport in transports] == [False] * 2
    assert len(made.connections) == 3
    for one in [*made.connections]:
        one.connection_lost(None)
    await made.stop(0)


async def test_an_address_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path) -> None:
    made = server()

    with pytest.raises(AddressError) as error:
        made.bind(Endpoint(f"unix:{tmp_path / 'missing' / 'socket'}"), None)

    path = tmp_path / "missing" / "socket"
    assert str(error.value) == f"cannot listen on `unix:{path}`: no such file or directory"


async def test_a_server_that_had_connections_before_still_waits_for_those_that_it_has() -> None:
    made = server()
    made.remove(accept(made))
    last = accept(made)
    stopping = asyncio.ensure_future(made.stop(60))
    for _ in range(10):
        await asyncio.sleep(0)
    waits = not (stopping.done() or any(aborted(last)))

    made.remove(last)
    last.ending.lost()
    await asyncio.wait([stopping], timeout=5)

    assert (waits, stopping.done()) == (True, True)


async def test_a_connection_that_is_lost_no_longer_has_a_part_of_a_frame() -> None:
    made = server(request_memory=RequestMemoryLimits(partial_frames=1))
    lost, first, second = (accept(made) for _ in range(3))
    made.memory.expect_rest(lost)
    made.remove(lost)

    made.memory.expect_rest(first)
    before = made.connection_counts.closed[ConnectionClosure.PARTIAL_FRAME]
    made.memory.expect_rest(second)

    assert (before, made.connection_counts.closed[ConnectionClosure.PARTIAL_FRAME]) == (0, 1)
    for connection in (lost, first, second):
        connection.ending.lost()


async def test_the_limits_of_time_and_memory_are_those_of_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    made, ticks = server(), list[object]()
    connection: Any = accept(made)
    connection.tick = lambda now: ticks.append(now >= 0)
    monkeypatch.setattr(type(made.memory), "tick", lambda _: ticks.append("memory"))

    made.tick()

    assert ticks == [True, "memory"]
    connection.ending.lost()
