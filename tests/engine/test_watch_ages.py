"""The ages of checkpoints: what a client that follows a watch may conclude from them about the state that it has."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from rolecall.engine.feed import Feed
from rolecall.engine.watch_events import Checkpoint, ResyncRequired, WatchEvent, WatchRequest
from rolecall.roles.errors import StoreUnavailableError
from tests.engine.watching import Received, World, watching

SECOND = 1_000_000


def ages(events: list[WatchEvent]) -> list[tuple[int, int, int]]:
    """Return the revision, the staleness and the age of the stream of each checkpoint, in seconds."""
    found = [event for event in events if isinstance(event, Checkpoint)]
    return [(each.revision, each.staleness // SECOND, each.stream_age // SECOND) for each in found]


async def confirmed_again(world: World, received: Received) -> tuple[int, int, int]:
    """Return the ages of the next checkpoint of a watch that sends one at every turn."""
    count = len(ages(received.events))
    await received.until(lambda: len(ages(received.events)) > count + 1)
    return ages(received.events)[-1]


async def test_a_checkpoint_says_how_old_the_state_and_the_stream_are() -> None:
    world = World(silent_seconds=0.0)
    async with watching(world) as received:
        await received.up_to(0)
        world.now += 3 * SECOND
        older = await confirmed_again(world, received)
        await world.follower.catch_up()
        seen = await confirmed_again(world, received)
    world.close()

    assert ages(received.events)[0] == (0, 0, 0)
    assert (older, seen) == ((0, 3, 3), (0, 0, 3))


@pytest.mark.parametrize("ahead", [0, 5])
async def test_a_state_that_is_newer_than_the_clock_that_was_read_before_is_not_stale(
    monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    world = World()
    monkeypatch.setattr(world.follower, "complete_until", lambda _revision: world.now + ahead)
    async with watching(world) as received:
        events = await received.up_to(0)
    world.close()

    assert [event.staleness for event in events if isinstance(event, Checkpoint)] == [0]


async def test_the_age_grows_beyond_every_limit_while_the_store_is_down() -> None:
    world = World(silent_seconds=0.0)
    async with watching(world) as received:
        await received.up_to(0)
        world.repository.down = True
        world.now += 1_000 * SECOND
        with pytest.raises(StoreUnavailableError):
            await world.follower.catch_up()
        older = await confirmed_again(world, received)
    world.close()

    assert older == (0, 1_000, 1_000)


async def test_a_store_that_no_other_process_writes_to_is_never_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(silent_seconds=0.0)
    monkeypatch.setattr(world.follower, "_exclusive", True)
    async with watching(world) as received:
        await received.up_to(0)
        world.now += 3 * SECOND
        later = await confirmed_again(world, received)
    world.follower.snapshot.restored = True
    async with watching(world) as received:
        await received.up_to(0)
    world.close()

    assert later == (0, 0, 3)
    # What a file has restored is as old as its last comparison with the store.
    assert ages(received.events)[0] == (0, 3, 0)


async def test_a_checkpoint_of_the_past_is_as_old_as_the_state_that_lacks_the_next_change() -> None:
    world = World(silent_seconds=0.0)
    await world.write("a")
    world.now += 2 * SECOND
    await world.follower.catch_up()
    world.now += 5 * SECOND
    await world.write("b")
    await world.follower.catch_up()

    async with watching(world, WatchRequest(start_token=world.token(0))) as received:
        await received.up_to(2)
    world.close()

    # Revision 1 was last seen to be the newest at the second 2 of 7; of revision 0 that was at 0.
    assert ages(received.events)[0] == (0, 7, 0)
    assert (1, 5, 0) in ages(received.events)
    assert ages(received.events)[-1] == (2, 0, 0)


async def test_the_age_of_a_state_whose_next_changes_have_left_memory_is_a_hundred_years() -> None:
    world = World(silent_seconds=0.0)
    await world.write("a")
    await world.write("b")
    world.forget_feed()

    async with watching(world, WatchRequest(start_token=world.token(1))) as received:
        await received.up_to(2)
    world.close()

    first = next(event for event in received.events if isinstance(event, Checkpoint))
    assert (first.revision, first.staleness) == (1, timedelta(days=100 * 365) // timedelta(microseconds=1))
    assert ages(received.events)[-1] == (2, 0, 0)


async def test_a_watch_that_falls_behind_keeps_the_age_that_it_had() -> None:
    world = World(silent_seconds=0.0)
    world.follower.feed = Feed(max_changes=1)
    async with watching(world) as received:
        await received.up_to(0)
        received.gate.clear()
        await asyncio.sleep(0)
        for name in ("a", "b", "c", "d"):
            world.now += 2 * SECOND
            await world.write(name)
        before = len(received.events)
        received.gate.set()
        await received.up_to(4)
    world.close()

    behind = ages(received.events[before:])[0]
    assert behind == (0, 8, 8)


class Concluding:
    """A client that concludes from each checkpoint until when its state is complete; `acknowledged` is the truth."""

    def __init__(self, opened: int, acknowledged: dict[int, int]) -> None:
        self._opened, self._acknowledged = opened, acknowledged
        self.checkpoints = 0

    async def __call__(self, event: WatchEvent) -> None:
        assert not isinstance(event, ResyncRequired)
        if isinstance(event, Checkpoint):
            complete_until = self._opened + event.stream_age - event.staleness
            missing = [r for r, at in self._acknowledged.items() if r > event.revision and at < complete_until]
            assert not missing, (event, missing, complete_until)
            self.checkpoints += 1
        await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(12))
async def test_a_checkpoint_has_every_write_that_was_acknowledged_before_its_age(seed: int) -> None:
    chance = random.Random(seed)
    world = World(silent_seconds=0.0, page_commits=chance.randint(1, 3))
    world.follower.feed = Feed(max_changes=chance.choice([1, 3, 1_000]))
    acknowledged, clients, tasks = dict[int, int](), list[Concluding](), list[asyncio.Task[None]]()

    for number in range(80):
        world.now += chance.randint(0, 3)
        match chance.choice(["other", "own", "poll", "turns", "watch"]):
            case "other":
                acknowledged[world.put(f"other-{number}").revision] = world.now
            case "own":
                acknowledged[await world.write(f"own-{number}")] = world.now
            case "poll":
                await world.follower.catch_up()
            case "watch":
                start = world.token(chance.randint(0, world.follower.snapshot.revision))
                asked = chance.choice([WatchRequest(), WatchRequest(with_state=True), WatchRequest(start_token=start)])
                clients.append(Concluding(world.now, acknowledged))
                tasks.append(asyncio.create_task(world.watches.run(asked, clients[-1])))
            case _:
                pass
        for _ in range(chance.randint(0, 20)):
            await asyncio.sleep(0)
    failed = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    world.close()

    assert not failed
    assert sum(client.checkpoints for client in clients) > 50
