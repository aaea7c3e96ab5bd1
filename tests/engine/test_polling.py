"""When a follower polls its store: at intervals, when a hint comes, and through an outage."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rolecall.engine.polling import Polling
from rolecall.roles.errors import StoreUnsupportedError
from rolecall.roles.repository import Head
from tests.engine.following import Parts, held, stopped, until


class SomeHints:
    """Hints that a test gives."""

    def __init__(self) -> None:
        self.given, self.closed, self.unanswered = threading.Semaphore(0), False, 0
        self.seconds, self.thread = 0.0, ""

    def wait(self, seconds: float) -> bool:
        self.seconds, self.thread = seconds, threading.current_thread().name
        came = self.given.acquire(timeout=min(seconds, 0.05))
        self.unanswered += not came
        return came

    def close(self) -> None:
        self.closed = True


async def test_polls_are_counted_from_none(parts: Parts) -> None:
    counts = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None).counts

    assert (counts.done, counts.failed, counts.hints, counts.failing) == (0, 0, 0, False)


async def test_each_poll_is_counted_once(parts: Parts) -> None:
    polling = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None)

    counts = list[tuple[int, int]]()
    for parts.repository.down in (False, True, True, False):
        await polling._poll()
        counts.append((polling.counts.done, polling.counts.failed))

    assert counts == [(1, 0), (1, 1), (1, 2), (2, 2)]


async def test_the_thread_of_the_hints_ends_with_them(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    polling, hints = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None), SomeHints()
    threads = list[ThreadPoolExecutor]()

    def made(*args: Any, **kwargs: Any) -> ThreadPoolExecutor:
        threads.append(ThreadPoolExecutor(*args, **kwargs))
        return threads[-1]

    monkeypatch.setattr("rolecall.engine.polling.ThreadPoolExecutor", made)
    task = asyncio.create_task(polling.listen(hints))
    await until(lambda: hints.unanswered)
    await stopped(task)

    assert hints.closed
    with pytest.raises(RuntimeError, match="after shutdown"):
        threads[0].submit(print)


async def test_polls_bring_what_others_commit(parts: Parts) -> None:
    polling = Polling(parts.follower, seconds=0.02, jitter=lambda: 1.0, on_change=lambda _: None)
    task = asyncio.create_task(polling.run())

    for name in ("a", "b"):
        parts.put(name)
        await until(lambda name=name: name in held(parts))
    await until(lambda: polling.counts.done >= 2)

    await stopped(task)


async def test_polls_end_when_a_hint_comes_in_the_moment_of_the_cancellation(parts: Parts) -> None:
    polling = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None)
    task = asyncio.create_task(polling.run())
    await until(lambda: polling.counts.done)
    await until(lambda: polling._hinted._waiters)

    polling._hinted.set()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=10)

    assert task.cancelled()


async def test_a_hint_brings_the_next_poll_forward(parts: Parts) -> None:
    polling, hints = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None), SomeHints()
    tasks = [asyncio.create_task(polling.run()), asyncio.create_task(polling.listen(hints))]
    await until(lambda: polling.counts.done)
    await until(lambda: hints.unanswered)

    parts.put("a")
    hints.given.release()
    await until(lambda: held(parts))

    # One hint starts one poll, not one after the other.
    await until(lambda: not polling._hinted.is_set())

    await stopped(*tasks)
    assert (polling.counts.hints, hints.closed, hints.seconds) == (1, True, 5.0)
    assert hints.thread.startswith("store-hints")


async def test_the_interval_of_the_polls_has_a_jitter(parts: Parts) -> None:
    polling = Polling(parts.follower, seconds=3_600, jitter=lambda: 0.0, on_change=lambda _: None)
    task = asyncio.create_task(polling.run())

    await until(lambda: polling.counts.done >= 3)

    await stopped(task)


async def test_under_many_hints_there_is_a_least_pause_between_polls(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses, sleep = list[float](), asyncio.sleep

    async def sleep_shortly(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    polling = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None)
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", sleep_shortly)
        task = asyncio.create_task(polling.run())
        while polling.counts.done < 3:
            polling._hinted.set()
            await sleep(0.001)
        await stopped(task)

    assert pauses.count(0.01) >= 2


async def test_a_schema_out_of_range_is_an_outage_for_the_polls(parts: Parts) -> None:
    # row 78 of the faults
    polling = Polling(parts.follower, seconds=0.01, jitter=lambda: 1.0, on_change=lambda _: None)

    def unsupported() -> Head:
        raise StoreUnsupportedError("of a later version")

    parts.repository.head = unsupported  # type: ignore[method-assign]
    task = asyncio.create_task(polling.run())

    await until(lambda: polling.counts.failed >= 2)

    await stopped(task)
    assert polling.counts.failing


async def test_an_outage_is_reported_once_and_so_is_its_end(parts: Parts) -> None:
    reported = list[bool]()
    polling = Polling(
        parts.follower, seconds=0.01, jitter=lambda: 1.0, on_change=lambda error: reported.append(error is None)
    )
    task = asyncio.create_task(polling.run())
    await until(lambda: polling.counts.done)
    parts.repository.down = True
    await until(lambda: polling.counts.failed >= 3)
    during = (list(reported), polling.counts.failing)
    parts.repository.down = False
    await until(lambda: not polling.counts.failing)

    await stopped(task)
    assert during == ([False], True)
    assert reported == [False, True]
