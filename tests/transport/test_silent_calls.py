"""Calls that wait for their message: how many may, which one ends for the next, and with what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from grpc.aio import EOF

from rolecall.transport.errors import MissingMessageError, OverdueError, SilentCallError, StreamStoppedError
from rolecall.transport.rpc.silent_calls import SilentCalls, missing_message
from tests.repository.tree import DOCS
from tests.server.serving import for_ever, until


class Context:
    """A call whose message is known, or comes never (None)."""

    def __init__(self, data: object = None) -> None:
        self.data = data

    async def read(self) -> object:
        if self.data is None:
            await for_ever()
        return self.data


def waiting_in(silent: SilentCalls, deadline: float = 10.0, data: object = None) -> asyncio.Task[bytes]:
    context: Any = Context(data)
    return asyncio.create_task(silent.message(context, deadline))


async def all_waiting(silent: SilentCalls, count: int) -> list[Any]:
    """Return so many calls that wait, those that have waited longest first."""
    tasks = [waiting_in(silent) for _ in range(count)]
    await until(lambda: len(silent) == count)
    return tasks


async def end(*tasks: asyncio.Task[bytes]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_message_is_returned_and_its_call_waits_no_longer() -> None:
    silent = SilentCalls()

    assert await waiting_in(silent, data=b"x") == b"x"
    assert await waiting_in(silent, data=b"") == b""
    with pytest.raises(MissingMessageError):
        await waiting_in(silent, data=EOF)

    assert (len(silent), silent.ended) == (0, 0)


async def test_as_many_calls_wait_as_are_allowed_and_the_first_ends_for_the_next() -> None:
    silent = SilentCalls(limit=3)
    first, second, third = await all_waiting(silent, 3)
    assert silent.ended == 0

    fourth = waiting_in(silent)
    await until(lambda: fourth in silent.waiting)
    assert silent.ended == 1
    await until(first.done)
    error = silent.remove_failed(first)

    assert first.cancelled()
    assert isinstance(error, SilentCallError)
    assert (error.limit, len(silent), silent.ended) == (3, 3, 1)
    assert [silent.remove_failed(task) for task in (first, second, None)] == [None, None, None]
    await end(second, third, fourth)


async def test_a_call_ends_when_its_deadline_has_come_and_not_before() -> None:
    silent = SilentCalls()
    early, late = waiting_in(silent, deadline=5.0), waiting_in(silent, deadline=5.1)
    await until(lambda: len(silent) == 2)

    silent.sweep(4.9, 30.0)
    before = len(silent)
    silent.sweep(5.0, 30.0)
    await until(early.done)
    error = silent.remove_failed(early)

    assert (before, len(silent), silent.ended) == (2, 1, 1)
    assert isinstance(error, OverdueError)
    assert error.limit_seconds == 30.0
    await end(late)


async def test_a_call_that_its_client_cancels_waits_no_longer_and_has_no_error() -> None:
    silent = SilentCalls()
    cancelled, other = await all_waiting(silent, 2)

    await end(cancelled)
    error = silent.remove_failed(cancelled)

    assert (error, list(silent.waiting), silent.ended) == (None, [other], 0)
    await end(other)


async def test_a_server_that_stops_ends_all_that_wait() -> None:
    silent = SilentCalls()
    tasks = await all_waiting(silent, 3)

    silent.stop()
    await until(lambda: all(task.done() for task in tasks))

    assert [type(silent.remove_failed(task)) for task in tasks] == [StreamStoppedError] * 3
    assert (len(silent), silent.ended) == (0, 3)


async def test_a_call_without_a_task_is_removed_and_not_counted() -> None:
    silent = SilentCalls()
    silent.waiting[None] = 1.0

    silent.sweep(2.0, 30.0)

    assert (len(silent), silent.ended, silent.remove_failed(None)) == (0, 0, None)


def test_the_documented_number_of_calls_may_wait() -> None:
    sentence = f"Calls that wait for their message are counted apart, at most {SilentCalls().limit:,}:"

    assert sentence in (DOCS / "operations.md").read_text()


async def test_a_call_that_its_client_cancels_is_not_taken_for_one_without_a_message() -> None:
    ending = asyncio.create_task(missing_message())
    await asyncio.sleep(0)

    ending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await ending
