"""Stores that lost commits or have another history: the state is loaded again under a new name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rolecall.engine.consistency import AtLeastAsFresh
from rolecall.engine.follower import Follower
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.change import Commit
from rolecall.roles.errors import StoreUnavailableError, UnknownIncarnationError
from rolecall.roles.repository import Head
from rolecall.roles.role import Revision
from tests.engine.following import Parts, held


async def test_a_store_that_lost_commits_is_reloaded_under_a_new_name(parts: Parts) -> None:
    # row 69 of the faults
    parts.put("kept")
    saved = parts.repository.saved()
    lost = parts.put("lost")
    await parts.follower.catch_up()
    token, incarnation = parts.consistency.token(), parts.repository.head().incarnation
    parts.repository.put_back(saved)

    await parts.follower.catch_up()

    assert (parts.reloads, held(parts), parts.follower.snapshot.revision) == ({"fork": 1}, {"kept"}, lost.revision - 1)
    assert parts.repository.head().incarnation == parts.follower.snapshot.incarnation != incarnation
    with pytest.raises(UnknownIncarnationError):
        await parts.consistency.reach(AtLeastAsFresh(token))
    await parts.consistency.reach(AtLeastAsFresh(parts.consistency.token()))


async def test_another_history_of_the_same_length_is_recognised_by_its_hash(parts: Parts) -> None:
    # row 69 of the faults
    parts.put("kept")
    saved = parts.repository.saved()
    parts.put("lost")
    await parts.follower.catch_up()
    parts.repository.put_back(saved)
    parts.put("other")

    await parts.follower.catch_up()

    assert (parts.reloads, held(parts)) == ({"fork": 1}, {"kept", "other"})


async def test_another_longer_history_is_recognised_by_its_previous_hash(parts: Parts) -> None:
    # row 69 of the faults
    saved = parts.repository.saved()
    parts.put("lost")
    await parts.follower.catch_up()
    parts.repository.put_back(saved)
    for name in ("x", "y", "z"):
        parts.put(name)

    await parts.follower.catch_up()

    assert (parts.reloads, held(parts)) == ({"fork": 1}, {"x", "y", "z"})


async def test_an_own_write_finds_that_the_store_lost_commits(parts: Parts) -> None:
    # row 69 of the faults
    saved = parts.repository.saved()
    for name in ("lost", "too"):
        await parts.follower.apply_local(parts.put(name))
    parts.repository.put_back(saved)

    await parts.follower.apply_local(parts.put("own"))

    assert (parts.reloads, held(parts)) == ({"fork": 1}, {"own"})


async def test_commits_of_the_new_history_are_followed_at_revisions_that_the_lost_one_had(parts: Parts) -> None:
    parts.put("kept")
    saved = parts.repository.saved()
    parts.put("lost")
    parts.put("lost too")
    await parts.follower.catch_up()
    parts.repository.put_back(saved)
    await parts.follower.catch_up()

    second = parts.put("second")
    await parts.follower.catch_up()
    # As after a commit whose notification comes late.
    await parts.follower.apply_local(second)

    assert (second.revision, held(parts), parts.reloads) == (2, {"kept", "second"}, {"fork": 1})
    assert set(parts.follower._hashes) == {1, 2}


async def test_two_replicas_that_find_the_same_loss_give_the_history_one_name(parts: Parts) -> None:
    saved = parts.repository.saved()
    parts.put("lost")
    second = Follower(parts.repository, load_snapshot(parts.repository), parts.readers)
    await parts.follower.catch_up()
    parts.repository.put_back(saved)

    await asyncio.gather(parts.follower.catch_up(), second.catch_up())
    await asyncio.gather(parts.follower.catch_up(), second.catch_up())

    names = {parts.follower.snapshot.incarnation, second.snapshot.incarnation, parts.repository.head().incarnation}
    assert len(names) == 1
    assert len(second.snapshot) == 0


async def test_a_restored_store_is_reloaded_and_old_tokens_are_of_an_unknown_incarnation(parts: Parts) -> None:
    # row 70 of the faults
    parts.put("a")
    await parts.follower.catch_up()
    token = parts.consistency.token()
    parts.repository.rename_history(parts.repository.head().incarnation)

    await parts.follower.catch_up()

    assert (parts.reloads, held(parts)) == ({"incarnation": 1}, {"a"})
    with pytest.raises(UnknownIncarnationError):
        await parts.consistency.reach(AtLeastAsFresh(token))
    await parts.consistency.reach(AtLeastAsFresh(parts.consistency.token()))


async def test_a_loss_is_not_read_over_while_the_store_cannot_be_renamed(parts: Parts) -> None:
    saved = parts.repository.saved()
    parts.put("lost")
    await parts.follower.catch_up()
    parts.repository.put_back(saved)
    rename: Any = parts.repository.rename_history

    def refused(expected: str) -> Head:
        raise StoreUnavailableError("read only")

    parts.repository.rename_history = refused  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailableError):
        await parts.follower.catch_up()
    before = (parts.reloads, held(parts))
    parts.repository.rename_history = rename  # type: ignore[method-assign]
    await parts.follower.catch_up()

    assert before == ({}, {"lost"})
    assert (parts.reloads, held(parts)) == ({"fork": 1}, set())


async def test_a_commit_of_another_history_at_an_applied_revision_reloads_the_state(parts: Parts) -> None:
    parts.put("kept")
    await parts.follower.catch_up()
    saved = parts.repository.saved()
    lost = parts.put("lost")
    parts.repository.put_back(saved)
    parts.put("other")
    commits, loop = parts.repository.commits, asyncio.get_running_loop()
    late = [lost]

    def while_an_own_commit_is_applied(*, after: Revision, limit: int) -> list[Commit]:
        found = commits(after=after, limit=limit)
        if late:
            asyncio.run_coroutine_threadsafe(parts.follower.apply_local(late.pop()), loop).result(20)
        return found

    parts.repository.commits = while_an_own_commit_is_applied  # type: ignore[method-assign]

    await parts.follower.catch_up()

    assert (held(parts), parts.reloads) == ({"kept", "other"}, {"fork": 1})
