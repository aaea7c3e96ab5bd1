from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Iterator

import pytest

from rolecall.engine import snapshot_loader
from rolecall.engine.consistency import AtLeastAsFresh, Consistency, FullyConsistent
from rolecall.engine.errors import FutureRevisionError, RevisionNotReachedError
from rolecall.engine.follower import Reload
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.change import Commit
from rolecall.roles.commands import Written
from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import BrokenHistoryError, InvalidTokenError, StoreUnavailableError, UnknownIncarnationError
from rolecall.roles.repository import Head
from rolecall.roles.role import Revision, Role
from rolecall.roles.tokens import Tokens
from tests.engine.following import Parts, written
from tests.engine.world import ACCOUNT, allow, document, role


def test_a_load_holds_every_role_at_the_head(parts: Parts) -> None:
    for name in ("a", "b"):
        parts.put(name)

    snapshot = load_snapshot(parts.repository)

    assert (len(snapshot), snapshot.revision) == (2, 2)


async def test_a_write_is_visible_to_its_author_when_it_returns(parts: Parts) -> None:
    await parts.writer.write(lambda: written(parts.put("a")))

    assert parts.follower.snapshot.version(f"{ACCOUNT}/a") is not None


async def test_a_cancelled_author_does_not_stop_a_write(parts: Parts) -> None:
    # row 46 of the faults
    begun, go_on = threading.Event(), threading.Event()

    def work() -> Written[None]:
        begun.set()
        go_on.wait(30)
        return written(parts.put("a"))

    task = asyncio.create_task(parts.writer.write(work))
    await asyncio.to_thread(begun.wait, 30)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await parts.writer.drain()

    assert parts.follower.snapshot.version(f"{ACCOUNT}/a") is not None


async def test_a_write_that_changed_nothing_leaves_the_state_as_it_is(parts: Parts) -> None:
    await parts.writer.write(lambda: written(None))

    assert await parts.writer.read(lambda: parts.repository.head().revision) == 0
    assert parts.follower.snapshot.revision == 0


async def test_one_state_has_one_token_which_is_made_once(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    made, consistency = list[int](), parts.tokens.consistency

    def counted(revision: Revision) -> str:
        made.append(revision)
        return consistency(revision)

    monkeypatch.setattr(parts.tokens, "consistency", counted)
    first, again = parts.consistency.token(), parts.consistency.token()
    await parts.writer.write(lambda: written(parts.put("a")))
    later = [parts.consistency.token() for _ in range(2)]
    parts.repository.rename_history(parts.repository.head().incarnation)
    await parts.follower.catch_up()
    renamed = [parts.consistency.token() for _ in range(2)]

    assert first == again
    assert len({first, *later, *renamed}) == 3
    assert made == [0, 1, 1]


async def test_commits_of_others_are_caught_up_before_an_own_one_is_taken(parts: Parts) -> None:
    parts.put("others")

    await parts.writer.write(lambda: written(parts.put("own")))

    assert parts.follower.snapshot.revision == 2
    assert len(parts.follower.snapshot) == 2


async def test_full_consistency_sees_what_was_committed_before(parts: Parts) -> None:
    parts.put("others")

    await parts.consistency.reach(FullyConsistent())

    assert parts.follower.snapshot.revision == 1


async def test_callers_that_wait_together_share_one_reading(parts: Parts) -> None:
    reads = 0
    head = parts.repository.head

    def counted() -> Head:
        nonlocal reads
        reads += 1
        return head()

    parts.repository.head = counted  # type: ignore[method-assign]
    await asyncio.gather(*(parts.follower.catch_up() for _ in range(50)))

    assert reads <= 2


async def test_a_reading_begins_after_the_caller_asked(parts: Parts) -> None:
    first = asyncio.create_task(parts.follower.catch_up())
    await asyncio.sleep(0)
    parts.put("later")

    await parts.follower.catch_up()
    await first

    assert parts.follower.snapshot.revision == 1


async def test_who_asks_while_a_reading_is_under_way_gets_a_later_one(parts: Parts) -> None:
    loop, head = asyncio.get_running_loop(), parts.repository.head
    reading, go_on = asyncio.Event(), threading.Event()

    def slow() -> Head:
        found = head()
        loop.call_soon_threadsafe(reading.set)
        go_on.wait(10)
        return found

    parts.repository.head = slow  # type: ignore[method-assign]
    first = asyncio.create_task(parts.follower.catch_up())
    await reading.wait()
    parts.put("later")
    second = asyncio.create_task(parts.follower.catch_up())
    await asyncio.sleep(0)
    go_on.set()

    assert (await first, await second) == (0, 1)


async def test_a_token_of_the_past_is_met_at_once_and_one_ahead_is_caught_up(parts: Parts) -> None:
    commit = parts.put("a")
    token = parts.tokens.consistency(commit.revision)

    await parts.consistency.reach(AtLeastAsFresh(token))

    assert parts.follower.snapshot.revision == 1
    await parts.consistency.reach(AtLeastAsFresh(parts.consistency.token()))


async def test_a_token_from_the_future_is_refused_after_one_reading(parts: Parts) -> None:
    # row 55 of the faults
    with pytest.raises(FutureRevisionError):
        await parts.consistency.reach(AtLeastAsFresh(parts.tokens.consistency(Revision(7))))


async def test_a_token_of_another_incarnation_and_a_forged_one_are_distinguished(parts: Parts) -> None:
    # row 55 of the faults
    stranger = Tokens(parts.repository.token_key, "another").consistency(Revision(1))

    with pytest.raises(UnknownIncarnationError):
        await parts.consistency.reach(AtLeastAsFresh(stranger))
    with pytest.raises(InvalidTokenError):
        await parts.consistency.reach(AtLeastAsFresh(stranger[:-2]))


async def test_a_revision_that_cannot_be_reached_is_an_error_and_never_a_deny(parts: Parts) -> None:
    # row 56 of the faults
    token = parts.tokens.consistency(parts.put("a").revision)

    def down() -> Head:
        raise StoreUnavailableError("down")

    parts.repository.head = down  # type: ignore[method-assign]

    messages = list[str]()
    for requirement in (AtLeastAsFresh(token), AtLeastAsFresh(token, "start_token"), FullyConsistent()):
        with pytest.raises(RevisionNotReachedError) as caught:
            await parts.consistency.reach(requirement)
        messages.append(str(caught.value))

    why = "and this server is at 0: the store cannot be reached; retry"
    assert messages == [
        f"`consistency.at_least_as_fresh` requires revision 1, {why}, or use minimize_latency",
        f"`start_token` requires revision 1, {why}",
        f"`consistency.fully_consistent` requires the newest revision of the store, {why}, or use minimize_latency",
    ]


async def test_without_other_options_a_store_is_waited_for_for_five_seconds(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited, wait_for = list[float](), asyncio.wait_for

    async def counted(work: Awaitable[Revision], seconds: float) -> Revision:
        waited.append(seconds)
        return await wait_for(work, 20)

    monkeypatch.setattr(asyncio, "wait_for", counted)
    await Consistency(parts.follower, parts.tokens).reach(FullyConsistent())

    assert waited == [5.0]


async def test_a_store_that_hangs_is_waited_for_no_longer_than_the_limit(parts: Parts) -> None:
    consistency = Consistency(parts.follower, parts.tokens, wait_seconds=0.02)
    go_on, head = threading.Event(), parts.repository.head

    def hanging() -> Head:
        go_on.wait(60)
        return head()

    parts.repository.head = hanging  # type: ignore[method-assign]
    ahead = AtLeastAsFresh(parts.tokens.consistency(Revision(7)))
    try:
        async with asyncio.timeout(20):
            for requirement, wanted in ((FullyConsistent(), None), (ahead, 7)):
                with pytest.raises(RevisionNotReachedError) as caught:
                    await consistency.reach(requirement)
                assert (caught.value.wanted, caught.value.reached) == (wanted, 0)
                assert "has not answered, within 0.02 seconds" in str(caught.value)
    finally:
        go_on.set()


async def test_a_write_whose_fate_is_unknown_is_looked_for(parts: Parts) -> None:
    def committed_but_reported_as_failed() -> Written[None]:
        parts.put("a")
        raise StoreUnavailableError("the connection broke")

    with pytest.raises(StoreUnavailableError):
        await parts.writer.write(committed_but_reported_as_failed)
    async with asyncio.timeout(20):
        while parts.follower.snapshot.revision < 1:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_gap_in_the_commits_loads_everything_again_and_is_counted(parts: Parts) -> None:
    for name in ("a", "b", "c"):
        parts.put(name)
    commits = parts.repository.commits
    skipped = {"once": True}

    def with_a_hole(*, after: Revision, limit: int) -> list[Commit]:
        found = commits(after=after, limit=limit)
        return found[1:] if skipped.pop("once", None) else found

    parts.repository.commits = with_a_hole  # type: ignore[method-assign]

    await parts.follower.catch_up()

    assert (parts.reloads, parts.follower.snapshot.revision, len(parts.follower.snapshot)) == ({"gap": 1}, 3, 3)


def test_a_load_reports_its_progress(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_loader, "ROLES_BETWEEN_PROGRESS", 2)
    for name in ("a", "b", "c"):
        parts.put(name)
    reported = list[tuple[int, int]]()

    load_snapshot(parts.repository, progress=lambda loaded, total: reported.append((loaded, total)))

    assert reported == [(2, 3), (3, 3)]


def test_a_load_of_an_empty_store_reports_that_nothing_was_to_be_loaded(parts: Parts) -> None:
    reported = list[tuple[int, int]]()

    load_snapshot(parts.repository, progress=lambda *numbers: reported.append(numbers))

    assert reported == [(0, 0)]


def test_a_load_takes_up_what_was_committed_while_it_read(parts: Parts) -> None:
    parts.put("a")
    load = parts.repository.load

    def written_meanwhile(digest: StateDigest | None = None) -> Iterator[Role]:
        yield from load(digest)
        parts.put("b")

    parts.repository.load = written_meanwhile  # type: ignore[method-assign]

    snapshot = load_snapshot(parts.repository)

    assert (len(snapshot), snapshot.revision) == (2, 2)


def test_a_load_ends_with_the_head_that_it_read_last(parts: Parts) -> None:
    parts.put("a")
    load, head, calls = parts.repository.load, parts.repository.head, list[str]()

    def counted(digest: StateDigest | None = None) -> Iterator[Role]:
        calls.append("load")
        yield from load(digest)
        parts.put("b")

    def written_afterwards() -> Head:
        calls.append("head")
        found = head()
        if calls.count("head") == 2:
            parts.put("c")
        return found

    parts.repository.load, parts.repository.head = counted, written_afterwards  # type: ignore[method-assign]

    snapshot = load_snapshot(parts.repository)

    assert (len(snapshot), snapshot.revision, calls) == (2, 2, ["head", "load", "head"])


def test_a_load_reads_at_most_500_commits_at_a_time(parts: Parts) -> None:
    load, commits, limits = parts.repository.load, parts.repository.commits, list[int]()

    def written_meanwhile(digest: StateDigest | None = None) -> Iterator[Role]:
        yield from load(digest)
        for _ in range(501):
            parts.put("a")

    def counted(*, after: Revision, limit: int) -> list[Commit]:
        limits.append(limit)
        return commits(after=after, limit=limit)

    parts.repository.load, parts.repository.commits = written_meanwhile, counted  # type: ignore[method-assign]

    assert load_snapshot(parts.repository).revision == 501
    assert limits == [500, 1]


def test_progress_is_reported_after_each_ten_thousand_roles() -> None:
    one, reported = role(document(allow())), list[tuple[int, int]]()

    counted = snapshot_loader._counted([one] * 20_001, 15_000, lambda *numbers: reported.append(numbers))

    assert sum(1 for _ in counted) == 20_001
    assert reported == [(10_000, 15_000), (20_000, 20_000), (20_001, 20_001)]


@pytest.mark.parametrize("enabled", [True, False])
def test_a_load_leaves_the_collector_as_it_was(parts: Parts, enabled: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()

        load_snapshot(parts.repository)

        assert gc.isenabled() == enabled
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        (gc.enable if was else gc.disable)()


async def test_a_large_commit_lets_other_work_in_and_the_next_write_waits_for_it(parts: Parts) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while parts.follower.snapshot.revision < 1:
            turns += 1
            await asyncio.sleep(0)

    large, small = parts.put(*(f"r{n}" for n in range(1_000))), parts.put("later")
    await asyncio.gather(parts.follower.apply_local(large), parts.follower.apply_local(small), others())

    assert turns >= 10
    assert (parts.reloads, parts.follower.snapshot.revision, len(parts.follower.snapshot)) == ({}, 2, 1_001)


async def test_a_write_after_a_load_is_in_the_state_that_was_loaded(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await parts.follower.apply_local(parts.put("a"))
    loop, key = asyncio.get_running_loop(), parts.repository.token_key

    def after_the_load(_: object) -> bytes:
        late = parts.follower.apply_local(parts.put("late"))
        asyncio.run_coroutine_threadsafe(late, loop).result(20)
        return key

    monkeypatch.setattr(type(parts.repository), "token_key", property(after_the_load))
    await parts.follower.reload(Reload.MISMATCH)

    assert (parts.follower.snapshot.revision, len(parts.follower.snapshot)) == (2, 2)


async def test_a_reload_keeps_versions_and_what_was_written_meanwhile(parts: Parts) -> None:
    await parts.follower.apply_local(parts.put("a"))
    kept = parts.follower.snapshot.version(f"{ACCOUNT}/a")
    second, commits, load = parts.put("b"), parts.repository.commits, parts.repository.load
    loaded, go_on = asyncio.Event(), threading.Event()
    loop, asked = asyncio.get_running_loop(), list[Revision]()

    def altered_once(*, after: Revision, limit: int) -> list[Commit]:
        asked.append(after)
        if len(asked) == 1:
            raise BrokenHistoryError("altered")
        return commits(after=after, limit=limit)

    def late(digest: StateDigest | None = None) -> Iterator[Role]:
        yield from list(load(digest))
        loop.call_soon_threadsafe(loaded.set)
        go_on.wait(10)

    parts.repository.commits = altered_once  # type: ignore[method-assign]
    parts.repository.load = late  # type: ignore[method-assign]
    reloading = asyncio.create_task(parts.follower.catch_up())
    await loaded.wait()
    parts.follower.snapshot.apply(second)
    await parts.follower.apply_local(parts.put("c"))
    go_on.set()
    await reloading

    snapshot = parts.follower.snapshot
    assert (parts.reloads, snapshot.revision, len(snapshot)) == ({"gap": 1}, 3, 3)
    assert snapshot.version(f"{ACCOUNT}/a") is kept


def test_a_load_that_is_repeated_reports_its_progress_again(parts: Parts) -> None:
    parts.put("kept")
    saved, load, reported = parts.repository.saved(), parts.repository.load, list[tuple[int, int]]()
    parts.put("lost")

    def losing(digest: StateDigest | None = None) -> Iterator[Role]:
        roles = list(load(digest))
        if not reported:
            parts.repository.put_back(saved)
            parts.put("x")
            parts.put("y")
        yield from roles

    parts.repository.load = losing  # type: ignore[method-assign]
    load_snapshot(parts.repository, progress=lambda *numbers: reported.append(numbers))

    assert reported == [(2, 2), (3, 3)]


def test_what_ended_before_a_load_is_freed_before_the_collector_is_disabled(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = list[str]()
    for name in ("collect", "disable", "freeze", "enable"):
        monkeypatch.setattr(gc, name, lambda name=name: called.append(name))

    load_snapshot(parts.repository)

    assert called == ["collect", "disable", "freeze", "enable"]


async def test_a_token_is_refused_with_the_field_that_it_came_in(parts: Parts) -> None:
    stranger = Tokens(parts.repository.token_key, "another").consistency(Revision(1))

    with pytest.raises(InvalidTokenError) as forged:
        await parts.consistency.reach(AtLeastAsFresh("forged", "start_token"))
    with pytest.raises(UnknownIncarnationError, match=r"^`start_token` comes from another history"):
        await parts.consistency.reach(AtLeastAsFresh(stranger, "start_token"))

    assert forged.value.kind == "start_token"


async def test_a_token_of_the_present_needs_no_read_of_the_store(parts: Parts) -> None:
    await parts.follower.apply_local(parts.put("a"))
    parts.repository.down = True

    await parts.consistency.reach(AtLeastAsFresh(parts.consistency.token()))

    assert parts.follower.snapshot.revision == 1
