"""Long work takes turns: one slice at a time, in order, and the event loop serves everything else in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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


class Clock:
    """The time of turns, and the pauses that they ask the loop for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.pauses, self.ends = 100.0, list[float](), list[Callable[[], None]]()
        monkeypatch.setattr("rolecall.engine.turns.perf_counter", lambda: self.now)
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", self._call_later)

    def _call_later(self, seconds: float, end: Callable[[], None]) -> None:
        self.pauses.append(seconds)
        self.ends.append(end)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize(
    ("worked", "pause"),
    [(0.0, 0.001), (0.001, 0.001), (0.002, 0.001), (0.004, 0.002), (0.008, 0.004), (0.010, 0.005), (1.0, 0.005)],
)
async def test_a_pause_is_half_as_long_as_its_turn_and_one_to_five_milliseconds(
    clock: Clock, worked: float, pause: float
) -> None:
    shared = Turns()

    await shared.take()
    clock.now += worked
    await asyncio.sleep(0)

    assert clock.pauses == [pytest.approx(pause)]


async def test_work_begins_with_a_slice_of_two_milliseconds_and_without_a_turn(clock: Clock) -> None:
    shared, early = Turns(), Turns()

    assert shared.begin().until == pytest.approx(100.002)
    clock.now = 0.0
    assert early.begin().until == pytest.approx(0.002)
    assert (shared.count, clock.pauses) == (0, [])


async def test_work_that_begins_beside_other_work_has_a_quarter_of_a_millisecond(clock: Clock) -> None:
    shared = Turns()

    begun = [shared.begin().until for _ in range(3)]

    assert begun == [pytest.approx(until) for until in (100.002, 100.000_25, 100.000_25)]


async def test_a_first_slice_is_never_longer_than_a_slice(clock: Clock) -> None:
    shared = turns(0.000_1)

    shared.begin()

    assert shared.begin().until == pytest.approx(100.000_1)


@pytest.mark.parametrize(("later", "slice_seconds"), [(9.5, 0.000_25), (10.0, 8.0)])
async def test_the_next_first_slice_begins_after_the_one_before_and_its_pause(
    clock: Clock, later: float, slice_seconds: float
) -> None:
    shared = Turns(slice_seconds=8, min_pause_seconds=2, max_pause_seconds=2)
    shared.begin()

    clock.now += later

    assert shared.begin().until == clock.now + slice_seconds


async def test_work_that_begins_while_other_work_has_a_turn_has_a_short_slice(clock: Clock) -> None:
    shared = Turns()

    await shared.take()

    assert shared.begin().until == pytest.approx(100.000_25)


@pytest.mark.parametrize(("later", "slice_seconds"), [(1.5, 0.000_25), (2.0, 8.0)])
async def test_after_short_work_has_ended_the_loop_has_half_of_its_time(
    clock: Clock, later: float, slice_seconds: float
) -> None:
    shared = Turns(slice_seconds=8, min_pause_seconds=2, max_pause_seconds=2)
    work = shared.begin()
    clock.now += 4
    work.end()

    clock.now += later

    assert shared.begin().until == clock.now + slice_seconds


async def test_work_that_had_turns_does_not_end_a_first_slice(clock: Clock) -> None:
    shared = Turns(slice_seconds=8)
    work = shared.begin()
    clock.now += 1
    await work.next_turn()
    until = work.until
    await asyncio.sleep(0)
    clock.ends.pop()()
    clock.now += 4

    work.end()
    clock.now += 2.9

    assert until == 109
    # The first slice of the work and its pause would have ended after this.
    assert shared.begin().until == 107.900_25


async def test_after_the_pause_of_a_turn_the_next_one_is_taken_without_waiting(clock: Clock) -> None:
    shared = Turns()
    await shared.take()
    await asyncio.sleep(0)
    taken = shared.begin().until

    clock.ends.pop()()
    clock.now += 1
    free = shared.begin().until

    assert [taken, free] == [pytest.approx(100.000_25), pytest.approx(101.002)]
    assert not await shared.take()


async def test_work_without_a_limit_to_its_slice_never_needs_a_turn() -> None:
    shared = Turns(slice_seconds=inf)

    begun: list[LongWork] = [shared.begin() for _ in range(2)]

    assert begun[0].until == inf
