"""How a follower catches up with its store, and loads it again where commits are gone."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rolecall.engine import follower as following
from rolecall.engine.follower import Reload
from rolecall.roles.change import Commit
from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import RevisionNotKeptError
from rolecall.roles.role import Revision, Role
from tests.engine.following import Parts, held, reload_that_waits


async def test_a_follower_that_fell_behind_the_pruned_commits_reloads(parts: Parts) -> None:
    commits = parts.repository.commits

    def forgotten(*, after: Revision, limit: int) -> list[Commit]:
        if after == 0:
            raise RevisionNotKeptError(0, floor=1, message="forgotten")
        return commits(after=after, limit=limit)

    parts.put("a")
    parts.repository.commits = forgotten  # type: ignore[method-assign]

    await parts.follower.catch_up()

    assert (parts.reloads, held(parts)) == ({"behind": 1}, {"a"})


async def test_a_store_that_has_fewer_commits_than_its_head_says_is_reloaded(parts: Parts) -> None:
    # row 71 of the faults
    parts.put("a")
    commits, silent = parts.repository.commits, [True]

    def none_once(*, after: Revision, limit: int) -> list[Commit]:
        return [] if silent and silent.pop() else commits(after=after, limit=limit)

    parts.repository.commits = none_once  # type: ignore[method-assign]

    await parts.follower.catch_up()

    assert (parts.reloads, held(parts)) == ({"gap": 1}, {"a"})


async def test_what_is_committed_during_a_reload_is_not_lost(parts: Parts) -> None:
    reloading, go_on = await reload_that_waits(parts)
    commits = parts.repository.commits
    parts.repository.commits = lambda **_: []  # type: ignore[method-assign]
    for name in ("a", "b"):
        await parts.follower.apply_local(parts.put(name))
    go_on.set()
    await reloading
    parts.repository.commits = commits  # type: ignore[method-assign]

    assert (held(parts), parts.follower.snapshot.revision) == ({"a", "b"}, 2)


async def test_an_own_commit_to_a_lost_history_is_not_applied_to_the_reloaded_state(parts: Parts) -> None:
    parts.put("kept")
    saved = parts.repository.saved()
    parts.put("lost")
    await parts.follower.catch_up()
    third = parts.put("lost too")
    parts.repository.put_back(saved)
    parts.put("other")
    reloading, go_on = await reload_that_waits(parts)
    await parts.follower.apply_local(third)
    before = held(parts)
    go_on.set()
    await reloading

    assert before == {"kept", "lost", "lost too"}
    assert (held(parts), parts.follower.snapshot.revision) == ({"kept", "other"}, 2)


async def test_a_commit_that_the_poll_was_quicker_to_bring_is_passed_over(parts: Parts) -> None:
    commit = parts.put("a")
    await parts.follower.catch_up()

    await parts.follower.apply_local(commit)

    assert (parts.reloads, held(parts)) == ({}, {"a"})


async def test_only_so_many_hashes_are_remembered(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "KNOWN_HASHES", 2)
    first = parts.put("a")
    for name in ("b", "c", "d"):
        parts.put(name)
    await parts.follower.catch_up()

    await parts.follower.apply_local(first)

    assert len(parts.follower._hashes) == 2
    assert parts.reloads == {}


async def test_the_hashes_of_the_last_1024_commits_are_remembered(parts: Parts) -> None:
    commit = parts.put("a")

    for revision in range(1, 1_031):
        parts.follower._remember_hash(replace(commit, revision=Revision(revision)))

    assert list(parts.follower._hashes) == list(range(7, 1_031))


@pytest.mark.parametrize(("changes", "collects"), [(999, True), (1_000, False)])
async def test_the_collector_waits_for_a_commit_of_a_thousand_changes(
    parts: Parts, changes: int, collects: bool
) -> None:
    commit = parts.put("a")
    large = replace(commit, changes=commit.changes * changes)
    applying = asyncio.create_task(parts.follower.apply_local(large))
    await asyncio.sleep(0)

    during = gc.isenabled()
    await applying

    assert (during, gc.isenabled()) == (collects, True)
    gc.unfreeze()


async def test_the_feed_has_every_commit_and_starts_over_after_a_reload(parts: Parts) -> None:
    saved = parts.repository.saved()
    parts.put("a")
    parts.put("b")
    await parts.follower.catch_up()
    before = [commit.revision for n in range(2) if (commit := parts.follower.feed.after(Revision(n)))]
    generation = parts.follower.feed.generation
    parts.repository.put_back(saved)

    await parts.follower.catch_up()

    assert before == [1, 2]
    assert parts.follower.feed.generation > generation


async def test_two_reloads_at_once_lose_nothing_of_what_is_committed_meanwhile(parts: Parts) -> None:
    load, reading, go_on = parts.repository.load, asyncio.Semaphore(0), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(digest: StateDigest | None = None) -> Iterator[Role]:
        yield from list(load(digest))
        loop.call_soon_threadsafe(reading.release)
        go_on.wait(10)

    parts.repository.load = slow  # type: ignore[method-assign]
    first = asyncio.create_task(parts.follower.reload(Reload.MISMATCH))
    await reading.acquire()
    second = asyncio.create_task(parts.follower.reload(Reload.MISMATCH))
    await parts.follower.apply_local(parts.put("a"))
    go_on.set()
    seen = list[int]()
    while not (first.done() and second.done()):
        seen.append(parts.follower.snapshot.revision)
        await asyncio.sleep(0)

    await asyncio.gather(first, second)
    assert set(seen) == {1}
    assert held(parts) == {"a"}
    assert parts.reloads == {"mismatch": 2}


async def test_catching_up_with_many_commits_yields_to_other_work(parts: Parts) -> None:
    for number in range(100):
        parts.put(f"r{number}")
    seen = set[int]()
    catching_up = asyncio.create_task(parts.follower.catch_up())

    while not catching_up.done():
        seen.add(parts.follower.snapshot.revision)
        await asyncio.sleep(0)

    assert len(seen) >= 100
