"""Which connections a server has: whom it makes room for, whose answers are too many, and how they share a turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rolecall.transport.connection_counts import ConnectionClosure, ConnectionRefusal
from rolecall.transport.http2 import acceptance
from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.http2.methods import Methods
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.server import Http2Server


class Transport:
    """The transport of a client that sends nothing and reads everything."""

    def __init__(self) -> None:
        self.aborted = False
        self.protocol: Any = None
        self.written = b""

    def set_protocol(self, protocol: object) -> None:
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def get_extra_info(self, name: str) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0


@dataclass(eq=False)
class Waiting:
    """A connection whose client has not accepted so many bytes."""

    queued_bytes: int
    ticks: list[float] = field(default_factory=list)
    closed: list[ConnectionClosure] = field(default_factory=list)

    def tick(self, now: float) -> None:
        self.ticks.append(now)

    def cut(self, reason: ConnectionClosure) -> None:
        self.closed.append(reason)


def server(**options: Any) -> Http2Server:
    return Http2Server(Methods(lambda _: None, {}), ConnectionOptions(**options))  # type: ignore[arg-type, return-value]


@pytest.fixture
async def full() -> AsyncIterator[Http2Server]:
    """Give a server that may have two connections, and has them; the first was idle for longer."""
    made = server(max_connections=2)
    for since in (1.0, 2.0):
        accept(made).keepalive.last_data = since
    yield made
    for connection in made.connections:
        connection.ending.lost()


def accept(server: Http2Server) -> Http2Connection:
    """Return the connection of a newcomer that is accepted."""
    transport = newcomer(server)
    assert not transport.aborted
    connection: Http2Connection = transport.protocol
    assert connection in server.connections
    return connection


def newcomer(server: Http2Server) -> Transport:
    transport = Transport()
    server.acceptance.newcomer(None).connection_made(transport)  # type: ignore[arg-type]
    return transport


def by_age(server: Http2Server) -> list[Http2Connection]:
    return sorted(server.connections, key=lambda one: one.keepalive.last_data)


def aborted(*connections: Http2Connection) -> list[bool]:
    transports: list[Any] = [connection._transport for connection in connections]
    return [transport.aborted for transport in transports]


async def test_a_full_server_closes_the_connection_that_is_idle_longest(full: Http2Server) -> None:
    first, second = by_age(full)

    third = accept(full)

    assert aborted(first, second, third) == [True, False, False]
    assert full.connections == {second, third}
    assert full.connection_counts.closed[ConnectionClosure.ROOM] == 1
    assert not any(full.connection_counts.refused.values())


async def test_a_connection_that_was_found_idle_and_has_been_used_since_stays(full: Http2Server) -> None:
    first, second = by_age(full)
    full.acceptance._found_again()  # finds the first, and remembers the second for the next newcomer
    second.keepalive.last_data = 3.0

    accept(full)

    assert aborted(first, second) == [True, False]


async def test_a_newcomer_is_refused_if_every_connection_has_calls(full: Http2Server) -> None:
    first, second = by_age(full)
    first.calls[1] = second.calls[1] = object()  # type: ignore[assignment]

    refused = newcomer(full)
    first.calls.clear()
    accept(full)

    assert (refused.aborted, refused.protocol, refused.written) == (True, None, b"")
    assert full.connection_counts.refused[ConnectionRefusal.FULL] == 1
    assert aborted(first, second) == [True, False]


async def test_a_newcomer_on_a_socket_with_tls_begins_its_handshake_with_the_certificate_of_the_moment() -> None:
    made, begun, transport = server(), list[tuple[object, ...]](), Transport()
    tls: Any = type("Tls", (), {"context": lambda _: "now"})()
    made.acceptance.handshakes.begin = lambda *given: begun.append(given)  # type: ignore[method-assign]

    made.acceptance.newcomer(tls).connection_made(transport)  # type: ignore[arg-type]

    assert begun == [(transport, "now")]
    assert (transport.protocol, transport.aborted, made.connections) == (None, False, set())


@pytest.mark.parametrize(
    ("soft", "hard", "configured", "found"),
    [(100, 5_000, 4_000, 36), (10_000, 20_000, 4_000, 4_000), (5_000, -1, 10_000, 4_936), (-1, -1, 7, 7)],
)
async def test_a_server_has_no_more_connections_than_files_that_its_process_may_open(
    soft: int, hard: int, configured: int, found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "getrlimit", lambda _: (soft, hard))

    assert server(max_connections=configured).acceptance.max_connections == found


async def test_handshakes_in_progress_count_as_connections(full: Http2Server, monkeypatch: pytest.MonkeyPatch) -> None:
    full.remove(by_age(full)[0])
    monkeypatch.setattr(type(full.acceptance.handshakes), "__len__", lambda _: 1)

    accept(full)

    assert full.connection_counts.closed[ConnectionClosure.ROOM] == 1


@pytest.mark.parametrize(
    ("limit", "closed"), [(60, []), (59, [30]), (30, [30]), (29, [30, 20]), (10, [30, 20]), (0, [30, 20, 10])]
)
async def test_the_connections_whose_clients_accept_least_are_closed_until_the_rest_fits(
    limit: int, closed: list[int]
) -> None:
    made, waiting = server(max_all_queued_bytes=limit), [Waiting(size) for size in (10, 0, 30, 20)]
    made.connections.update(waiting)  # type: ignore[arg-type]

    made.tick()

    found = {one.queued_bytes: one.closed for one in waiting if one.closed}
    assert sorted(found, reverse=True) == closed
    assert all(reasons == [ConnectionClosure.UNACCEPTED_ANSWERS] for reasons in found.values())
    now = asyncio.get_running_loop().time()
    assert [[0 <= now - tick < 60 for tick in one.ticks] for one in waiting] == [[True]] * 4


async def test_connections_whose_calls_wait_for_the_next_turn_share_it() -> None:
    made, shares = server(), list[float]()

    for connections in (1, 1, 2, -3, -1):
        made.defer(connections)
        shares.append(made.share)

    assert shares == pytest.approx([1 / 2, 1 / 3, 1 / 5, 1 / 2, 1])
    assert (made.revivals, server().share) == (0, 1.0)


async def test_a_server_of_http2_never_crashes_and_has_nothing_to_revive() -> None:
    made = server()
    crashed = asyncio.ensure_future(made.crashed())

    await made.revive()
    await asyncio.sleep(0)

    assert not crashed.done()
    assert made.revivals == 0
    crashed.cancel()
