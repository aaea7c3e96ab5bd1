"""The messages of a stream, and the windows that they open."""

from __future__ import annotations

import asyncio

import pytest
from grpc.aio import EOF

from rolecall.transport.http2.framing import MessageReader, frame
from rolecall.transport.http2.incoming import MESSAGES_WITHOUT_A_BREAK, IncomingMessages
from rolecall.transport.http2.status import StatusError


class Stream:
    """Incoming messages, and the sizes that they reported as consumed."""

    def __init__(self) -> None:
        self.consumed = list[int]()
        self.messages = IncomingMessages(MessageReader(b"identity", 100), self.consumed.append)


@pytest.fixture
def stream() -> Stream:
    return Stream()


async def test_messages_are_read_in_order_and_then_the_end(stream: Stream) -> None:
    stream.messages.feed(frame(b"a") + frame(b"b"), end=False)
    stream.messages.feed(frame(b"c"), end=True)

    assert [await stream.messages.next() for _ in range(5)] == [b"a", b"b", b"c", EOF, EOF]


async def test_the_window_opens_when_everything_that_has_arrived_was_read(stream: Stream) -> None:
    stream.messages.feed(frame(b"a") + frame(b"b"), end=False)
    assert stream.consumed == []

    await stream.messages.next()
    assert stream.consumed == []
    await stream.messages.next()
    assert stream.consumed == [12]


async def test_the_window_opens_for_the_rest_of_a_message(stream: Stream) -> None:
    stream.messages.feed(frame(b"abc")[:-1], end=False)
    assert stream.consumed == [7]

    stream.messages.feed(b"c", end=True)
    assert await stream.messages.next() == b"abc"
    assert stream.consumed == [7, 1]


async def test_a_stream_that_ends_unread_opens_its_window_once(stream: Stream) -> None:
    stream.messages.feed(frame(b"a"), end=False)

    stream.messages.end()

    assert stream.consumed == [6]
    assert [await stream.messages.next(), await stream.messages.next()] == [b"a", EOF]
    assert stream.consumed == [6]


async def test_a_failure_of_a_message_counts_its_bytes_at_the_end(stream: Stream) -> None:
    with pytest.raises(StatusError):
        stream.messages.feed(frame(b"x" * 101), end=False)
    assert stream.consumed == []

    stream.messages.end()

    assert stream.consumed == [106]


async def test_those_that_have_arrived_are_taken_without_waiting(stream: Stream) -> None:
    stream.messages.feed(frame(b"a") + frame(b"b") + frame(b"c") + frame(b"d")[:-1], end=False)

    assert (stream.messages.arrived(2), stream.consumed, stream.messages.buffered) == ([b"a", b"b"], [], 6)
    assert (stream.messages.arrived(2), stream.messages.buffered) == ([b"c"], 5)
    assert (stream.messages.arrived(2), stream.consumed) == ([], [23])


@pytest.mark.parametrize("last", [b"", frame(b"a")])
async def test_a_reader_that_waits_is_woken(stream: Stream, last: bytes) -> None:
    reading = asyncio.ensure_future(stream.messages.next())
    await asyncio.sleep(0)
    stream.messages.feed(frame(b"a")[:3], end=False)
    await asyncio.sleep(0)
    assert not reading.done()

    if last:
        stream.messages.feed(frame(b"a")[3:], end=False)
    else:
        stream.messages.end()

    assert await reading == (b"a" if last else EOF)


async def test_data_that_ends_within_a_message_is_an_error(stream: Stream) -> None:
    with pytest.raises(StatusError, match="ended within"):
        stream.messages.feed(frame(b"a")[:-1], end=True)


async def test_a_reader_that_is_cancelled_leaves_the_next_message(stream: Stream) -> None:
    reading = asyncio.ensure_future(stream.messages.next())
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    stream.messages.feed(frame(b"a"), end=False)

    assert await stream.messages.next() == b"a"


async def test_many_messages_let_other_work_run(stream: Stream) -> None:
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(count)

    stream.messages.feed(frame(b"a") * (MESSAGES_WITHOUT_A_BREAK + 1), end=False)
    count()
    for _ in range(MESSAGES_WITHOUT_A_BREAK - 200):
        await stream.messages.next()
    stream.messages.arrived(200)
    assert turns == 1

    await stream.messages.next()
    assert turns == 2

    # And the same again after this break.
    stream.messages.feed(frame(b"a") * MESSAGES_WITHOUT_A_BREAK, end=False)
    for _ in range(MESSAGES_WITHOUT_A_BREAK - 1):
        await stream.messages.next()
    assert turns == 2
    await stream.messages.next()
    assert turns == 3


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_reader_that_is_woken_twice_or_gone_does_no_harm(stream: Stream, cancelled: bool) -> None:
    reading = asyncio.ensure_future(stream.messages.next())
    await asyncio.sleep(0)
    if cancelled:
        reading.cancel()

    for message in (b"a", b"b"):
        stream.messages.feed(frame(message), end=False)
    await asyncio.wait([reading], timeout=5)

    rest = [await stream.messages.next() for _ in range(1 + cancelled)]
    assert [*([] if cancelled else [reading.result()]), *rest] == [b"a", b"b"]


@pytest.mark.parametrize("data", [b"", frame(b"a")])
async def test_a_reader_is_woken_by_the_last_data(stream: Stream, data: bytes) -> None:
    reading = asyncio.ensure_future(stream.messages.next())
    await asyncio.sleep(0)

    stream.messages.feed(data, end=True)

    assert await asyncio.wait_for(reading, 5) == (b"a" if data else EOF)
    assert await asyncio.wait_for(stream.messages.next(), 5) is EOF
