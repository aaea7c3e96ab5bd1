"""When a connection sends what is pending, when it resets streams, and for what it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rolecall.transport.http2.outgoing import Outgoing
from rolecall.transport.http2.session import SessionError


class Parts:
    """The session and the transport of a connection; `done` is what was done with them."""

    def __init__(self) -> None:
        self.done = list[object]()
        self.bytes = b""
        self.of_streams = dict[int | None, int]()
        self.closing = self.broken = False
        self.in_socket = 0

    def pending(self) -> bytes:
        if self.broken:
            raise SessionError
        data, self.bytes = self.bytes, b""
        return data

    def queued(self, stream: int | None = None) -> int:
        return self.of_streams.get(stream, 0)

    def reset(self, stream: int) -> None:
        self.bytes += b"<reset %d>" % stream

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def abort(self) -> None:
        self.done.append("abort")

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.in_socket


@pytest.fixture
async def parts() -> Parts:
    return Parts()


@pytest.fixture
async def outgoing(parts: Parts) -> Outgoing:
    made = Outgoing(parts)  # type: ignore[arg-type]
    made.connect(parts)
    return made


async def test_what_is_pending_is_written_once(outgoing: Outgoing, parts: Parts) -> None:
    parts.bytes = b"one"

    outgoing.flush()
    outgoing.flush()

    assert parts.done == [b"one"]


@pytest.mark.parametrize("why", ["paused", "closing"])
async def test_nothing_is_taken_while_the_client_does_not_read_or_is_gone(
    outgoing: Outgoing, parts: Parts, why: str
) -> None:
    parts.bytes = b"one"
    outgoing.paused, parts.closing = why == "paused", why == "closing"

    outgoing.flush()

    assert (parts.done, parts.bytes) == ([], b"one")


async def test_a_session_that_is_broken_ends_its_connection(outgoing: Outgoing, parts: Parts) -> None:
    parts.broken = True

    outgoing.flush()

    assert parts.done == ["abort"]


async def test_many_requests_to_send_soon_are_one_flush_in_the_next_turn(outgoing: Outgoing, parts: Parts) -> None:
    for data in (b"one", b"two"):
        parts.bytes += data
        outgoing.flush_soon()
    before = list(parts.done)
    await asyncio.sleep(0)
    parts.bytes = b"three"
    outgoing.flush_soon()
    await asyncio.sleep(0)

    assert (before, parts.done) == ([], [b"onetwo", b"three"])


@pytest.mark.parametrize(("held", "flushes"), [(False, 1), (True, 0)])
async def test_the_event_loop_is_asked_for_one_flush_or_none_if_one_is_about_to_come(
    outgoing: Outgoing, held: bool, flushes: int
) -> None:
    asked = list[str]()
    outgoing.flush = lambda: asked.append("flush")  # type: ignore[method-assign]
    if held:
        outgoing.hold()

    for _ in range(3):
        outgoing.flush_soon()
    await asyncio.sleep(0)

    assert asked == ["flush"] * flushes


async def test_a_flush_that_is_about_to_come_is_not_asked_for(outgoing: Outgoing, parts: Parts) -> None:
    outgoing.hold()
    parts.bytes = b"one"
    outgoing.flush_soon()
    await asyncio.sleep(0)
    before = list(parts.done)

    outgoing.flush()
    parts.bytes = b"two"
    outgoing.flush_soon()
    await asyncio.sleep(0)

    assert (before, parts.done) == ([], [b"one", b"two"])


async def test_a_stream_is_reset_when_its_answer_was_sent_unless_it_is_closed_before(
    outgoing: Outgoing, parts: Parts
) -> None:
    for stream in (1, 3, 5):
        outgoing.reset_when_sent(stream)
    parts.of_streams = {1: 10, 3: 0}
    outgoing.forget(5)
    outgoing.forget(7)
    parts.bytes = b"answers"

    outgoing.flush()
    parts.of_streams[1] = 0
    outgoing.flush()
    outgoing.flush()

    assert parts.done == [b"answers<reset 3>", b"<reset 1>"]


@pytest.mark.parametrize(
    ("queued", "paused", "waits"), [(5, False, False), (6, False, True), (0, True, True), (5, True, True)]
)
async def test_a_stream_waits_while_more_than_the_limit_waits_for_the_client(
    outgoing: Outgoing, parts: Parts, queued: int, paused: bool, waits: bool
) -> None:
    parts.of_streams, outgoing.paused = {3: queued, 5: 1_000}, paused

    waiting = asyncio.ensure_future(outgoing.accepted(3, 5))
    await asyncio.sleep(0)
    before = waiting.done()
    outgoing.wake()  # without a change
    await asyncio.sleep(0)
    again = waiting.done()
    parts.of_streams, outgoing.paused = {3: 5}, False
    outgoing.flush()
    await asyncio.wait_for(waiting, 30)

    assert (before, again) == (not waits, not waits)


async def test_all_that_wait_are_woken_and_one_that_was_cancelled_does_no_harm(
    outgoing: Outgoing, parts: Parts
) -> None:
    parts.of_streams = {1: 9, 3: 9, 5: 9}
    waiting = [asyncio.ensure_future(outgoing.accepted(stream, 5)) for stream in (1, 3, 5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    parts.closing = True

    outgoing.wake()
    await asyncio.wait(waiting, timeout=30)

    assert [one.cancelled() for one in waiting] == [True, False, False]


EMPTY: list[tuple[Callable[[Any, Any], object], bool]] = [
    (lambda _outgoing, _parts: None, True),
    (lambda outgoing, _parts: setattr(outgoing, "paused", True), False),
    (lambda _outgoing, parts: parts.of_streams.update({None: 1}), False),
    (lambda _outgoing, parts: setattr(parts, "in_socket", 1), False),
]


@pytest.mark.parametrize(("change", "empty"), EMPTY)
async def test_a_client_has_accepted_everything_when_nothing_waits_anywhere(
    outgoing: Outgoing, parts: Parts, change: Callable[[Any, Any], object], empty: bool
) -> None:
    change(outgoing, parts)

    assert outgoing.empty is empty
