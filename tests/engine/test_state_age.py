"""How old the state of a follower is: since its last poll, after a reload, and restored from a file."""

from __future__ import annotations

import time

import pytest

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.follower import Follower
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import Head
from rolecall.storage.memory import MemoryRoleRepository
from tests.engine.following import Parts, held, reload_that_waits

SECOND = 1_000_000


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
