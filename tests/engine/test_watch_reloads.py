"""What a watch sends when the state of its process is loaded again, and of histories that are lost."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from rolecall.engine.feed import Feed
from rolecall.engine.follower import Reload
from rolecall.engine.watch_events import Checkpoint, ResyncRequired, RoleChanged, RoleFound, WatchEvent, WatchRequest
from rolecall.roles.change import Commit
from rolecall.roles.errors import RevisionNotKeptError
from rolecall.roles.repository import Transaction
from rolecall.roles.role import Revision, Role
from tests.engine.watching import (
    CREATED,
    DELETED,
    FROM_NOW,
    UPDATED,
    WITH_STATE,
    Received,
    World,
    ended,
    made,
    resync_of,
    watching,
)
from tests.engine.world import ACCOUNT


async def test_after_a_reload_of_the_same_roles_every_watch_continues(world: World) -> None:
    await world.write("a")
    async with watching(world, WITH_STATE) as with_state, watching(world) as from_now:
        await with_state.up_to(1)
        await from_now.up_to(1)
        world.put("b")  # by another process, and first seen by the load

        await world.follower.reload(Reload.MISMATCH)
        await world.write("c")
        await with_state.up_to(3)
        await from_now.up_to(3)

    expected = [(2, "CREATED", "b"), (3, "CREATED", "c")]
    assert [with_state.names, from_now.names] == [expected, expected]
    assert with_state.found == ["a"]


async def test_a_reload_that_corrects_a_role_requires_the_state_again(world: World) -> None:
    await world.write("a", "b")
    world.follower.snapshot.advance({f"{ACCOUNT}/b": made("b", revision=2)}, Revision(1))
    async with watching(world, WITH_STATE) as received:
        await received.up_to(1)

        await world.follower.reload(Reload.MISMATCH)
        await received.until(lambda: isinstance(received.events[-1], ResyncRequired))

    assert "reloaded its state" in resync_of(received.events)


async def test_a_reload_behind_commits_that_are_gone_requires_the_state_again(world: World) -> None:
    await world.write("a")
    commits = world.repository.commits

    def forgotten(*, after: Revision, limit: int) -> list[Commit]:
        if after == 1:
            raise RevisionNotKeptError(1, floor=2, message="forgotten")
        return commits(after=after, limit=limit)

    async with watching(world) as received:
        await received.up_to(1)
        world.repository.commits = forgotten  # type: ignore[method-assign]
        world.put("b")

        await world.follower.catch_up()
        await received.until(lambda: isinstance(received.events[-1], ResyncRequired))

    assert world.reloads == {"behind": 1}
    assert "reloaded its state" in resync_of(received.events)


async def test_after_a_reload_of_another_state_every_watch_needs_the_state_again(world: World) -> None:
    await world.write("a")
    received = [Received(), Received()]
    tasks = [asyncio.create_task(world.watches.run(FROM_NOW, each)) for each in received]
    for each in received:
        await each.up_to(1)

    world.follower.feed.restart(Revision(1))
    await asyncio.wait(tasks, timeout=20)

    assert ["reloaded its state" in resync_of(each.events) for each in received] == [True, True]


@pytest.mark.parametrize("head", [0, 1])
async def test_a_page_that_was_read_from_another_history_is_not_sent(world: World, head: int) -> None:
    await world.write("a")
    world.forget_feed()
    commits = world.repository.commits

    def while_the_state_is_reloaded(**where: Any) -> list[Commit]:
        world.follower.feed.head, world.follower.feed.generation = Revision(head), world.follower.feed.generation + 1
        return commits(**where)

    world.repository.commits = while_the_state_is_reloaded  # type: ignore[method-assign]

    events = await ended(world, WatchRequest(start_token=world.token(0)))

    # Not that changes are missing: with a lower head, the page of the other history would look like that.
    assert "reloaded its state" in resync_of(events)
    assert len(events) == 1


class Copy:
    """Follows a watch blindly: what is found and changed, and nothing else."""

    def __init__(self) -> None:
        self.roles: dict[str, Role] = {}
        self.revision = -1
        self.seen: dict[int, dict[str, Role]] = {}

    async def __call__(self, event: WatchEvent) -> None:
        match event:
            case RoleFound(found):
                assert found.key not in self.roles
                self.roles[found.key] = found
            case RoleChanged(revision, kind, changed):
                assert revision > self.revision
                assert (changed.key in self.roles) == (kind is not CREATED)
                if kind is DELETED:
                    del self.roles[changed.key]
                else:
                    self.roles[changed.key] = changed
            case Checkpoint(revision):
                assert revision >= self.revision
                self.revision = revision
                self.seen[revision] = dict(self.roles)
            case ResyncRequired():
                raise AssertionError(event.reason)
        await asyncio.sleep(0)


class Followers:
    """Copies that come, leave, and come back where their last checkpoint was."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.copies: list[Copy] = []
        self._tasks: list[asyncio.Task[None]] = []

    def come(self) -> None:
        self.copies.append(Copy())
        self._tasks.append(asyncio.create_task(self._world.watches.run(WITH_STATE, self.copies[-1])))

    async def leave_and_return(self, number: int) -> None:
        self._tasks[number].cancel()
        await asyncio.wait([self._tasks[number]])
        copy = self.copies[number]
        copy.roles = dict(copy.seen.get(copy.revision, {}))
        asked = WatchRequest(start_token=self._world.token(copy.revision)) if copy.seen else WITH_STATE
        self._tasks[number] = asyncio.create_task(self._world.watches.run(asked, copy))

    async def reach(self, revision: int) -> None:
        async with asyncio.timeout(120):
            while any(copy.revision < revision for copy in self.copies):
                assert not any(task.done() for task in self._tasks)
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)


@pytest.mark.parametrize("seed", range(8))
async def test_a_blind_follower_has_at_each_checkpoint_the_state_of_its_revision(seed: int) -> None:
    chance = random.Random(seed)
    world = World(silent_seconds=chance.choice([0.005, 0.02, 60.0]), page_commits=chance.randint(1, 5))
    world.follower.feed = Feed(max_changes=chance.choice([1, 5, 1_000]))
    followers, true = Followers(world), {0: dict[str, Role]()}

    def write(transaction: Transaction) -> None:
        for name in chance.sample("abcdefgh", chance.randint(1, 4)):
            old = transaction.role(f"{ACCOUNT}/{name}")
            if old and chance.random() < 0.4:
                transaction.delete(old)
            else:
                transaction.put(UPDATED if old else CREATED, made(name, transaction.revision))

    for number in range(60):
        if number % 5 == 0:
            followers.come()
        if chance.random() < 0.3:
            await followers.leave_and_return(chance.randrange(len(followers.copies)))
        revision = await world.transact(write)
        true[revision] = {version.role.key: version.role for version in world.follower.snapshot.versions()}
        for _ in range(chance.randint(0, 30)):
            await asyncio.sleep(0)
    await followers.reach(60)

    for copy in followers.copies:
        assert copy.seen == {revision: true[revision] for revision in copy.seen}
    await followers.close()
    world.close()


async def test_no_checkpoint_names_a_place_of_a_history_that_is_lost() -> None:
    world = World(silent_seconds=0.0)  # so that a checkpoint is always due
    await world.write("base")
    saved, start = world.repository.saved(), world.token(1)
    for n in range(5):
        await world.write(f"lost-{n}")

    async with watching(world, WatchRequest(start_token=start), stop_at_change=True) as received:
        await received.until(lambda: len(received.names) >= 1)
        world.repository.put_back(saved)
        for n in range(8):
            world.put(f"new-{n}")
        await world.follower.catch_up()
        received_before = len(received.events)
        received.stop_at_change = False
        received.gate.set()
        await received.until(lambda: isinstance(received.events[-1], ResyncRequired))
    world.close()

    assert len(received.names) == 1

    assert not [event for event in received.events[received_before:] if isinstance(event, Checkpoint)]
