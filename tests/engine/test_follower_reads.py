"""When a follower reads its store, where it starts, and what it reports."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rolecall.engine.follower import Follower, Reload
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.change import Commit
from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import Head
from rolecall.roles.role import Revision, Role
from tests.engine.following import Parts

SECOND = 1_000_000


def heads_of(parts: Parts) -> list[int]:
    """Return a list that has the revision of each head that is read from now on."""
    read, head = list[int](), parts.repository.head

    def counted() -> Head:
        found = head()
        read.append(found.revision)
        return found

    parts.repository.head = counted  # type: ignore[method-assign]
    return read


def test_a_follower_starts_where_its_state_is(parts: Parts) -> None:
    for name in ("a", "b"):
        parts.put(name)

    follower = Follower(parts.repository, load_snapshot(parts.repository), parts.readers, clock=lambda: 7)

    assert (follower.snapshot.revision, follower.feed.head, len(follower.feed)) == (2, 2, 0)
    assert (follower.seen_at, follower.altered) == (7, "")
    assert follower.reloads == dict.fromkeys(Reload, 0)


def test_a_follower_that_is_started_with_another_state_begins_another_generation_of_its_feed(parts: Parts) -> None:
    generation = parts.follower.feed.generation
    parts.put("a")

    parts.follower.start(load_snapshot(parts.repository), 7)

    assert (parts.follower.feed.head, parts.follower.feed.generation) == (1, generation + 1)
    assert (parts.follower.seen_at, parts.follower.snapshot.revision) == (7, 1)


@pytest.mark.parametrize("started", [False, True])
async def test_an_own_commit_that_was_loaded_already_is_not_looked_for(parts: Parts, started: bool) -> None:
    commit = parts.put("a")
    loaded = load_snapshot(parts.repository)
    follower = parts.follower if started else Follower(parts.repository, loaded, parts.readers)
    if started:
        follower.start(loaded, parts.now)
    read = heads_of(parts)

    await follower.apply_local(commit)

    assert (read, follower.snapshot.revision) == ([], 1)


@pytest.mark.parametrize("reason", list(Reload))
async def test_each_reload_is_counted_and_reported_and_makes_the_state_as_young_as_its_beginning(
    parts: Parts, reason: Reload
) -> None:
    reported, load = list[Reload](), parts.repository.load
    follower = Follower(
        parts.repository,
        load_snapshot(parts.repository),
        parts.readers,
        clock=lambda: parts.now,
        on_reload=reported.append,
    )
    follower.snapshot.restored = True
    parts.now += 5 * SECOND

    def slow(digest: StateDigest | None = None) -> Iterator[Role]:
        parts.now += 2 * SECOND
        return load(digest)

    parts.repository.load = slow  # type: ignore[method-assign]
    await follower.reload(reason)

    assert (follower.staleness(), follower.snapshot.restored) == (2 * SECOND, False)
    assert reported == [reason]
    assert follower.reloads == dict.fromkeys(Reload, 0) | {reason: 1}


async def test_one_read_of_the_store_begins_when_the_one_before_has_ended(parts: Parts) -> None:
    loop, head = asyncio.get_running_loop(), parts.repository.head
    reading, go_on, reads = asyncio.Event(), threading.Event(), list[str]()

    def slow() -> Head:
        reads.append("begin")
        loop.call_soon_threadsafe(reading.set)
        go_on.wait(10)
        reads.append("end")
        return head()

    parts.repository.head = slow  # type: ignore[method-assign]
    first = asyncio.create_task(parts.follower.catch_up())
    await reading.wait()
    others = [asyncio.create_task(parts.follower.catch_up()) for _ in range(3)]
    for _ in range(5):
        await asyncio.sleep(0)
    # Runs on the other thread that reads, after all that was submitted to it before.
    await parts.writer.read(lambda: None)
    go_on.set()
    await asyncio.gather(first, *others)

    assert reads == ["begin", "end"] * 2


async def test_a_scheduled_read_that_fails_is_not_reported_as_an_exception_that_nobody_retrieved(parts: Parts) -> None:
    unhandled = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unhandled.append(context))
    parts.repository.down = True

    parts.follower.schedule_catch_up()
    with pytest.raises(StoreUnavailableError):
        await parts.follower.catch_up()
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()

    assert unhandled == []


async def test_a_read_that_fails_when_its_callers_are_gone_is_not_reported_either(parts: Parts) -> None:
    unhandled, loop, head = list[dict[str, Any]](), asyncio.get_running_loop(), parts.repository.head
    loop.set_exception_handler(lambda _loop, context: unhandled.append(context))
    reading, go_on = asyncio.Event(), threading.Event()

    def failing() -> Head:
        loop.call_soon_threadsafe(reading.set)
        go_on.wait(10)
        raise StoreUnavailableError("away")

    parts.repository.head = failing  # type: ignore[method-assign]
    callers = [asyncio.create_task(parts.follower.catch_up()) for _ in range(2)]
    await reading.wait()
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    go_on.set()
    with pytest.raises(StoreUnavailableError):
        await parts.follower.catch_up()
    parts.repository.head = head  # type: ignore[method-assign]
    await parts.follower.catch_up()
    gc.collect()

    assert unhandled == []


async def test_a_reload_of_the_newest_state_or_of_another_history_reads_no_commits(parts: Parts) -> None:
    parts.put("a")
    await parts.follower.catch_up()
    read, commits = list[int](), parts.repository.commits

    def counted(*, after: Revision, limit: int) -> list[Commit]:
        read.append(after)
        return commits(after=after, limit=limit)

    parts.repository.commits = counted  # type: ignore[method-assign]
    await parts.follower.reload(Reload.MISMATCH)
    parts.put("b")
    parts.repository.rename_history(parts.repository.head().incarnation)
    await parts.follower.catch_up()

    assert (read, parts.reloads) == ([], {"mismatch": 1, "incarnation": 1})
    assert parts.follower.snapshot.revision == 2


async def test_another_history_is_announced_once_with_its_key_and_only_by_a_reload(parts: Parts) -> None:
    renamed = list[tuple[bytes, str]]()
    follower = Follower(
        parts.repository,
        load_snapshot(parts.repository),
        parts.readers,
        on_rename=lambda key, incarnation: renamed.append((key, incarnation)),
    )
    await follower.reload(Reload.MISMATCH)
    parts.repository.rename_history(parts.repository.head().incarnation)

    await follower.catch_up()
    await follower.reload(Reload.MISMATCH)
    follower.start(Snapshot(incarnation="another"), 0)

    assert renamed == [(parts.repository.token_key, parts.repository.head().incarnation)]


async def test_commits_are_collected_for_a_reload_only_while_it_reads(parts: Parts) -> None:
    await parts.follower.reload(Reload.MISMATCH)

    await parts.follower.apply_local(parts.put("a"))

    assert parts.follower._meanwhile is None
