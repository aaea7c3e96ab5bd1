"""The end of a client's messages: it is one turn of the loop before the cancellation of a client that cancels, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from grpc.aio import EOF

from rolecall.transport.errors import MissingMessageError
from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.middleware import Middleware, StreamedCalls
from rolecall.transport.rpc.silent_calls import SilentCalls
from rolecall.transport.rpc.stats import MethodStats
from rolecall.transport.rpc.streams import BidiStream

STATS = {"request_streaming": True, "response_streaming": True}


class Ended:
    """A call whose client sends nothing more."""

    async def read(self) -> object:
        return EOF


CONTEXT: Any = Ended()


async def read_stream() -> str:
    stream = BidiStream[bytes, bytes](CONTEXT, MethodStats("s", "M", **STATS), decode=bytes, encode=bytes)
    return f"read {await stream.read()}"


async def read_upload() -> str:
    unused: Any = None
    middleware = Middleware(concurrency=ConcurrencyLimit(2), boundary=unused, permits=lambda _: None)
    calls = StreamedCalls(MethodStats("s", "M", **STATS), middleware)
    return f"read {[message async for message in calls.messages(CONTEXT, 0.0, bytes)]}"


async def read_only_message() -> str:
    try:
        return f"read {await SilentCalls().message(CONTEXT, 1.0)!r}"
    except MissingMessageError:
        return "no message"


READERS: list[tuple[Callable[[], Coroutine[Any, Any, str]], str]] = [
    (read_stream, "read None"),
    (read_upload, "read []"),
    (read_only_message, "no message"),
]


@pytest.mark.parametrize(("reader", "_"), READERS)
async def test_a_client_that_cancels_is_not_taken_for_one_that_has_sent_everything(
    reader: Callable[[], Coroutine[Any, Any, str]], _: str
) -> None:
    reading = asyncio.create_task(reader())
    await asyncio.sleep(0)

    reading.cancel()
    await asyncio.wait([reading])

    assert reading.cancelled()


@pytest.mark.parametrize(("reader", "result"), READERS)
async def test_a_client_that_has_sent_everything_waits_for_one_turn_alone(
    reader: Callable[[], Coroutine[Any, Any, str]], result: str
) -> None:
    reading = asyncio.create_task(reader())

    for _ in range(3):
        await asyncio.sleep(0)

    assert reading.done()
    assert reading.result() == result
