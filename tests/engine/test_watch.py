"""Watches without a network: what they send, and from which revision they begin."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rolecall.engine import watch as module
from rolecall.engine.errors import FutureRevisionError, RevisionNotReachedError
from rolecall.engine.watch_events import RoleChanged, WatchRequest
from rolecall.roles.change import Commit
from rolecall.roles.errors import BrokenHistoryError, InvalidTokenError, StoreUnavailableError, UnknownIncarnationError
from rolecall.roles.role import Micros, Revision
from rolecall.roles.tokens import Tokens
from tests.engine.watching import World, confirmed, ended, resync_of, watching
from tests.engine.world import OTHER


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
