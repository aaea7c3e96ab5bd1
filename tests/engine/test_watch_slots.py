"""What a slow watch, or one that has ended, keeps of memory and of the readers of the store."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rolecall.engine.watch import Slots
from rolecall.engine.watch_events import RoleChanged, RoleFound, WatchRequest
from rolecall.roles.change import Commit
from tests.engine.watching import FROM_NOW, WITH_STATE, Received, World, no_news, stopped, watching
from tests.engine.world import OTHER


async def test_slow_watches_of_old_changes_lose_their_page_and_continue_where_they_were() -> None:
    world = World(page_commits=4, page_bytes=1)
    for number in range(8):
        await world.write(f"a{number}", f"b{number}")
    world.forget_feed()
    slow = [Received() for _ in range(3)]
    for each in slow:
        each.stop_at_change = True
    tasks = [asyncio.create_task(world.watches.run(WatchRequest(start_token=world.token(0)), each)) for each in slow]
    for each in slow:
        await each.begun(RoleChanged)
    pages = len(world.watches.pages)

    async with watching(world, WatchRequest(start_token=world.token(0))) as other:
        await other.up_to(8)
    for each in slow:
        each.stop_at_change = False
        each.gate.set()
    for each in slow:
        await each.up_to(8)

    expected = [(n + 1, "CREATED", f"{letter}{n}") for n in range(8) for letter in "ab"]
    assert pages == 1
    assert other.names == expected
    assert [each.names for each in slow] == [expected] * 3
    assert (len(world.watches.pages), world.watches.pages.bytes) == (0, 0)
    await stopped(tasks)
    world.close()


async def test_a_watch_that_waits_for_its_client_keeps_no_commit_and_no_list(world: World) -> None:
    await world.write("a", "b")
    received = [Received(), Received()]
    for each in received:
        each.gate.clear()
    runs: list[Any] = [
        world.watches.run(asked, each) for asked, each in zip((FROM_NOW, WITH_STATE), received, strict=True)
    ]
    tasks = [asyncio.create_task(run) for run in runs]
    await received[0].until(lambda: bool(received[0].events))
    received[0].stop_at_change = True
    received[0].gate.set()
    await world.write("c", "d")
    await received[0].until(lambda: bool(received[0].names))
    await received[1].until(lambda: bool(received[1].found))

    kinds = {type(value) for run in runs for value in locals_of(run)}

    assert {RoleChanged, RoleFound} <= kinds
    assert not kinds & {Commit, list, tuple, deque}
    await stopped(tasks)


def locals_of(coroutine: Any) -> Iterator[object]:
    """Yield what the frames of a coroutine that waits refer to."""
    while frame := getattr(coroutine, "cr_frame", None):
        yield from frame.f_locals.values()
        coroutine = coroutine.cr_await


async def test_pages_of_changes_that_a_watch_does_not_cover_yield_to_other_work() -> None:
    world, turns = World(page_commits=1), 0
    for number in range(100):
        await world.write(f"r{number}")

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    busy = asyncio.create_task(others())
    async with watching(world, WatchRequest(account_ids={OTHER}, start_token=world.token(0))):
        while world.follower.feed.waiting < 1:  # noqa: ASYNC110
            await asyncio.sleep(0)
    busy.cancel()

    assert turns >= 100
    world.close()


class CountedReaders(ThreadPoolExecutor):
    """Hands work on to other threads, and counts it."""

    def __init__(self, readers: ThreadPoolExecutor) -> None:
        super().__init__(1)
        self._readers, self.submitted = readers, 0

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.submitted += 1
        return self._readers.submit(work, *args, **kwargs)


async def test_reads_that_are_queued_for_a_watch_that_has_ended_are_not_started() -> None:
    world = World(reads=8)
    for n in range(3):
        await world.write(f"r{n}")
    start = world.token(1)
    world.forget_feed()
    go_on, commits, started = threading.Event(), world.repository.commits, threading.Semaphore(0)
    reads = list[int]()

    def hanging(**where: Any) -> Any:
        reads.append(1)
        started.release()
        go_on.wait(30)
        return commits(**where)

    world.repository.commits = hanging  # type: ignore[method-assign]
    world.watches.readers = queue = CountedReaders(world.readers)
    for number in range(5):
        watches = [asyncio.create_task(world.watches.run(WatchRequest(start_token=start), no_news)) for _ in range(8)]
        async with asyncio.timeout(20):
            while queue.submitted < 8 * (number + 1):  # noqa: ASYNC110
                await asyncio.sleep(0)
        for _ in range(0 if number else 2):
            await asyncio.to_thread(started.acquire, timeout=20)
        for each in watches:
            each.cancel()
        await asyncio.wait(watches)
    go_on.set()
    # Runs after everything that is queued before it.
    await world.writer.read(lambda: None)
    world.close()

    assert (queue.submitted, len(reads)) == (40, 2)


async def test_slots_are_assigned_in_the_order_of_the_requests() -> None:
    slots = Slots(2)
    requested = [slots.acquire() for _ in range(5)]
    assigned = [slot.done() for slot in requested]

    slots.release(requested[2])
    slots.release(requested[0])

    assert assigned == [True, True, False, False, False]
    assert [slot.done() for slot in requested] == [True, True, False, True, False]
    assert slots.waiting == 1


async def test_a_slot_that_is_released_is_free_again() -> None:
    slots = Slots(1)
    first = slots.acquire()

    slots.release(first)
    second, third = slots.acquire(), slots.acquire()

    assert second.done()
    assert not third.done()
