from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from rolecall.engine.pace import Pace


class Work:
    """Streams that each take a number of turns; `done` has the numbers of the streams in the order of their turns."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.done: list[int] = []

    async def run(self, number: int, turns: int = 1) -> None:
        for _ in range(turns):
            await self._pace.turn()
            self.done.append(number)
            await asyncio.sleep(0)

    async def steps(self, total: int) -> list[int]:
        """Return how much was done in each iteration of the loop, until so much is done."""
        seen = [len(self.done)]
        async with asyncio.timeout(20):
            while len(self.done) < total:
                await asyncio.sleep(0)
                seen.append(len(self.done))
        return [after - before for before, after in pairwise(seen)]


async def test_at_most_so_many_work_in_an_iteration_of_the_loop_and_in_the_order_of_their_calls() -> None:
    work = Work(Pace(at_once=3, pause_seconds=0.0))
    tasks = [asyncio.create_task(work.run(number)) for number in range(100)]

    steps = await work.steps(100)

    assert max(steps) == 3
    assert work.done == list(range(100))
    await asyncio.gather(*tasks)


async def test_streams_that_want_many_turns_have_them_in_rotation() -> None:
    work = Work(Pace(at_once=2, pause_seconds=0.0))
    tasks = [asyncio.create_task(work.run(number, turns=10)) for number in range(5)]

    await work.steps(50)

    # The first two are ahead by the turn that was free when they came.
    assert all(abs(work.done[:n].count(0) - work.done[:n].count(4)) <= 2 for n in range(51))
    await asyncio.gather(*tasks)


async def test_a_lone_stream_does_not_wait_for_pauses() -> None:
    work = Work(Pace(at_once=2, pause_seconds=3_600.0))
    task = asyncio.create_task(work.run(0, turns=50))

    await work.steps(50)

    assert work.done == [0] * 50
    await task


async def test_between_two_portions_of_many_there_is_a_pause() -> None:
    work = Work(Pace(at_once=2, pause_seconds=3_600.0))
    tasks = [asyncio.create_task(work.run(number)) for number in range(10)]
    for _ in range(50):
        await asyncio.sleep(0)

    assert work.done == [0, 1]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_those_that_are_cancelled_while_they_wait_cost_no_turn() -> None:
    pace = Pace(at_once=2, pause_seconds=0.0)
    work = Work(pace)
    tasks = [asyncio.create_task(work.run(number)) for number in range(20)]
    await asyncio.sleep(0)
    for task in tasks[2:18]:
        task.cancel()

    await work.steps(4)

    assert work.done == [0, 1, 18, 19]
    assert pace.waiting == 0
    await asyncio.wait(tasks)


class Calls:
    """What a loop is asked to call, and after how many seconds, but for the steps of tasks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self.soon, self.later = list[str](), list[float]()
        soon, later = loop.call_soon, loop.call_later

        def call_soon(call: Callable[..., object], *args: Any, **kwargs: Any) -> object:
            if isinstance(getattr(call, "__self__", None), Pace):
                self.soon.append(call.__name__)
            return soon(call, *args, **kwargs)

        def call_later(seconds: float, call: Callable[..., object], *args: Any) -> object:
            self.later.append(seconds)
            return later(0, call, *args)

        monkeypatch.setattr(loop, "call_soon", call_soon)
        monkeypatch.setattr(loop, "call_later", call_later)


@pytest.mark.parametrize(("streams", "pauses"), [(8, []), (16, []), (17, [0.001]), (25, [0.001, 0.001])])
async def test_eight_streams_work_and_while_more_than_eight_wait_there_is_a_pause_of_a_millisecond(
    monkeypatch: pytest.MonkeyPatch, streams: int, pauses: list[float]
) -> None:
    calls, work = Calls(monkeypatch), Work(Pace())
    tasks = [asyncio.create_task(work.run(number)) for number in range(streams)]
    await asyncio.sleep(0)
    at_once = len(work.done)

    await asyncio.gather(*tasks)

    assert (at_once, calls.later) == (8, pauses)


async def test_nothing_is_called_once_no_stream_works(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(Pace(at_once=2, pause_seconds=0.0))
    await asyncio.gather(*(work.run(number) for number in range(5)))
    for _ in range(5):
        await asyncio.sleep(0)
    calls = Calls(monkeypatch)

    for _ in range(5):
        await asyncio.sleep(0)
    idle = list(calls.soon)
    await work.run(9)

    assert (idle, len(calls.soon)) == ([], 1)


async def test_after_a_portion_as_many_may_work_at_once_as_before() -> None:
    work = Work(Pace(at_once=3, pause_seconds=3_600.0))
    for _ in range(4):
        await asyncio.gather(*(work.run(number) for number in range(3)))
        await asyncio.sleep(0)

    assert len(work.done) == 12
