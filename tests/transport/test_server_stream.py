"""Calls in which only the server speaks, and who ended them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rolecall.transport.errors import StreamAgeError, TransportError
from rolecall.transport.rpc.bidi_stream import WHOLE_SECONDS, OpenStreams
from rolecall.transport.rpc.server_stream import ServerStream
from rolecall.transport.rpc.stats import MethodStats


class SlowContext:
    """A caller that takes nothing."""

    async def send_initial_metadata(self, _: object) -> None:
        return

    async def write(self, _: bytes) -> None:
        await asyncio.Event().wait()


def telling_to(context: Any) -> ServerStream:
    return ServerStream(context, MethodStats("service", "Method", request_streaming=False, response_streaming=True))


async def test_a_caller_that_leaves_is_told_from_an_end_that_waits_for_a_message() -> None:
    tellings = list[ServerStream]()

    async def call() -> BaseException | None:
        telling = telling_to(SlowContext())
        tellings.append(telling)
        await telling.begin()
        try:
            await telling.write(b"")
        except asyncio.CancelledError as error:
            return telling.meaning(error)
        return None

    task = asyncio.create_task(call())
    await asyncio.sleep(0.01)
    tellings[0].end(StreamAgeError(300))
    await asyncio.sleep(0)
    task.cancel()

    assert isinstance(await task, asyncio.CancelledError)


async def test_what_is_of_use_only_as_a_whole_is_not_ended_for_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    conversations, telling = OpenStreams(max_seconds=300), telling_to(SlowContext())
    ended = list[TransportError]()
    monkeypatch.setattr(telling, "end", ended.append)

    with conversations.held(telling, 0.0):
        telling.uninterrupted = True
        conversations.sweep(301.0)
        whole = len(ended)
        conversations.sweep(WHOLE_SECONDS)
        too_long = len(ended)
        telling.uninterrupted = False
        conversations.sweep(301.0)

    assert (whole, too_long, len(ended)) == (0, 1, 2)
