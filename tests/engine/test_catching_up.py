from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from rolecall.engine import follower as following
from rolecall.engine.boottime import boottime_micros
from rolecall.engine.consistency import AtLeastAsFresh, Consistency
from rolecall.engine.errors import FutureRevisionError
from rolecall.engine.follower import Follower, Reload
from rolecall.engine.polling import Polling
from rolecall.engine.reconciler import TRIES_TO_COUNT, UNKNOWN_DIFFERENCE, UNKNOWN_ROLES, Reconciler
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.canonical_json import FIRST_HASH
from rolecall.roles.change import Commit
from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import (
    AlteredRolesError,
    RevisionNotKeptError,
    StoreUnavailableError,
    StoreUnsupportedError,
    UnknownIncarnationError,
)
from rolecall.roles.repository import Examined, Head
from rolecall.roles.role import Revision, Role
from rolecall.roles.tokens import Tokens
from rolecall.storage.memory import MemoryRoleRepository
from tests.engine.following import Parts, written
from tests.engine.world import ACCOUNT

SECOND = 1_000_000


def held(parts: Parts) -> set[str]:
    return {version.role.role_name for version in parts.follower.snapshot.versions()}


# --- histories that are not the one that was followed


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


async def reload_that_waits(parts: Parts) -> tuple[asyncio.Task[Revision], threading.Event]:
    """Start a reload that has read every role, and ends when the event is set."""
    load, reading, go_on = parts.repository.load, asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(digest: StateDigest | None = None) -> Iterator[Role]:
        yield from list(load(digest))
        loop.call_soon_threadsafe(reading.set)
        go_on.wait(10)

    parts.repository.load = slow  # type: ignore[method-assign]
    reloading = asyncio.create_task(parts.follower.reload(Reload.MISMATCH))
    await reading.wait()
    return reloading, go_on


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


async def test_catching_up_with_many_commits_yields_to_other_work(parts: Parts) -> None:
    for number in range(100):
        parts.put(f"r{number}")
    seen = set[int]()
    catching_up = asyncio.create_task(parts.follower.catch_up())

    while not catching_up.done():
        seen.add(parts.follower.snapshot.revision)
        await asyncio.sleep(0)

    assert len(seen) >= 100


# --- how old the state is


async def test_the_state_is_as_old_as_the_beginning_of_the_last_poll(parts: Parts) -> None:
    head = parts.repository.head

    def slow() -> Head:
        found = head()
        parts.now += 3 * SECOND
        return found

    parts.repository.head = slow  # type: ignore[method-assign]
    await parts.follower.catch_up()
    parts.now += SECOND

    assert parts.follower.staleness() == 4 * SECOND


async def test_a_poll_that_fails_makes_the_state_no_younger(parts: Parts) -> None:
    await parts.follower.catch_up()
    parts.repository.down = True
    parts.now += 5 * SECOND

    with pytest.raises(StoreUnavailableError):
        await parts.follower.catch_up()

    assert parts.follower.staleness() == 5 * SECOND


async def test_time_in_which_the_process_was_stopped_counts() -> None:
    # row 76 of the faults
    assert abs(boottime_micros() - time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000) < 10 * SECOND


async def test_a_reload_that_ends_after_a_later_poll_makes_the_state_no_older(parts: Parts) -> None:
    reloading, go_on = await reload_that_waits(parts)
    parts.now += 5 * SECOND
    await parts.follower.catch_up()
    go_on.set()
    await reloading

    assert parts.follower.staleness() == 0


async def test_a_store_of_this_process_alone_is_never_stale() -> None:
    parts = Parts()
    follower = Follower(MemoryRoleRepository(), Snapshot(), parts.readers, clock=lambda: parts.now)
    parts.now += SECOND

    assert follower.staleness() == 0
    parts.close()


async def test_a_restored_state_has_the_age_of_its_file_until_the_store_confirms_it(parts: Parts) -> None:
    # row 67 of the faults
    parts.put("a")
    restored = load_snapshot(parts.repository)
    restored.restored = True
    parts.follower.start(restored, parts.now - 7 * SECOND)
    before = (parts.follower.staleness(), parts.follower.snapshot.restored)
    parts.put("b")

    await parts.follower.catch_up()

    assert before == (7 * SECOND, True)
    assert (parts.follower.staleness(), parts.follower.snapshot.restored) == (0, False)
    assert (parts.reloads, held(parts)) == ({}, {"a", "b"})


# --- polls and hints


class SomeHints:
    """Hints that a test gives."""

    def __init__(self) -> None:
        self.given, self.closed, self.unanswered = threading.Semaphore(0), False, 0
        self.seconds, self.thread = 0.0, ""

    def wait(self, seconds: float) -> bool:
        self.seconds, self.thread = seconds, threading.current_thread().name
        came = self.given.acquire(timeout=min(seconds, 0.05))
        self.unanswered += not came
        return came

    def close(self) -> None:
        self.closed = True


async def until(true: Any) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def stopped(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_polls_are_counted_from_none(parts: Parts) -> None:
    counts = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None).counts

    assert (counts.done, counts.failed, counts.hints, counts.failing) == (0, 0, 0, False)


async def test_each_poll_is_counted_once(parts: Parts) -> None:
    polling = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None)

    counts = list[tuple[int, int]]()
    for parts.repository.down in (False, True, True, False):
        await polling._poll()
        counts.append((polling.counts.done, polling.counts.failed))

    assert counts == [(1, 0), (1, 1), (1, 2), (2, 2)]


async def test_the_thread_of_the_hints_ends_with_them(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    polling, hints = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None), SomeHints()
    threads = list[ThreadPoolExecutor]()

    def made(*args: Any, **kwargs: Any) -> ThreadPoolExecutor:
        threads.append(ThreadPoolExecutor(*args, **kwargs))
        return threads[-1]

    monkeypatch.setattr("rolecall.engine.polling.ThreadPoolExecutor", made)
    task = asyncio.create_task(polling.listen(hints))
    await until(lambda: hints.unanswered)
    await stopped(task)

    assert hints.closed
    with pytest.raises(RuntimeError, match="after shutdown"):
        threads[0].submit(print)


async def test_polls_bring_what_others_commit(parts: Parts) -> None:
    polling = Polling(parts.follower, seconds=0.02, jitter=lambda: 1.0, on_change=lambda _: None)
    task = asyncio.create_task(polling.run())

    for name in ("a", "b"):
        parts.put(name)
        await until(lambda name=name: name in held(parts))
    await until(lambda: polling.counts.done >= 2)

    await stopped(task)


async def test_polls_end_when_a_hint_comes_in_the_moment_of_the_cancellation(parts: Parts) -> None:
    polling = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None)
    task = asyncio.create_task(polling.run())
    await until(lambda: polling.counts.done)
    await until(lambda: polling._hinted._waiters)

    polling._hinted.set()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=10)

    assert task.cancelled()


async def test_a_hint_brings_the_next_poll_forward(parts: Parts) -> None:
    polling, hints = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None), SomeHints()
    tasks = [asyncio.create_task(polling.run()), asyncio.create_task(polling.listen(hints))]
    await until(lambda: polling.counts.done)
    await until(lambda: hints.unanswered)

    parts.put("a")
    hints.given.release()
    await until(lambda: held(parts))

    # One hint starts one poll, not one after the other.
    await until(lambda: not polling._hinted.is_set())

    await stopped(*tasks)
    assert (polling.counts.hints, hints.closed, hints.seconds) == (1, True, 5.0)
    assert hints.thread.startswith("store-hints")


async def test_the_interval_of_the_polls_has_a_jitter(parts: Parts) -> None:
    polling = Polling(parts.follower, seconds=3_600, jitter=lambda: 0.0, on_change=lambda _: None)
    task = asyncio.create_task(polling.run())

    await until(lambda: polling.counts.done >= 3)

    await stopped(task)


async def test_under_many_hints_there_is_a_least_pause_between_polls(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses, sleep = list[float](), asyncio.sleep

    async def sleep_shortly(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    polling = Polling(parts.follower, seconds=3_600, jitter=lambda: 1.0, on_change=lambda _: None)
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", sleep_shortly)
        task = asyncio.create_task(polling.run())
        while polling.counts.done < 3:
            polling._hinted.set()
            await sleep(0.001)
        await stopped(task)

    assert pauses.count(0.01) >= 2


async def test_a_schema_out_of_range_is_an_outage_for_the_polls(parts: Parts) -> None:
    # row 78 of the faults
    polling = Polling(parts.follower, seconds=0.01, jitter=lambda: 1.0, on_change=lambda _: None)

    def unsupported() -> Head:
        raise StoreUnsupportedError("of a later version")

    parts.repository.head = unsupported  # type: ignore[method-assign]
    task = asyncio.create_task(polling.run())

    await until(lambda: polling.counts.failed >= 2)

    await stopped(task)
    assert polling.counts.failing


async def test_an_outage_is_reported_once_and_so_is_its_end(parts: Parts) -> None:
    reported = list[bool]()
    polling = Polling(
        parts.follower, seconds=0.01, jitter=lambda: 1.0, on_change=lambda error: reported.append(error is None)
    )
    task = asyncio.create_task(polling.run())
    await until(lambda: polling.counts.done)
    parts.repository.down = True
    await until(lambda: polling.counts.failed >= 3)
    during = (list(reported), polling.counts.failing)
    parts.repository.down = False
    await until(lambda: not polling.counts.failing)

    await stopped(task)
    assert during == ([False], True)
    assert reported == [False, True]


# --- comparisons with the store


class Comparison:
    def __init__(self, parts: Parts) -> None:
        self.reported = list[Sequence[str]]()
        self.reconciler = Reconciler(
            parts.follower, parts.repository, parts.readers, on_mismatch=self.reported.append, pause=0
        )


async def test_a_state_that_is_the_stores_differs_in_nothing(parts: Parts) -> None:
    parts.put(*(f"r{n}" for n in range(1_200)))
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert (compared.reported, compared.reconciler.passes, compared.reconciler.mismatches, parts.reloads) == (
        [],
        1,
        0,
        {},
    )


def altered(role: Role) -> Role:
    return replace(role, description="altered by hand")


@pytest.mark.parametrize("damage", ["altered", "gone", "more", "digest"])
async def test_what_was_altered_behind_the_logs_back_is_reported_and_never_loaded(parts: Parts, damage: str) -> None:
    parts.put("a", "b")
    await parts.follower.catch_up()
    before = {version.role.key: version.role for version in parts.follower.snapshot.versions()}
    stored, key = parts.repository._state.roles, f"{ACCOUNT}/a"
    match damage:
        case "altered":
            stored[key] = altered(stored[key])
        case "gone":
            del stored[key]
        case "more":
            stored[f"{ACCOUNT}/c"] = replace(stored[key], role_name="c")
        case "digest":
            parts.repository._state.digest.add(stored[key])
    compared = Comparison(parts)

    with pytest.raises(AlteredRolesError):
        await compared.reconciler.reconcile()

    assert compared.reported == [[{"more": UNKNOWN_ROLES, "digest": UNKNOWN_DIFFERENCE}.get(damage, key)]]
    assert (parts.reloads, compared.reconciler.mismatches) == ({}, 1)
    assert {version.role.key: version.role for version in parts.follower.snapshot.versions()} == before
    assert parts.altered == [
        "the roles of the store are not those that servers wrote up to revision 1; run `rolecall audit verify`"
    ]


async def test_an_altered_store_that_was_mended_is_no_longer_reported(parts: Parts) -> None:
    parts.put("a", "b")
    await parts.follower.catch_up()
    stored, key = parts.repository._state.roles, f"{ACCOUNT}/a"
    right, stored[key] = stored[key], altered(stored[key])
    compared = Comparison(parts)
    with pytest.raises(AlteredRolesError):
        await compared.reconciler.reconcile()
    stored[key] = right

    await compared.reconciler.reconcile()

    assert (len(parts.altered), parts.altered[-1], parts.follower.altered) == (2, "", "")


async def test_an_altered_store_is_loaded_again_only_after_a_pause(parts: Parts) -> None:
    parts.put("a")
    await parts.follower.catch_up()
    load, loads, now = parts.repository.load, list[int](), parts.now

    def counted(digest: StateDigest | None = None) -> Iterator[Role]:
        loads.append(parts.now - now)
        return load(digest)

    parts.repository.load = counted  # type: ignore[method-assign]
    stored, key = parts.repository._state.roles, f"{ACCOUNT}/a"
    right, stored[key] = stored[key], altered(stored[key])

    for later in (0, 1, 60 * SECOND - 1, 60 * SECOND):
        parts.now = now + later
        with pytest.raises(AlteredRolesError):
            await parts.follower.reload(Reload.GAP)
    stored[key], parts.now = right, now + 121 * SECOND
    await parts.follower.reload(Reload.GAP)

    assert loads == [0, 60 * SECOND, 121 * SECOND]
    assert parts.reloads == {"gap": 1}


async def test_an_altered_role_that_a_write_met_delays_no_load(parts: Parts) -> None:
    parts.put("a")
    parts.follower.set_altered("a write found an altered role")

    await parts.follower.reload(Reload.BEHIND)

    assert (held(parts), parts.follower.altered) == ({"a"}, "")


async def test_commits_are_applied_while_the_store_is_known_to_be_altered(parts: Parts) -> None:
    parts.put("a")
    await parts.follower.catch_up()
    stored, key = parts.repository._state.roles, f"{ACCOUNT}/a"
    stored[key] = altered(stored[key])
    with pytest.raises(AlteredRolesError):
        await Comparison(parts).reconciler.reconcile()

    parts.put("b")
    await parts.follower.catch_up()

    assert held(parts) == {"a", "b"}
    assert parts.follower.snapshot.version(key).role.description == ""  # type: ignore[union-attr]


async def test_a_role_that_is_wrong_in_memory_is_found_and_reloaded(parts: Parts) -> None:
    parts.put("a", "b")
    await parts.follower.catch_up()
    version = parts.follower.snapshot.version(f"{ACCOUNT}/a")
    assert version is not None
    version.role = altered(version.role)
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert compared.reported == [[f"{ACCOUNT}/a"]]
    assert (parts.reloads, parts.altered) == ({"mismatch": 1}, [])
    stored = parts.repository._state.roles
    assert {version.role.key: version.role for version in parts.follower.snapshot.versions()} == stored


async def test_a_wholly_different_state_is_not_compared_to_its_end(parts: Parts) -> None:
    parts.put(*(f"r{n}" for n in range(1_200)))
    await parts.follower.catch_up()
    for key, role in parts.repository._state.roles.items():
        parts.repository._state.roles[key] = altered(role)
    compared = Comparison(parts)

    with pytest.raises(AlteredRolesError):
        await compared.reconciler.reconcile()

    assert len(compared.reported[0]) == 20


@pytest.mark.parametrize(("differing", "reads"), [(19, 2), (20, 1), (21, 1)])
async def test_a_comparison_ends_with_the_read_that_has_found_twenty_roles(
    parts: Parts, differing: int, reads: int
) -> None:
    parts.put(*(f"r{n}" for n in range(501)))
    await parts.follower.catch_up()
    examine, read = parts.repository.examine, list[int]()

    def counted(keys: Sequence[str]) -> Examined:
        read.append(len(keys))
        return examine(keys)

    parts.repository.examine = counted  # type: ignore[method-assign]
    keys = [version.role.key for version in parts.follower.snapshot.versions()][:differing]
    for key in keys:
        parts.repository._state.roles[key] = altered(parts.repository._state.roles[key])
    compared = Comparison(parts)

    with pytest.raises(AlteredRolesError):
        await compared.reconciler.reconcile()

    assert read == [500, 1][:reads]
    assert compared.reported == [keys[:20]]


async def test_a_comparison_reads_each_role_once(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    parts.put(*(f"r{n}" for n in range(1_200)))
    read, examine = list[str](), parts.repository.examine

    def counted(keys: Sequence[str]) -> Examined:
        read.extend(keys)
        return examine(keys)

    monkeypatch.setattr(parts.repository, "examine", counted)
    await Comparison(parts).reconciler.reconcile()

    assert sorted(read) == sorted(f"{ACCOUNT}/r{n}" for n in range(1_200))


@pytest.mark.parametrize(("roles", "reads", "steps"), [(1, 1, 1), (1_000, 2, 5), (1_001, 3, 6)])
async def test_a_comparison_pauses_after_each_read_of_500_roles_and_each_200_of_the_digest(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, roles: int, reads: int, steps: int
) -> None:
    parts.put(*(f"r{n}" for n in range(roles)))
    await parts.follower.catch_up()
    pauses, sleep = list[float](), asyncio.sleep

    async def sleep_shortly(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", sleep_shortly)
    await Reconciler(parts.follower, parts.repository, parts.readers, on_mismatch=print).reconcile()

    assert pauses.count(0.02) == reads + steps


async def test_roles_of_another_history_are_not_compared(parts: Parts) -> None:
    parts.put("a")
    await parts.follower.catch_up()
    head = parts.repository.head()

    def of_another_history(keys: Sequence[str]) -> Examined:
        return Examined(replace(head, incarnation="another"), {})

    parts.repository.examine = of_another_history  # type: ignore[method-assign]
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert compared.reported == []


async def test_roles_that_change_meanwhile_are_no_mismatch(parts: Parts) -> None:
    parts.put("a", "b", "c")
    examine, census, changed = parts.repository.examine, parts.repository.census, [0]

    def meanwhile(keys: Sequence[str]) -> Examined:
        parts.put("a")
        found = examine(keys)
        parts.put("b")
        return found

    def counted() -> tuple[Head, int]:
        found = census()
        changed[0] += 1
        if changed[0] < 3:
            parts.put(f"new-{changed[0]}")
        return found

    parts.repository.examine = meanwhile  # type: ignore[method-assign]
    parts.repository.census = counted  # type: ignore[method-assign]
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert (compared.reported, parts.reloads, changed) == ([], {}, [3])


async def test_the_digest_of_a_store_that_never_rests_is_not_compared(parts: Parts) -> None:
    head, times = parts.repository.head, [0]

    def moving() -> Head:
        found = head()
        times[0] += 1
        parts.put(f"later-{times[0]}")
        return found

    parts.repository.head = moving  # type: ignore[method-assign]
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert (compared.reported, parts.reloads) == ([], {})
    assert times[0] >= TRIES_TO_COUNT


async def test_a_store_that_never_rests_is_not_counted(parts: Parts) -> None:
    census, times = parts.repository.census, [0]

    def counted() -> tuple[Head, int]:
        found = census()
        times[0] += 1
        parts.put(f"new-{times[0]}")
        return found

    parts.repository.census = counted  # type: ignore[method-assign]
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert (compared.reported, times) == ([], [3])


async def test_a_role_that_is_deleted_while_it_is_compared_is_no_mismatch(parts: Parts) -> None:
    commit = parts.put("a")
    await parts.follower.catch_up()
    examine = parts.repository.examine

    def deleted(keys: Sequence[str]) -> Examined:
        found = examine(keys)
        parts.repository.transact(commit.author, lambda t: t.delete(commit.changes[0].role))
        return Examined(parts.repository.head(), found.roles)

    parts.repository.examine = deleted  # type: ignore[method-assign]
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert (compared.reported, held(parts)) == ([], set())


async def test_comparisons_are_repeated_and_outlive_an_outage(parts: Parts) -> None:
    parts.put("a")
    compared = Comparison(parts)
    failed, head = list[int](), parts.repository.head

    def down_or_up() -> Head:
        if parts.repository.down:
            failed.append(1)
        return head()

    parts.repository.head = down_or_up  # type: ignore[method-assign]
    parts.repository.down = True
    task = asyncio.create_task(compared.reconciler.run(0.001))
    await until(lambda: len(failed) >= 3)
    during = compared.reconciler.passes
    parts.repository.down = False

    await until(lambda: compared.reconciler.passes >= 2)

    await stopped(task)
    assert during == 0


def test_a_snapshot_knows_which_history_it_is_of(parts: Parts) -> None:
    commit = parts.put("a")
    loaded = load_snapshot(parts.repository)

    assert Snapshot().hash == FIRST_HASH
    assert (loaded.hash, loaded.incarnation) == (commit.hash, parts.repository.head().incarnation)


async def test_a_token_of_the_future_stays_refused_when_others_write(parts: Parts) -> None:
    # row 55 of the faults
    parts.put("a")

    with pytest.raises(FutureRevisionError):
        await parts.consistency.reach(AtLeastAsFresh(parts.tokens.consistency(Revision(9))))


# --- histories that change under what is going on


async def test_an_own_write_into_another_history_is_not_taken_for_one_that_was_applied(parts: Parts) -> None:
    # row 69 of the faults
    parts.put("kept")
    saved = parts.repository.saved()
    parts.put("lost 1")
    parts.put("lost 2")
    parts.follower.start(load_snapshot(parts.repository), parts.now)
    parts.repository.put_back(saved)

    own = await parts.writer.write(lambda: written(parts.put("own")))
    after = held(parts)

    assert own.revision == 2
    assert after == {"kept", "own"}
    assert parts.reloads == {"fork": 1}


async def test_a_history_that_is_lost_while_it_is_loaded_is_loaded_again(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    # row 69 of the faults
    parts.put("kept")
    saved = parts.repository.saved()
    earlier = load_snapshot(parts.repository)
    parts.put("lost")
    load, loads = parts.repository.load, list[int]()

    def losing(digest: StateDigest | None = None) -> Iterator[Role]:
        loads.append(1)
        roles = list(load(digest))
        if len(loads) == 1:
            parts.repository.put_back(saved)
            for name in "xyz":
                parts.put(name)
        yield from roles

    monkeypatch.setattr(parts.repository, "load", losing)
    snapshot = load_snapshot(parts.repository, kept=earlier)

    assert {version.role.role_name for version in snapshot.versions()} == {"kept", *"xyz"}
    assert snapshot.version(f"{ACCOUNT}/kept") is earlier.version(f"{ACCOUNT}/kept")
    assert len(loads) == 2


async def test_a_fork_counts_also_when_the_store_goes_away_again(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    # row 69 of the faults
    parts.put("kept")
    saved = parts.repository.saved()
    parts.put("lost")
    await parts.follower.catch_up()
    parts.repository.put_back(saved)
    load, loads = parts.repository.load, list[int]()

    def failing_once(digest: StateDigest | None = None) -> Iterator[Role]:
        loads.append(1)
        if len(loads) == 1:
            raise StoreUnavailableError("away again")
        return load(digest)

    monkeypatch.setattr(parts.repository, "load", failing_once)
    with pytest.raises(StoreUnavailableError):
        await parts.follower.catch_up()
    await parts.follower.catch_up()

    assert parts.reloads["fork"] == 1


async def test_a_token_of_a_history_that_turns_out_to_be_lost_is_refused(parts: Parts) -> None:
    # row 55 of the faults
    parts.put("kept")
    saved = parts.repository.saved()
    await parts.follower.catch_up()
    tokens = Tokens(parts.repository.token_key, parts.repository.head().incarnation)
    behind = Follower(parts.repository, load_snapshot(parts.repository), parts.readers, on_rename=tokens.adopt)
    parts.put("lost")
    await parts.follower.catch_up()
    token = parts.consistency.token()
    parts.repository.put_back(saved)
    parts.put("x")
    parts.put("y")
    await parts.follower.catch_up()

    with pytest.raises(UnknownIncarnationError, match=r"^`start_token` comes from another history"):
        await Consistency(behind, tokens).reach(AtLeastAsFresh(token, "start_token"))
