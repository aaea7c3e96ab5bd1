"""How a stream is ended by the server: when its task is cancelled, and what counts as idle."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rolecall.transport.errors import StreamAgeError, StreamStoppedError
from rolecall.transport.rpc.stats import MethodStats
from rolecall.transport.rpc.streams import BidiStream, ServerStream, StreamEnding

UNUSED: Any = None


def stats() -> MethodStats:
    return MethodStats("s", "M", request_streaming=True, response_streaming=True)


def bidi_stream() -> BidiStream[bytes, bytes]:
    return BidiStream(UNUSED, stats(), decode=bytes, encode=bytes)


def cancellations() -> int:
    task = asyncio.current_task()
    assert task
    return task.cancelling()


async def test_a_stream_that_has_not_begun_is_not_cancelled_but_ends_at_its_first_step() -> None:
    for ending in (ServerStream(UNUSED, stats()).ending, bidi_stream().ending, StreamEnding()):
        ending.end(StreamStoppedError())

        assert cancellations() == 0
        with pytest.raises(StreamStoppedError):
            ending.raise_if_ended()


async def test_a_stream_that_has_not_ended_continues_and_fails_with_its_own_error() -> None:
    ending, error, cancelled = StreamEnding(), LookupError(), asyncio.CancelledError()

    ending.raise_if_ended()

    assert (ending.cause(error), ending.cause(cancelled)) == (error, cancelled)


async def test_a_task_that_was_not_cancelled_by_the_end_of_its_stream_stays_cancelled() -> None:
    # The client cancels a stream that the server could not interrupt.
    ending, cancelled = StreamEnding(), asyncio.CancelledError()
    ending.end(StreamAgeError(300))

    assert ending.cause(cancelled) is cancelled


async def test_a_stream_outside_of_any_task_is_ended_without_one() -> None:
    made, cancelled = list[StreamEnding](), asyncio.CancelledError()
    asyncio.get_running_loop().call_soon(lambda: made.append(StreamEnding()))
    await asyncio.sleep(0)
    (ending,) = made
    ending.interruptible = True

    ending.end(StreamAgeError(300))

    assert ending.cause(cancelled) is cancelled
    with pytest.raises(StreamAgeError):
        ending.raise_if_ended()


async def test_a_stream_of_checks_is_idle_since_a_sweep_first_saw_that_it_waits() -> None:
    ending = bidi_stream().ending
    busy = [ending.idle_seconds(now) for now in (10.0, 20.0)]
    ending.interruptible = True
    waits = [ending.idle_seconds(now) for now in (30.0, 31.5, 100.0)]
    ending.interruptible = True  # the next message came, and it waits again
    again = [ending.idle_seconds(now) for now in (101.0, 103.0)]

    assert (busy, waits, again) == ([0.0, 0.0], [0.0, 1.5, 70.0], [0.0, 2.0])


async def test_a_stream_to_the_client_alone_is_never_idle() -> None:
    for ending in (ServerStream(UNUSED, stats()).ending, StreamEnding()):
        ending.interruptible = True

        assert [ending.idle_seconds(now) for now in (10.0, 1_000.0)] == [0.0, 0.0]
        assert not ending.unresumable


@pytest.mark.parametrize("by_client", [False, True])
async def test_a_stream_that_waits_is_cancelled_once_and_its_task_can_send_the_reason(by_client: bool) -> None:
    ended, found = StreamAgeError(300), list[tuple[BaseException, int]]()
    endings = list[StreamEnding]()

    async def stream() -> None:
        endings.append(StreamEnding())
        endings[0].interruptible = True
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            found.append((endings[0].cause(error), cancellations()))

    task = asyncio.create_task(stream())
    await asyncio.sleep(0)
    endings[0].end(ended)
    endings[0].end(StreamStoppedError())
    if by_client:
        task.cancel()
    await asyncio.wait([task])

    ((cause, left),) = found
    assert (isinstance(cause, asyncio.CancelledError), cause is ended, left) == (by_client, not by_client, by_client)
