"""Watches without a network: what they send, where they read it, and that a client can follow them blindly."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rolecall.engine import initial_state as states, watch as module
from rolecall.engine.errors import FutureRevisionError, InitialStateTooSlowError, RevisionNotReachedError
from rolecall.engine.feed import Feed
from rolecall.engine.follower import Reload
from rolecall.engine.watch import RoleWatches, Slots
from rolecall.engine.watch_events import (
    Checkpoint,
    ResyncRequired,
    RoleChanged,
    RoleFound,
    WatchEvent,
    WatchOptions,
    WatchRequest,
)
from rolecall.roles.change import Author, ChangeKind, Commit
from rolecall.roles.errors import (
    BrokenHistoryError,
    InvalidTokenError,
    RevisionNotKeptError,
    StoreUnavailableError,
    UnknownIncarnationError,
)
from rolecall.roles.repository import Transaction
from rolecall.roles.role import Micros, Revision, Role
from rolecall.roles.tokens import Tokens
from tests.engine.following import Parts
from tests.engine.world import ACCOUNT, OTHER, allow, document, role

CREATED, UPDATED, DELETED = ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED
FROM_NOW = WatchRequest()
WITH_STATE = WatchRequest(with_state=True)


class World(Parts):
    """A followed store, and watches of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.watches = RoleWatches(
            self.repository,
            self.follower,
            self.readers,
            consistency=self.consistency,
            tokens=self.tokens,
            options=WatchOptions(**{"silent_seconds": 60.0, **options}),
        )

    async def write(self, *names: str, account: str = ACCOUNT, kind: ChangeKind = CREATED) -> int:
        """Write roles in one commit that is followed; return its revision."""

        def work(transaction: Transaction) -> None:
            for name in names:
                transaction.put(kind, made(name, transaction.revision, account))

        return await self.transact(work)

    async def delete(self, name: str) -> int:
        return await self.transact(lambda t: t.delete(t.roles([f"{ACCOUNT}/{name}"])[f"{ACCOUNT}/{name}"]))

    async def transact(self, work: Callable[[Transaction], object]) -> int:
        _, commit = self.repository.transact(Author(actor="test", time=Micros(0)), work)
        assert commit is not None
        await self.follower.apply_local(commit)
        return commit.revision

    def token(self, revision: int) -> str:
        return self.tokens.consistency(Revision(revision))

    def forget_feed(self) -> None:
        """Let the feed begin where the state is, as in a process that has just started."""
        self.follower.feed = Feed()
        self.follower.feed.restart(self.follower.snapshot.revision)


def made(name: str, revision: int, account: str = ACCOUNT) -> Role:
    return role(document(allow()), name=name, revision=revision, account=account)


def confirmed(revision: int) -> Checkpoint:
    """Return what equals each checkpoint of a revision, whatever its ages."""
    return Checkpoint(Revision(revision), staleness=0, stream_age=0)


class Received:
    """What a watch has received. `gate` lets each event through when it is set."""

    def __init__(self) -> None:
        self.events: list[WatchEvent] = []
        self.gate, self._news = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.stop_at_change = False

    async def __call__(self, event: WatchEvent) -> None:
        self.events.append(event)
        self._news.set()
        if self.stop_at_change and isinstance(event, RoleChanged):
            self.gate.clear()
        await self.gate.wait()

    async def up_to(self, revision: int, count: int = 1) -> list[WatchEvent]:
        """Return everything when a revision has been confirmed so many times."""
        return await self.until(lambda: self.events.count(confirmed(revision)) >= count)

    async def until(self, true: Callable[[], bool]) -> list[WatchEvent]:
        async with asyncio.timeout(20):
            while not true():
                self._news.clear()
                await self._news.wait()
        return self.events

    async def begun(self, kind: type[Any] = object) -> None:
        """Return when an event of a kind has been received."""
        await self.until(lambda: any(isinstance(event, kind) for event in self.events))

    @property
    def names(self) -> list[tuple[int, str, str]]:
        return [(e.revision, e.kind.value, e.role.role_name) for e in self.events if isinstance(e, RoleChanged)]

    @property
    def found(self) -> list[str]:
        return [event.role.role_name for event in self.events if isinstance(event, RoleFound)]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


@asynccontextmanager
async def watching(
    world: World, asked: WatchRequest = FROM_NOW, *, held_up: bool = False, stop_at_change: bool = False
) -> AsyncIterator[Received]:
    received = Received()
    received.stop_at_change = stop_at_change
    if held_up:
        received.gate.clear()
    task = asyncio.create_task(world.watches.run(asked, received))
    await asyncio.sleep(0)
    try:
        yield received
    finally:
        task.cancel()
        await asyncio.wait([task])


async def ended(world: World, asked: WatchRequest) -> list[WatchEvent]:
    received = Received()
    await asyncio.wait_for(world.watches.run(asked, received), 20)
    return received.events


def resync_of(events: list[WatchEvent]) -> str:
    assert isinstance(events[-1], ResyncRequired)
    return events[-1].reason


async def test_a_watch_confirms_its_revision_and_then_sends_changes(world: World) -> None:
    await world.write("before")
    async with watching(world) as received:
        await received.up_to(1)
        await world.write("a", "b")
        await world.delete("a")

        events = await received.up_to(3)

    assert events[0] == confirmed(1)
    assert received.names == [(2, "CREATED", "a"), (2, "CREATED", "b"), (3, "DELETED", "a")]


async def test_a_checkpoint_proves_that_a_silent_watch_lives() -> None:
    world = World(silent_seconds=0.01)
    async with watching(world) as received:
        events = await received.up_to(0, count=4)

    assert set(events) == {confirmed(0)}
    world.close()


async def test_skipped_changes_are_confirmed_too() -> None:
    world = World(silent_seconds=0.05)
    async with watching(world, WatchRequest(account_ids={OTHER})) as received:
        await world.write(*(f"r{n}" for n in range(1_200)))
        await world.write("theirs", account=OTHER)
        await received.up_to(2)
        await world.write("ours")

        await received.up_to(3)

    assert received.names == [(2, "CREATED", "theirs")]
    world.close()


async def test_no_checkpoint_comes_between_the_changes_of_one_write() -> None:
    world = World(silent_seconds=0.0)
    async with watching(world) as received:
        await received.up_to(0)
        await world.write("a", "b")
        await received.up_to(1)

    first = received.events.index(next(e for e in received.events if isinstance(e, RoleChanged)))
    following = [e.role.role_name if isinstance(e, RoleChanged) else e for e in received.events[first : first + 3]]
    assert following == ["a", "b", confirmed(1)]
    world.close()


async def test_a_large_write_yields_to_other_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROLES_BETWEEN_AWAITS", 10)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    await world.write(*(f"r{n}" for n in range(300)))
    busy = asyncio.create_task(others())
    async with watching(world, WatchRequest(account_ids={OTHER}, with_state=True)) as received:
        await received.up_to(1)
    state_turns, turns = turns, 0
    async with watching(world, WatchRequest(account_ids={OTHER}, start_token=world.token(0))) as received:
        await world.write("theirs", account=OTHER)
        await received.up_to(2)
    busy.cancel()

    assert state_turns >= 30
    assert turns >= 30


async def test_a_token_continues_from_its_revision(world: World) -> None:
    for name in ("a", "b", "c"):
        await world.write(name)

    async with watching(world, WatchRequest(start_token=world.token(1))) as received:
        events = await received.up_to(3)

    assert events[0] == confirmed(1)
    assert received.names == [(2, "CREATED", "b"), (3, "CREATED", "c")]


async def test_what_has_left_the_feed_is_read_from_the_store_in_pages() -> None:
    world = World(page_commits=3)
    for number in range(10):
        await world.write(f"r{number}", f"s{number}")
    world.forget_feed()

    async with watching(world, WatchRequest(start_token=world.token(1))) as received:
        await received.up_to(10)
        await world.write("last")
        events = await received.up_to(11)

    expected = [(n + 1, "CREATED", f"{letter}{n}") for n in range(1, 10) for letter in "rs"]
    assert received.names == [*expected, (11, "CREATED", "last")]
    assert events[0] == confirmed(1)
    world.close()


async def test_what_this_process_has_not_reached_is_not_received_before(world: World) -> None:
    for name in ("a", "b"):
        await world.write(name)
    world.forget_feed()
    world.put("others")

    async with watching(world, WatchRequest(start_token=world.token(0))) as received:
        await received.up_to(2)
        early = list(received.names)
        await world.follower.catch_up()
        await received.up_to(3)

    assert [name for _, _, name in early] == ["a", "b"]
    assert [name for _, _, name in received.names] == ["a", "b", "others"]


async def test_a_token_ahead_of_this_process_is_waited_for(world: World) -> None:
    commit = world.put("others")

    async with watching(world, WatchRequest(start_token=world.token(commit.revision))) as received:
        await received.up_to(1)

    assert world.follower.snapshot.revision == 1
    assert received.names == []


async def test_tokens_of_the_future_forged_ones_and_those_that_cannot_be_reached_are_refused(
    world: World,
) -> None:
    # row 55 of the faults
    with pytest.raises(FutureRevisionError, match=r"^`start_token` requires revision 7, but the store is at 0"):
        await ended(world, WatchRequest(start_token=world.token(7)))
    with pytest.raises(InvalidTokenError) as forged:
        await ended(world, WatchRequest(start_token=world.token(0)[:-2]))
    world.repository.down = True
    with pytest.raises(RevisionNotReachedError, match=r"^`start_token` requires revision 7, .*; retry$"):
        await ended(world, WatchRequest(start_token=world.token(7)))

    assert forged.value.kind == "start_token"
    assert str(forged.value) == (
        "`start_token` is not a token of this store; start from the token of a checkpoint, or read the initial state again"
    )


async def test_a_token_of_another_history_needs_the_state_again(world: World) -> None:
    # row 55 of the faults
    stranger = Tokens(world.repository.token_key, "another").consistency(Revision(0))

    events = await ended(world, WatchRequest(start_token=stranger))

    assert len(events) == 1
    assert "another history" in resync_of(events)
    with pytest.raises(UnknownIncarnationError, match=r"^`start_token` comes from another history of the store"):
        await world.watches.reach(stranger)


async def test_pruned_changes_need_the_state_again(world: World) -> None:
    for name in ("a", "b", "c"):
        await world.write(name)
    world.repository.prune(keep_after=Micros(2**62), keep_revisions=1, forget_requests_before=Micros(0))
    world.forget_feed()

    events = await ended(world, WatchRequest(start_token=world.token(0)))

    assert len(events) == 1
    assert "no longer kept" in resync_of(events)


@pytest.mark.parametrize("missing", ["first", "later", "all"])
async def test_a_gap_is_never_passed_over(world: World, missing: str) -> None:
    # row 65 of the faults
    for name in ("a", "b", "c"):
        await world.write(name)
    world.forget_feed()
    commits = world.repository.commits

    def with_a_gap(**where: Any) -> list[Commit]:
        found = commits(**where)
        return {"first": found[1:], "later": [found[0], *found[2:]], "all": []}[missing]

    world.repository.commits = with_a_gap  # type: ignore[method-assign]

    events = await ended(world, WatchRequest(start_token=world.token(0)))

    assert "missing" in resync_of(events)
    assert not any(isinstance(event, RoleChanged) and event.revision > 1 for event in events)


async def test_a_history_that_was_altered_needs_the_state_again(world: World) -> None:
    await world.write("a")
    world.forget_feed()

    def altered(**_: object) -> list[Commit]:
        raise BrokenHistoryError("altered")

    world.repository.commits = altered  # type: ignore[method-assign]

    events = await ended(world, WatchRequest(start_token=world.token(0)))

    assert "cannot be read as they were written" in resync_of(events)


async def test_a_store_that_cannot_be_reached_ends_the_watch_with_an_error(world: World) -> None:
    await world.write("a")
    world.forget_feed()

    def down(**_: object) -> list[Commit]:
        raise StoreUnavailableError("down")

    world.repository.commits = down  # type: ignore[method-assign]

    with pytest.raises(StoreUnavailableError):
        await ended(world, WatchRequest(start_token=world.token(0)))


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


async def stopped(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


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


# --- another history, and watches that have gone


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


async def no_news(_: WatchEvent) -> None:
    return


# --- slots


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
