"""The state that a watch may begin with: of one revision, shared by watches, and never kept for a slow one."""

from __future__ import annotations

import asyncio

import pytest

from rolecall.engine import initial_state as states, watch as module
from rolecall.engine.errors import InitialStateTooSlowError
from rolecall.engine.watch_events import Checkpoint, ResyncRequired, RoleFound, WatchRequest
from rolecall.roles.role import Revision
from tests.engine.watching import (
    FROM_NOW,
    UPDATED,
    WITH_STATE,
    Received,
    World,
    confirmed,
    resync_of,
    stopped,
    watching,
)


async def test_the_state_is_that_of_one_revision_while_others_write(world: World) -> None:
    await world.write("a", "b", "c")
    async with watching(world, WITH_STATE, held_up=True) as received:
        await received.until(lambda: len(received.events) == 1)
        await world.delete("c")
        await world.write("a", kind=UPDATED)
        received.gate.set()
        events = await received.up_to(3)

    assert sorted(received.found) == ["a", "b", "c"]
    assert {event.role.revision for event in events if isinstance(event, RoleFound)} == {1}
    assert events[3] == confirmed(1)
    assert received.names == [(2, "DELETED", "c"), (3, "UPDATED", "a")]


async def test_a_state_that_is_reloaded_meanwhile_is_not_sent_to_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROLES_BETWEEN_AWAITS", 2)
    await world.write(*(f"r{n}" for n in range(10)))
    received = Received()
    received.gate.clear()
    task = asyncio.create_task(world.watches.run(WITH_STATE, received))
    await received.until(lambda: len(received.events) == 1)

    world.follower.feed.restart(Revision(1))
    received.gate.set()
    await asyncio.wait_for(task, 20)

    assert len(received.found) < 10
    resync_of(received.events)


async def test_a_watch_that_waits_for_a_slot_receives_checkpoints() -> None:
    world = World(reads=1, silent_seconds=0.02)
    await world.write("a")
    world.forget_feed()
    slot = world.watches.slots.acquire()

    async with watching(world, WatchRequest(start_token=world.token(0))) as received:
        await received.up_to(0, count=3)
        world.watches.slots.release(slot)
        await received.up_to(1)

    assert received.names == [(1, "CREATED", "a")]
    world.close()


async def test_nothing_is_kept_when_the_watches_have_ended(world: World) -> None:
    await world.write("a")
    tasks = [asyncio.create_task(world.watches.run(asked, Received())) for asked in (FROM_NOW, WITH_STATE) * 50]
    while world.follower.feed.waiting < 100:  # noqa: ASYNC110
        await asyncio.sleep(0)

    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

    assert all(task.cancelled() for task in tasks)
    assert (world.follower.feed.waiting, world.watches.slots.waiting) == (0, 0)
    assert world.watches.slots.acquire().done()


async def test_eight_watches_that_do_not_read_keep_no_other_from_the_state() -> None:
    world = World(states=8, state_seconds=60.0)
    for number in range(8):
        await world.write(f"r{number}")
    slow = [Received() for _ in range(8)]
    for each in slow:
        each.gate.clear()
    tasks = [asyncio.create_task(world.watches.run(WITH_STATE, each)) for each in slow]
    for each in slow:
        await each.begun()

    async with watching(world, WITH_STATE) as ninth:
        await ninth.up_to(8)
    found, lists = sorted(ninth.found), len(world.watches.states)
    for each in slow:
        each.gate.set()
    for each in slow:
        await each.up_to(8)

    assert found == [f"r{number}" for number in range(8)]
    assert lists == 1
    assert [sorted(each.found) for each in slow] == [found] * 8
    assert len(world.watches.states) == 0
    await stopped(tasks)
    world.close()


async def test_slow_watches_of_different_states_keep_no_other_waiting_and_the_oldest_loses_its_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(states, "JOINED_CHANGES", 0)
    world = World(states=8, state_seconds=0.0)
    await world.write("a", "b")
    slow, tasks = list[Received](), list[asyncio.Task[None]]()
    for number in range(8):
        await world.write(f"r{number}")
        slow.append(Received())
        slow[-1].gate.clear()
        tasks.append(asyncio.create_task(world.watches.run(WITH_STATE, slow[-1])))
        await slow[-1].until(lambda: len(slow[-1].events) == 1)
    await world.write("last")

    async with watching(world, WITH_STATE) as ninth:
        await ninth.up_to(10)
        lists = len(world.watches.states)
    for each in slow:
        each.gate.set()
    for each in slow[1:]:
        await each.up_to(10)

    with pytest.raises(InitialStateTooSlowError, match="not read within 0 seconds"):
        await asyncio.wait_for(tasks[0], 20)
    assert (len(ninth.found), len(ninth.names), lists) == (11, 0, 7)
    await stopped(tasks)
    world.close()


async def test_before_a_state_may_be_taken_away_a_watch_joins_the_newest_and_receives_the_rest_as_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(states, "JOINED_CHANGES", 0)
    world = World(states=2, state_seconds=3_600.0)
    tasks = list[asyncio.Task[None]]()
    slow = [Received(), Received()]
    for number, each in enumerate(slow):
        await world.write(f"r{number}")
        each.gate.clear()
        tasks.append(asyncio.create_task(world.watches.run(WITH_STATE, each)))
        await each.begun()
    await world.write("later")

    async with watching(world, WITH_STATE) as third:
        await third.up_to(3)

    assert sorted(third.found) == ["r0", "r1"]
    assert third.names == [(3, "CREATED", "later")]
    assert len(world.watches.states) == 2
    await stopped(tasks)
    world.close()


@pytest.mark.parametrize(("changes", "lists"), [(1_000, 1), (1_001, 2)])
async def test_a_watch_joins_a_state_that_is_at_most_a_thousand_changes_old(
    world: World, changes: int, lists: int
) -> None:
    await world.write("a")
    async with watching(world, WITH_STATE, held_up=True) as first:
        await first.until(lambda: len(first.events) == 1)
        await world.write(*(f"r{number}" for number in range(changes)))
        async with watching(world, WITH_STATE, held_up=True) as second:
            await second.until(lambda: len(second.events) == 1)
            alive = len(world.watches.states)

    assert alive == lists


async def test_a_state_of_another_history_is_not_joined_and_its_memory_is_freed_at_once(world: World) -> None:
    await world.write("a", "b")
    async with watching(world, WITH_STATE, held_up=True) as first:
        await first.until(lambda: len(first.events) == 1)
        world.follower.feed.restart(world.follower.snapshot.revision)
        async with watching(world, WITH_STATE) as second:
            await second.up_to(1)
            lists = len(world.watches.states)
        first.gate.set()
        await first.until(lambda: isinstance(first.events[-1], ResyncRequired))

    assert lists == 0
    assert sorted(second.found) == ["a", "b"]
    assert "reloaded its state" in resync_of(first.events)


async def test_no_checkpoint_is_sent_before_the_state() -> None:
    world = World(silent_seconds=0.0)
    await world.write("a", "b")

    async with watching(world, WITH_STATE) as received:
        events = await received.up_to(1)

    assert [type(event) for event in events[:3]] == [RoleFound, RoleFound, Checkpoint]
    world.close()
