"""The lists that watches read as their initial state: who shares one, when the oldest is taken away, and when one is freed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rolecall.engine.errors import InitialStateTooSlowError
from rolecall.engine.initial_state import InitialState, InitialStates
from rolecall.engine.watch import RoleWatches
from rolecall.roles.role import Revision
from tests.engine.following import Parts
from tests.engine.world import ACCOUNT


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    made = Parts()
    await made.follower.apply_local(made.put("a"))
    yield made
    made.close()


def change(parts: Parts, changes: int = 1_001) -> None:
    """Let the feed count so many changes, by default as many as no watch may receive after its list."""
    parts.follower.feed.added += changes


def is_taken(state: InitialState) -> bool:
    try:
        state.role(0)
    except InitialStateTooSlowError as error:
        return error.limit_seconds == 60
    return False


async def test_a_list_has_every_role_of_its_revision_whatever_is_written_later(parts: Parts) -> None:
    states = InitialStates(8, 60)

    state = states.join(parts.follower, now=0)
    await parts.follower.apply_local(parts.put("b"))

    assert [state.role(number).role_name for number in range(state.count)] == ["a"]
    assert (state.revision, state.generation, state.changes_before) == (1, parts.follower.feed.generation, 1)


@pytest.mark.parametrize(("changes", "joined"), [(1_000, True), (1_001, False)])
async def test_a_list_is_joined_while_at_most_a_thousand_changes_were_written_since(
    parts: Parts, changes: int, joined: bool
) -> None:
    states = InitialStates(8, 60)
    first = states.join(parts.follower, now=0)

    change(parts, changes)

    assert (states.join(parts.follower, now=0) is first) is joined


async def test_the_newest_list_is_joined_and_not_an_older_one(parts: Parts) -> None:
    states = InitialStates(8, 60)
    made = list[InitialState]()
    for changes in (1_001, 1_000):
        made.append(states.join(parts.follower, now=0))
        change(parts, changes)

    assert made[0] is not made[1]
    assert states.join(parts.follower, now=0) is made[1]


async def test_watches_share_a_list_until_the_last_of_them_leaves(parts: Parts) -> None:
    states = InitialStates(8, 60)
    first, second = states.join(parts.follower, now=0), states.join(parts.follower, now=1)
    readers = first.readers

    states.leave(first)
    shared = len(states)
    states.leave(second)

    assert first is second
    assert (readers, shared, len(states), first.readers, first.joined_at) == (2, 1, 0, 0, 1)


@pytest.mark.parametrize(("later", "taken"), [(59.9, False), (60.0, True)])
async def test_the_oldest_list_is_taken_when_nobody_has_joined_it_for_a_minute(
    parts: Parts, later: float, taken: bool
) -> None:
    change(parts)
    states = InitialStates(2, 60)
    oldest = states.join(parts.follower, now=0)
    change(parts)
    newest = states.join(parts.follower, now=1)
    change(parts)

    joined = states.join(parts.follower, now=later)

    assert is_taken(oldest) is taken
    assert (joined is newest) is not taken
    assert (len(states), is_taken(newest), is_taken(joined)) == (2, False, False)


async def test_while_there_is_room_no_list_is_taken_however_old(parts: Parts) -> None:
    states, joined = InitialStates(3, 60), list[InitialState]()

    for now in (0, 1_000, 2_000):
        change(parts)
        joined.append(states.join(parts.follower, now=now))

    assert [is_taken(state) for state in joined] == [False, False, False]
    assert len(states) == len(set(map(id, joined))) == 3


async def test_a_list_that_was_taken_away_may_be_left(parts: Parts) -> None:
    change(parts)
    states = InitialStates(1, 0)
    taken = states.join(parts.follower, now=0)
    change(parts)
    states.join(parts.follower, now=0)

    states.leave(taken)

    assert (len(states), taken.readers) == (1, 0)


async def test_a_list_of_another_history_is_taken_whatever_its_age(parts: Parts) -> None:
    states = InitialStates(8, 60)
    before = states.join(parts.follower, now=0)

    parts.follower.feed.restart(Revision(1))
    after = states.join(parts.follower, now=0)

    assert (is_taken(before), is_taken(after), len(states)) == (True, False, 1)
    assert after.role(0).key == f"{ACCOUNT}/a"


async def test_without_other_options_watches_have_eight_reads_eight_lists_and_32_mebibytes_of_pages(
    parts: Parts,
) -> None:
    change(parts)
    watches = RoleWatches(
        parts.repository, parts.follower, parts.readers, consistency=parts.consistency, tokens=parts.tokens
    )

    reads = [watches.slots.acquire().done() for _ in range(9)]
    joined = list[InitialState]()
    for _ in range(9):
        change(parts)
        joined.append(watches.states.join(parts.follower, now=59.9))
    one_more = watches.states.join(parts.follower, now=119.9)

    assert reads == [True] * 8 + [False]
    assert (len({id(state) for state in joined}), joined[8] is joined[7]) == (8, True)
    assert [is_taken(state) for state in joined[:2]] == [True, False]
    assert one_more not in joined
    assert watches.pages._max_bytes == 32 << 20
    # A watch is without a checkpoint for at most five seconds, those that it takes to send one included.
    assert (watches.options.silent_seconds, watches.options.page_commits) == (4.0, 50)
