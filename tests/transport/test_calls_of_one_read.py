"""What one read brings: all of it is answered with one write, but not for longer than a slice of time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from rolecall.transport.http2 import connection as connections
from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.http2.methods import Methods
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.receiving import REMEMBERED_BYTES
from rolecall.transport.http2.server import Http2Server
from tests.transport.frames import DATA, END_STREAM, PREFACE, SETTINGS, frame, headers, message

pytestmark = pytest.mark.usefixtures("no_time_passes")

AT_ONCE, STREAM, UNARY = b"/s/AtOnce", b"/s/Stream", b"/s/Unary"


class Transport:
    """Keeps what is written, and whether the connection reads."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.reading = True

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str) -> object:
        return ("127.0.0.1", 1) if name == "peername" else None


class Service:
    """Three methods, and the metadata of the calls that were answered at once."""

    def __init__(self) -> None:
        self.metadata: list[Any] = []
        self.answered = 0

    def at_once(self, data: bytes, context: Any) -> bytes:
        self.metadata.append(context.invocation_metadata())
        self.answered += 1
        return data

    def find(self, path: str) -> grpc.RpcMethodHandler[Any, Any]:
        async def stream(_: AsyncIterator[bytes], context: Any) -> None:
            while (data := await context.read()) is not grpc.aio.EOF:
                await context.write(data)

        async def unary(_: AsyncIterator[bytes], context: Any) -> bytes:
            data: bytes = await context.read()
            return data

        if path == STREAM.decode():
            return grpc.stream_stream_rpc_method_handler(stream)
        return grpc.stream_unary_rpc_method_handler(unary)


@pytest.fixture
def service() -> Service:
    return Service()


def server_of(service: Service) -> Http2Server:
    return Http2Server(Methods(service.find, {AT_ONCE.decode(): service.at_once}), ConnectionOptions())


async def connected(service: Service, server: Http2Server | None = None) -> tuple[Http2Connection, Transport]:
    server = server or server_of(service)
    connection, transport = Http2Connection(server), Transport()
    connection.connection_made(transport)
    connection.data_received(PREFACE + frame(SETTINGS, 0, 0))
    await asyncio.sleep(0)
    transport.written.clear()
    return connection, transport


def calls(path: bytes, count: int) -> bytes:
    streams = range(1, 2 * count, 2)
    return b"".join(headers(stream, path) + message(stream, b"m%d" % stream) for stream in streams)


async def test_calls_of_one_read_are_answered_with_one_write_in_the_read_itself(service: Service) -> None:
    connection, transport = await connected(service)

    connection.data_received(calls(AT_ONCE, 20))

    assert service.answered == 20
    assert len(transport.written) == 1
    await asyncio.sleep(0)
    assert len(transport.written) == 1
    assert not connection.calls


async def test_messages_of_a_stream_that_arrive_together_are_answered_with_one_write(service: Service) -> None:
    connection, transport = await connected(service)
    together = b"".join(frame(DATA, 0, 1, b"\0\0\0\0\2" + b"%02d" % number) for number in range(50))

    connection.data_received(headers(1, STREAM) + together)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert len([data for data in transport.written if b"49" in data]) == 1
    assert all(b"\0\0\0\0\2" + b"%02d" % number in b"".join(transport.written) for number in range(50))
    assert len(transport.written) == 1


async def test_a_read_that_takes_longer_than_a_slice_lets_other_work_in_after_each(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SLICE_SECONDS", -1.0)  # each event is a slice
    connection, transport = await connected(service)
    seen = list[int]()

    connection.data_received(calls(AT_ONCE, 10))
    assert not transport.reading
    for _ in range(25):
        await asyncio.sleep(0)
        seen.append(service.answered)

    assert set(seen) == set(range(1, 11))
    assert transport.reading


async def test_many_connections_share_about_one_slice_so_that_others_wait_no_longer(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SLICE_SECONDS", 10.0)
    monkeypatch.setattr(connections, "perf_counter", itertools.count().__next__)  # each event takes a second
    server = server_of(service)
    many = [(await connected(service, server))[0] for _ in range(50)]

    for connection in many:
        connection.data_received(calls(AT_ONCE, 20))
    turns = [service.answered]
    while server.share < 1:
        await asyncio.sleep(0)
        turns.append(service.answered)

    assert turns[0] < 2 * len(many)  # alone, one connection has five answered in a slice
    assert max(after - before for before, after in itertools.pairwise(turns)) < 2 * len(many)
    assert service.answered == 20 * len(many)


async def test_what_arrives_meanwhile_waits_behind_what_is_deferred(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SLICE_SECONDS", -1.0)
    connection, _ = await connected(service)

    connection.data_received(calls(AT_ONCE, 3))
    connection.data_received(headers(7, AT_ONCE, [(b"number", b"4")]) + message(7, b""))
    for _ in range(12):
        await asyncio.sleep(0)

    assert service.metadata == [(), (), (), (("number", "4"),)]


async def test_headers_that_a_client_repeats_are_read_once_and_others_are_not_mistaken_for_them(
    service: Service,
) -> None:
    connection, _ = await connected(service)
    ids = [b"a", b"a", b"b", b"a"]

    heads = []
    for stream, given in zip((1, 3, 5, 7), ids, strict=True):
        connection.data_received(headers(stream, AT_ONCE, [(b"id", given)]) + message(stream, b""))
        heads.append(connection.head)

    assert service.metadata == [(("id", given.decode()),) for given in ids]
    assert heads[0] is heads[1] is not heads[2]


async def test_large_headers_are_not_remembered(service: Service) -> None:
    connection, _ = await connected(service)

    connection.data_received(headers(1, AT_ONCE, [(b"id", b"x" * REMEMBERED_BYTES)]) + message(1, b""))

    assert service.answered == 1
    assert connection.head is None


async def test_headers_of_one_connection_are_not_those_of_another(service: Service) -> None:
    first, _ = await connected(service)
    second, _ = await connected(service)

    first.data_received(headers(1, AT_ONCE, [(b"id", b"a")]) + message(1, b""))

    assert second.head is None


async def test_a_call_in_a_task_is_answered_with_one_write(service: Service) -> None:
    connection, transport = await connected(service)

    connection.data_received(headers(1, UNARY) + frame(DATA, END_STREAM, 1, b"\0\0\0\0\1x"))
    assert not transport.written
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert len(transport.written) == 1
