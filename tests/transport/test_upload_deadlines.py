"""The deadline of a call whose client streams: that of the next message while it waits, that of the call while it works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

import pytest
from grpc.aio import EOF

from rolecall.transport.rpc.concurrency import NO_LIMIT, ConcurrencyLimit
from rolecall.transport.rpc.middleware import Middleware, StreamedCalls
from rolecall.transport.rpc.stats import MethodStats


class Upload:
    """A client that sends two messages; `left` has the seconds that its call had left at each step."""

    def __init__(self, *, upload_seconds: float, idle_seconds: float, response_streaming: bool = False) -> None:
        unused: Any = None
        self.stats = MethodStats("s", "M", request_streaming=True, response_streaming=response_streaming)
        self.limit = ConcurrencyLimit(4)
        middleware = Middleware(
            concurrency=self.limit,
            boundary=unused,
            permits=lambda _: None,
            upload_seconds=upload_seconds,
            idle_seconds=idle_seconds,
        )
        self._calls, self._sent = StreamedCalls(self.stats, middleware), iter([b"a", b"b", EOF])
        self.left = list[tuple[str, float]]()

    async def read(self) -> Any:
        self._note("waits")
        return next(self._sent)

    async def run(self) -> list[bytes]:
        began, context, received = perf_counter(), self, list[bytes]()
        messages: AsyncIterator[bytes] = self._calls.messages(context, began, bytes.upper)  # type: ignore[arg-type]
        async for message in messages:
            received.append(message)
            self._note("works")
        self._note("ends")
        return received

    def _note(self, step: str) -> None:
        deadline, context = self.limit.calls[asyncio.current_task()]
        assert id(context) == id(self)
        self.left.append((step, deadline - perf_counter()))


STEPS = ["waits", "works", "waits", "works", "waits", "ends"]


@pytest.mark.parametrize(("upload_seconds", "idle_seconds"), [(3_000.0, 500.0), (3_000.0, 9_000.0)])
async def test_a_call_waits_for_the_next_message_and_works_for_as_long_as_it_may(
    upload_seconds: float, idle_seconds: float
) -> None:
    upload = Upload(upload_seconds=upload_seconds, idle_seconds=idle_seconds)

    assert await upload.run() == [b"A", b"B"]

    assert [step for step, _ in upload.left] == STEPS
    for step, left in upload.left:
        longest = min(idle_seconds, upload_seconds) if step == "waits" else upload_seconds
        assert longest - 100 < left <= longest
    assert upload.stats.messages_in == 2


async def test_a_call_that_streams_to_the_client_works_without_a_limit() -> None:
    upload = Upload(upload_seconds=1.0, idle_seconds=500.0, response_streaming=True)

    await upload.run()

    assert {left == NO_LIMIT for step, left in upload.left if step != "waits"} == {True}
    assert all(400 < left <= 500 for step, left in upload.left if step == "waits")


async def test_a_sweep_while_a_call_works_reads_its_deadline_and_ends_it_when_that_has_come() -> None:
    upload = Upload(upload_seconds=3_000.0, idle_seconds=500.0)
    task: Any = asyncio.current_task()
    context: Any = upload
    messages = upload._calls.messages(context, 0.0, bytes)
    await anext(messages)

    cancellations = list[int]()
    for now in (2_999.9, 3_000.0):
        upload.limit.sweep(now)
        cancellations.append(task.cancelling())
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(0)
    task.uncancel()

    assert cancellations == [0, 1]
