"""Long work takes turns: one slice at a time, in order, and the event loop serves everything else in between."""

from __future__ import annotations

import asyncio
from itertools import count
from math import inf

import pytest

from rolecall.engine.turns import LongWork, Turns


def turns(slice_seconds: float = 0) -> Turns:
    return Turns(slice_seconds=slice_seconds, min_pause_seconds=0, max_pause_seconds=0)


async def test_a_turn_that_nobody_has_is_taken_without_waiting() -> None:
    assert not await turns().take()


async def test_work_has_turns_in_the_order_in_which_it_came() -> None:
    shared, order = turns(), list[int]()

    async def work(number: int) -> None:
        for _ in range(3):
            await shared.take()
            order.append(number)

    await shared.take()
    await asyncio.gather(*map(work, range(4)))

    assert order == [0, 1, 2, 3] * 3


async def test_no_two_turns_are_in_one_iteration_of_the_loop() -> None:
    shared, iteration, seen = turns(), 0, list[int]()

    async def work() -> None:
        await shared.take()
        seen.append(iteration)

    working = asyncio.gather(*[work() for _ in range(20)])
    while not working.done():
        iteration += 1
        await asyncio.sleep(0)

    assert len(set(seen)) == len(seen) == 20


async def test_the_loop_has_a_pause_after_each_turn() -> None:
    shared = Turns(slice_seconds=0, min_pause_seconds=0.05, max_pause_seconds=0.05)
    loop = asyncio.get_running_loop()

    await shared.take()
    began, iterations = loop.time(), 0
    next_turn = asyncio.ensure_future(shared.take())
    while not next_turn.done():
        iterations += 1
        await asyncio.sleep(0)

    # Work of several iterations is done in a pause, however many there are in it.
    assert loop.time() - began >= 0.04
    assert iterations > 10


async def test_a_cancelled_waiter_leaves_the_queue() -> None:
    shared, order = turns(), list[int]()

    async def work(number: int) -> None:
        await shared.take()
        order.append(number)

    working = [asyncio.ensure_future(work(number)) for number in range(5)]
    await asyncio.sleep(0)
    for number in (1, 2, 4):
        working[number].cancel()
    await asyncio.gather(*working, return_exceptions=True)

    assert order == [0, 3]
    assert shared.count == 2


async def test_a_waiter_that_is_cancelled_when_its_turn_has_come_does_not_keep_the_turn() -> None:
    shared = turns()
    await shared.take()
    second = asyncio.ensure_future(shared.take())
    third = asyncio.ensure_future(shared.take())
    while shared.count < 2:  # noqa: ASYNC110  (turns are counted, not announced)
        await asyncio.sleep(0)

    second.cancel()

    assert await third
    assert second.cancelled()


async def test_work_begins_with_a_slice_and_without_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = frozen(monkeypatch, Turns(slice_seconds=8))

    assert shared.begin().until == 108
    assert shared.count == 0


async def test_work_that_begins_beside_other_work_has_a_short_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = frozen(monkeypatch, Turns(slice_seconds=8))

    begun = [shared.begin().until for _ in range(3)]

    assert begun[0] == 108
    assert begun[1] == begun[2] < 101


async def test_work_that_begins_while_other_work_has_a_turn_has_a_short_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = frozen(monkeypatch, Turns(slice_seconds=8))

    await shared.take()

    assert shared.begin().until < 101


async def test_short_work_that_has_ended_leaves_the_first_slice_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    times = count(100)
    monkeypatch.setattr("rolecall.engine.turns.perf_counter", lambda: next(times))
    shared = Turns(slice_seconds=8)

    shared.begin().end()
    shared.begin()
    until = shared.begin().until

    assert shared.begin().until < 105
    assert until < 104


async def test_work_that_had_turns_does_not_end_a_first_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = frozen(monkeypatch, Turns(slice_seconds=8))
    work = shared.begin()
    await work.next_turn()

    work.end()

    assert work.until == 108
    assert shared.begin().until < 101


async def test_work_without_a_limit_to_its_slice_never_needs_a_turn() -> None:
    shared = Turns(slice_seconds=inf)

    begun: list[LongWork] = [shared.begin() for _ in range(2)]

    assert begun[0].until == inf


def frozen(monkeypatch: pytest.MonkeyPatch, shared: Turns) -> Turns:
    """Return the turns, for which it is always the second 100."""
    monkeypatch.setattr("rolecall.engine.turns.perf_counter", lambda: 100)
    return shared
