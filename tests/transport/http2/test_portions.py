"""How much of one read is unpacked at once, that other work runs between portions of a long one, and how calls are ended together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rolecall.transport.http2 import connection as module
from rolecall.transport.http2.connection import Http2Connection
from rolecall.transport.http2.session import SessionError
from rolecall.transport.http2.status import Code
from tests.transport.http2.test_acceptance import Transport, server

pytestmark = pytest.mark.usefixtures("no_time_passes")

PORTION = 16 * 1_024


class Reading(Transport):
    """A transport that notes whether it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = list[bool]()

    def pause_reading(self) -> None:
        self.reading.append(False)

    def resume_reading(self) -> None:
        self.reading.append(True)


@pytest.fixture
async def reading() -> Reading:
    return Reading()


@pytest.fixture
async def sizes() -> list[int]:
    return []


@pytest.fixture
async def connection(reading: Reading, sizes: list[int]) -> Http2Connection:
    """Give a connection that notes the sizes of what its session is given."""
    made: Any = Http2Connection(server())
    made.connection_made(reading)

    def receive(data: bytes) -> list[Any]:
        sizes.append(len(data))
        return []

    made.session.receive = receive
    found: Http2Connection = made
    return found


@pytest.mark.parametrize(
    ("size", "portions"),
    [
        (1, [1]),
        (PORTION, [PORTION]),
        (PORTION + 1, [PORTION, 1]),
        (2 * PORTION, [PORTION, PORTION]),
        (40_000, [PORTION, PORTION, 40_000 - 2 * PORTION]),
    ],
)
async def test_sixteen_kibibytes_of_a_read_are_unpacked_at_once(
    connection: Http2Connection, sizes: list[int], reading: Reading, size: int, portions: list[int]
) -> None:
    connection.data_received(bytes(size))

    assert (sizes, reading.reading) == (portions, [])


async def test_a_read_that_takes_too_long_continues_in_the_next_turns_with_what_arrives_meanwhile_after_it(
    connection: Http2Connection, sizes: list[int], reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE_SECONDS", -1.0)

    connection.data_received(bytes(2 * PORTION + 5))
    first, share = [*sizes], connection.server.share
    connection.data_received(bytes(7))
    for _ in range(3):
        await asyncio.sleep(0)

    assert (first, share) == ([PORTION], 1 / 2)
    assert sizes == [PORTION, PORTION, 12]
    # It pauses for each turn that it waits for, and reads again when nothing is left.
    assert reading.reading == [False, False, True]
    assert connection.server.share == 1.0


STOPPED: list[tuple[Callable[[Any, Any], object], list[bool], list[int]]] = [
    (lambda connection, _: connection.pause_writing(), [False, False], [PORTION, 5]),
    (lambda _, transport: transport.abort(), [False], [PORTION]),
]


@pytest.mark.parametrize(("stop", "reading_after", "portions"), STOPPED)
async def test_nothing_more_is_read_from_a_client_that_does_not_read_or_is_gone(
    connection: Http2Connection,
    reading: Reading,
    sizes: list[int],
    stop: Callable[[Any, Any], object],
    reading_after: list[bool],
    portions: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SLICE_SECONDS", -1.0)

    connection.data_received(bytes(PORTION + 5))
    stop(connection, reading)
    for _ in range(3):
        await asyncio.sleep(0)

    assert (reading.reading, sizes) == (reading_after, portions)


class Call:
    """A call that writes down how it is ended; the stream of the first is closed."""

    def __init__(self, number: int, done: list[tuple[object, ...]]) -> None:
        self._number, self._done = number, done

    def finish(self, code: Code, message: str) -> None:
        self._done.append((self._number, code.name, message))
        if self._number == 1:
            raise SessionError

    def cancel_task(self) -> None:
        self._done.append((self._number, "cancelled"))


async def test_calls_that_are_ended_have_their_status_sent_at_once_and_their_methods_cancelled(
    connection: Http2Connection,
) -> None:
    made: Any = connection
    done = list[tuple[object, ...]]()
    made.calls.update({number: Call(number, done) for number in (1, 3)})
    made.flush, made.ending.look = lambda: done.append(("flush",)), lambda: done.append(("look",))

    connection.fail_calls(Code.UNAVAILABLE, "the server is stopping")

    ended = ("UNAVAILABLE", "the server is stopping")
    assert done == [(1, *ended), (1, "cancelled"), (3, *ended), (3, "cancelled"), ("flush",), ("look",)]


async def test_events_that_are_left_for_later_turns_are_handled_one_a_turn_before_anything_more_is_read(
    connection: Http2Connection, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled = list[object]()
    monkeypatch.setattr(module, "SLICE_SECONDS", -1.0)
    monkeypatch.setattr(module, "handle", lambda _, event: handled.append(event))
    events: Any = ["first", "second", "third"]

    connection._handle(events)
    counts = [len(handled)]
    for _ in range(2):
        await asyncio.sleep(0)
        counts.append(len(handled))

    assert (handled, counts) == (events, [1, 2, 3])
    assert reading.reading == [False, False, True]


@pytest.mark.parametrize("left", [False, True])
async def test_a_client_that_reads_again_is_read_again_unless_something_of_it_is_left(
    connection: Http2Connection, reading: Reading, left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE_SECONDS", -1.0)
    connection.pause_writing()
    if left:
        connection.data_received(bytes(PORTION + 1))

    connection.resume_writing()

    assert reading.reading == ([False, False] if left else [False, True])
    assert not connection.outgoing.paused
