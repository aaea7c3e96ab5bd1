"""When a watch sends checkpoints, how many changes it passes over at once, and how often it looks for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from rolecall.engine.pace import AT_ONCE
from rolecall.engine.watch import _Watch
from rolecall.engine.watch_events import Checkpoint, ResyncRequired, RoleChanged, RoleFound, WatchEvent, WatchRequest
from rolecall.roles.change import Change, ChangeKind, Commit
from rolecall.roles.role import Revision
from tests.engine.watching import FROM_NOW, Received, World, confirmed, made, no_news, stopped, watching
from tests.engine.world import ACCOUNT, OTHER


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    world.close()


def order(events: list[WatchEvent]) -> list[str | int]:
    """Return the name of each changed role, and the revision of each checkpoint."""
    kept = [event for event in events if isinstance(event, RoleChanged | Checkpoint)]
    return [event.role.role_name if isinstance(event, RoleChanged) else int(event.revision) for event in kept]


async def test_a_checkpoint_comes_after_a_page_and_not_after_each_write_of_it() -> None:
    world = World(page_commits=3)
    for name in "abcdefg":
        await world.write(name)

    async with watching(world, WatchRequest(start_token=world.token(0))) as received:
        await received.up_to(7)
    world.close()

    assert order(received.events) == [0, "a", "b", "c", 3, "d", "e", "f", 6, "g", 7]


async def test_a_checkpoint_that_is_due_comes_between_two_writes_of_a_page() -> None:
    world = World(silent_seconds=0.0, page_commits=3)
    for name in "abc":
        await world.write(name)

    async with watching(world, WatchRequest(start_token=world.token(0))) as received:
        await received.up_to(3)
    world.close()

    assert order(received.events)[:6] == [0, "a", 1, "b", 2, "c"]


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 40.0), (0.5, 35.0), (1.0, 30.0)])
async def test_the_next_checkpoint_comes_up_to_a_quarter_early(
    monkeypatch: pytest.MonkeyPatch, chance: float, seconds: float
) -> None:
    world, received = World(silent_seconds=40.0), Received()
    watch = _Watch(world.watches, WatchRequest(), received)
    monkeypatch.setattr("random.random", lambda: chance)

    sent = list[int]()
    for time in (100.0, 99.9 + seconds, 100.0 + seconds):
        monkeypatch.setattr(watch, "_now", partial(float, time))
        await watch._checkpoint_if_due()
        sent.append(len(received.events))
    world.close()

    assert sent == [1, 1, 2]


def commit_of(count: int, account: str) -> Commit:
    role = made("a", 1, account)
    return Commit(
        revision=Revision(1),
        author=None,  # type: ignore[arg-type]
        changes=tuple(Change(ChangeKind.CREATED, replace(role, role_name=f"r{n}")) for n in range(count)),
        hash=b"",
    )


async def test_a_watch_passes_over_at_most_500_changes_of_other_accounts_at_once(world: World) -> None:
    watch, commit = _Watch(world.watches, WatchRequest(account_ids={OTHER}), no_news), commit_of(1_001, ACCOUNT)

    passed = list[int]()
    for _ in range(3):
        assert watch._next_change(commit) is None
        passed.append(watch._passed)

    assert passed == [500, 1_000, 1_001]


async def test_a_watch_passes_over_500_roles_of_other_accounts_before_other_work_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, yields, sleep = _Watch(world.watches, WatchRequest(account_ids={OTHER}), no_news), list[int](), asyncio.sleep
    state: Any = type("State", (), {"role": lambda _self, _number: made("a", 1)})()
    numbers = iter(range(1_001))

    async def counted(seconds: float) -> None:
        yields.append(number)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", counted)
    for number in numbers:
        await watch._send_found(state, number)

    assert yields == [499, 999]


async def test_a_watch_that_has_sent_everything_does_not_look_for_more_before_it_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, after = list[int](), world.follower.feed.after

    def counted(revision: Revision) -> Commit | None:
        looked.append(revision)
        return after(revision)

    monkeypatch.setattr(world.follower.feed, "after", counted)

    async with watching(world) as received:
        await received.up_to(0)
        await world.write("a")
        await received.up_to(1)

    # To see whether the feed has it, to send its only change, to find its end, and to find that there is no other.
    assert looked == [0, 0, 0, 1]
    assert received.events[-1] == confirmed(1)


@pytest.mark.parametrize("sent", [0, 1, 2])
async def test_what_waited_for_its_turn_while_the_state_was_reloaded_is_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    await world.write("a", "b")
    turns, received = 0, Received()

    async def turn() -> None:
        nonlocal turns
        turns += 1
        if turns == sent + 1:
            world.follower.feed.restart(Revision(1))

    monkeypatch.setattr(world.watches.pace, "turn", turn)
    await asyncio.wait_for(world.watches.run(WatchRequest(with_state=True), received), 20)

    assert [type(event) for event in received.events] == [*[RoleFound] * sent, ResyncRequired]


@pytest.mark.parametrize("ending", [False, True])
async def test_thousands_of_watches_are_served_or_ended_a_few_at_a_time(world: World, ending: bool) -> None:
    sent, turns = 0, list[int]()

    async def send(_: WatchEvent) -> None:
        nonlocal sent
        sent += 1

    tasks = [asyncio.create_task(world.watches.run(FROM_NOW, send)) for _ in range(1_000)]
    while world.follower.feed.waiting < 1_000:  # noqa: ASYNC110
        await asyncio.sleep(0)
    before, messages = sent, 1_000 if ending else 2_000
    if ending:
        world.follower.feed.restart(Revision(0))
    else:
        await world.write("a")
    async with asyncio.timeout(20):
        while sent < before + messages:
            turns.append(sent)
            await asyncio.sleep(0)

    # Other work that is ready runs after at most one portion.
    assert max(after - earlier for earlier, after in pairwise(turns)) <= AT_ONCE
    await stopped(tasks)
