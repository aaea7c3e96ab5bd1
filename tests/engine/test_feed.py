from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from itertools import pairwise
from sys import getsizeof
from typing import Any

import pytest

from rolecall.engine import feed as module
from rolecall.engine.feed import Feed, estimated_bytes, role_bytes
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.role import Micros, Revision
from tests.engine.world import allow, document, role

FAR = 3_600.0


def commit(revision: int, changes: int = 1, description: str = "") -> Commit:
    made = [role(document(allow()), name=f"r{n}", revision=Revision(revision)) for n in range(changes)]
    return Commit(
        revision=Revision(revision),
        author=Author(actor="test", time=Micros(0)),
        changes=tuple(Change(ChangeKind.CREATED, each) for each in made),
        hash=description.encode(),
    )


def revisions(feed: Feed, after: int, limit: int = 100) -> list[int] | None:
    """Return the revisions of the commits after one, None if the next one has left the feed."""
    found, revision = list[int](), Revision(after)
    while len(found) < limit and revision < feed.head:
        next_one = feed.after(revision)
        if next_one is None:
            return None
        found.append(revision := next_one.revision)
    return found


async def soon(*waiting: Awaitable[None], return_exceptions: bool = False) -> None:
    """Await what has to end long before the wait that it contains would."""
    await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=return_exceptions), 20)


def test_commits_are_returned_in_order() -> None:
    feed = Feed()
    for revision in range(1, 6):
        feed.add(commit(revision), 0)

    assert (feed.head, len(feed)) == (5, 5)
    assert revisions(feed, 0) == [1, 2, 3, 4, 5]
    assert revisions(feed, 3) == [4, 5]
    assert revisions(feed, 1, limit=2) == [2, 3]
    assert revisions(feed, 5) == revisions(feed, 9) == []


def test_there_is_no_commit_after_the_head_and_none_before_the_first() -> None:
    feed = Feed()
    feed.restart(Revision(3))
    feed.add(commit(4), 0)

    found = [feed.after(Revision(revision)) for revision in range(2, 7)]

    assert [each and each.revision for each in found] == [None, 4, None, None, None]


async def test_a_wait_that_is_woken_leaves_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    feed, loop, timers = Feed(), asyncio.get_running_loop(), list[asyncio.TimerHandle]()
    call_later = loop.call_later

    def recorded(seconds: float, *args: Any) -> asyncio.TimerHandle:
        timers.append(call_later(seconds, *args))
        return timers[-1]

    waiting = asyncio.create_task(feed.wait(Revision(0), 0, FAR))
    with monkeypatch.context() as patched:
        patched.setattr(loop, "call_later", recorded)
        await asyncio.sleep(0)
    feed.add(commit(1), 0)
    await soon(waiting)

    assert [timer.cancelled() for timer in timers] == [True]


def test_a_commit_that_is_not_new_is_ignored() -> None:
    feed = Feed()
    for revision in (1, 2, 2, 1):
        feed.add(commit(revision), 0)

    assert revisions(feed, 0) == [1, 2]


def test_a_commit_that_does_not_follow_clears_the_feed_first() -> None:
    feed = Feed()
    for revision in (1, 2, 7, 8):
        feed.add(commit(revision), 0)

    assert revisions(feed, 6) == [7, 8]
    assert [feed.after(Revision(revision)) for revision in range(6)] == [None] * 6
    assert len(feed) == 2


def test_after_a_restart_only_the_bytes_of_later_commits_count() -> None:
    feed = Feed(max_changes=4)
    for revision in (1, 2):
        feed.add(commit(revision), 0)
    feed.restart(Revision(2))

    for revision in range(3, 8):
        feed.add(commit(revision, changes=2), 0)

    assert revisions(feed, 5) == [6, 7]
    assert feed.estimated_bytes == sum(estimated_bytes(commit(revision, changes=2)) for revision in (6, 7))


def test_the_number_of_changes_is_bounded() -> None:
    feed = Feed(max_changes=10)
    for revision in range(1, 21):
        feed.add(commit(revision, changes=3), 0)

    assert len(feed) == 3
    assert revisions(feed, 17) == [18, 19, 20]
    assert revisions(feed, 16) is None


def test_without_other_limits_a_feed_has_ten_thousand_changes() -> None:
    feed, changes = Feed(), commit(1, changes=100).changes
    for revision in range(1, 103):
        feed.add(replace(commit(revision), changes=changes), 0)
    full = len(feed)

    feed.add(replace(commit(103), changes=changes[:1]), 0)

    assert (full, len(feed)) == (100, 100)
    assert (feed.after(Revision(2)), feed.added) == (None, 10_201)


def test_without_other_limits_a_feed_has_32_mebibytes() -> None:
    large = role(document(allow()), description="x" * (1 << 20))
    feed, weight = Feed(), estimated_bytes(replace(commit(1), changes=(Change(ChangeKind.CREATED, large),)))
    smaller = replace(large, description="x" * ((1 << 20) - weight + (1 << 20)))
    for revision in range(1, 41):
        feed.add(replace(commit(revision), changes=(Change(ChangeKind.CREATED, smaller),)), 0)
    full = (len(feed), feed.estimated_bytes)
    feed.restart(Revision(0))
    for revision in range(1, 41):
        one_more = replace(smaller, description=smaller.description + "x" * (revision == 40))
        feed.add(replace(commit(revision), changes=(Change(ChangeKind.CREATED, one_more),)), 0)

    assert full == (32, 32 << 20)
    assert len(feed) == 31


def test_the_weight_of_a_commit_has_a_kilobyte_for_itself_and_for_each_change_and_all_their_texts() -> None:
    plain = role("")
    tagged = replace(plain, tags={"key": "value", "k2": ""})
    texts = [getsizeof(text) for text in ("key", "value", "k2", "")]

    weights = [estimated_bytes(commit(1, changes=number)) for number in (0, 1, 2)]

    assert role_bytes(plain) == 1_000 + 2 * getsizeof("")
    assert role_bytes(replace(plain, document="d" * 100)) == role_bytes(plain) + 100
    assert role_bytes(replace(plain, description="d" * 100)) == role_bytes(plain) + 100
    assert role_bytes(tagged) == role_bytes(plain) + getsizeof(dict(tagged.tags)) + sum(texts)
    assert weights[0] == 1_000
    assert weights[2] - weights[1] == weights[1] - weights[0] == role_bytes(commit(1).changes[0].role)


@pytest.mark.parametrize(("changes", "measured"), [(5, True), (6, False)])
def test_a_commit_of_more_changes_than_the_limit_fills_the_feed_without_being_measured(
    changes: int, measured: bool
) -> None:
    feed = Feed(max_changes=5, max_bytes=77_777)

    feed.add(commit(1, changes=changes), 0)

    assert feed.estimated_bytes == (estimated_bytes(commit(1, changes=changes)) if measured else 77_777)


def test_the_time_until_which_a_state_is_complete_comes_with_the_commit_after_it() -> None:
    feed = Feed(max_changes=2)
    for revision in range(1, 5):
        feed.add(commit(revision), 100 * revision)

    assert [feed.complete_until(Revision(n)) for n in range(6)] == [None, None, 300, 400, None, None]
    feed.restart(Revision(4))
    assert feed.complete_until(Revision(3)) is None
    feed.add(commit(5), 500)
    assert feed.complete_until(Revision(4)) == 500


def test_the_bytes_are_bounded() -> None:
    feed = Feed(max_bytes=20_000)
    for revision in range(1, 101):
        feed.add(commit(revision), 0)

    assert 0 < feed.estimated_bytes <= 20_000
    assert 5 < len(feed) < 20


@pytest.mark.parametrize("bounds", [{"max_changes": 5}, {"max_bytes": 5_000}])
def test_a_commit_larger_than_the_limits_stays_alone_until_the_next(bounds: dict[str, int]) -> None:
    feed = Feed(**bounds)
    feed.add(commit(1), 0)
    feed.add(commit(2, changes=50), 0)
    alone = revisions(feed, 1)

    feed.add(commit(3), 0)

    assert alone == [2]
    assert (revisions(feed, 2), revisions(feed, 1)) == ([3], None)


def test_after_a_restart_earlier_cursors_are_invalid() -> None:
    feed = Feed()
    feed.add(commit(1), 0)

    feed.restart(Revision(40))

    assert (feed.head, feed.generation, len(feed), feed.estimated_bytes) == (40, 1, 0, 0)
    assert revisions(feed, 1) is None
    feed.add(commit(41), 0)
    assert revisions(feed, 40) == [41]


async def test_waiting_watches_are_woken_by_the_next_commit() -> None:
    feed = Feed()
    waiting = [asyncio.create_task(feed.wait(Revision(0), 0, FAR)) for _ in range(3)]
    await asyncio.sleep(0)
    before = feed.waiting

    feed.add(commit(1), 0)
    await soon(*waiting)

    assert (before, feed.waiting) == (3, 0)


async def test_a_waiting_watch_is_woken_by_a_restart() -> None:
    feed = Feed()
    waiting = asyncio.create_task(feed.wait(Revision(0), 0, FAR))
    await asyncio.sleep(0)

    feed.restart(Revision(0))

    await soon(waiting)


async def test_a_change_that_has_happened_already_is_not_waited_for() -> None:
    feed = Feed()
    feed.restart(Revision(3))

    await soon(feed.wait(Revision(3), 0, FAR), feed.wait(Revision(2), 1, FAR))

    assert feed.waiting == 0


async def test_a_wait_ends_after_its_time() -> None:
    feed = Feed()

    await feed.wait(Revision(0), 0, 0.01)

    assert feed.waiting == 0


async def test_a_watch_that_stops_waiting_is_forgotten() -> None:
    feed = Feed()
    waiting = [asyncio.create_task(feed.wait(Revision(0), 0, FAR)) for _ in range(3)]
    await asyncio.sleep(0)

    waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    left = feed.waiting
    feed.add(commit(1), 0)
    waiting[1].cancel()
    await soon(*waiting, return_exceptions=True)

    assert (left, feed.waiting) == (2, 0)
    assert waiting[1].cancelled()
    assert waiting[2].done()


@pytest.mark.parametrize(("portion", "steps_of"), [(10, 10), (None, 16)])
async def test_many_watches_are_woken_in_portions_between_which_other_work_runs(
    monkeypatch: pytest.MonkeyPatch, portion: int | None, steps_of: int
) -> None:
    if portion is not None:
        monkeypatch.setattr(module, "WOKEN_AT_ONCE", portion)
    feed, woken, turns = Feed(), 0, list[int]()

    async def wait() -> None:
        nonlocal woken
        await feed.wait(Revision(0), 0, FAR)
        woken += 1

    waiting = [asyncio.create_task(wait()) for _ in range(100)]
    await asyncio.sleep(0)
    feed.add(commit(1), 0)
    async with asyncio.timeout(20):
        while woken < 100:
            turns.append(woken)
            await asyncio.sleep(0)

    await soon(*waiting)
    # A portion at a time, and the longest waiting not last of all.
    steps = {after - before for before, after in pairwise(turns)}
    assert max(steps) == steps_of
