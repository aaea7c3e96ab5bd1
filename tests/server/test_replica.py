"""One replica: how it loads, retries, restores, and what it logs of its store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rolecall.engine import snapshot_loader
from rolecall.engine.follower import Reload
from rolecall.roles.commands import Written
from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import Head
from rolecall.roles.role import Revision
from rolecall.roles.tokens import Tokens
from rolecall.server import replica as module
from rolecall.server.replica import Replica
from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.snapshot.file import SnapshotFileError
from tests.server.serving import Log, config, log_lines, logger, until
from tests.storage.samples import create


class Store(MemoryRoleRepository):
    """A store that other processes can reach, unless it is down."""

    def __init__(self, *, exclusive: bool = False) -> None:
        super().__init__()
        self.down, self.own = False, exclusive

    @property
    def exclusive(self) -> bool:
        return self.own

    def head(self) -> Head:
        if self.down:
            raise StoreUnavailableError("the store is down")
        return super().head()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def log() -> Log:
    return logger()


@pytest.fixture
async def replica(store: Store, log: Log) -> AsyncIterator[Replica]:
    made = Replica(config(), store, log.logger)
    yield made
    await made.close()


@pytest.fixture
def pauses(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Give the pauses between the attempts to load; the store is reachable again after eight of them."""
    taken: list[float] = []

    async def sleep(seconds: float) -> None:
        taken.append(seconds)
        store.down = len(taken) < 8

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "sleep", sleep)
        yield taken


async def test_a_shared_store_that_is_down_is_retried_with_growing_pauses(
    store: Store, replica: Replica, log: Log, pauses: list[float]
) -> None:
    create(store, "app")
    store.down = True

    await replica.load_with_retry()

    assert (replica.snapshot.revision, len(replica.snapshot)) == (1, 1)
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0])
    assert log_lines(log.stream)[1] == {
        "event": "store_unavailable", "level": "warning", "error": "the store is down", "retry_seconds": 0.4,
    }  # fmt: skip
    assert replica.startup_status == "the state is not loaded: the store is down"


async def test_a_store_of_this_machine_is_not_retried(log: Log, pauses: list[float]) -> None:
    own = Store(exclusive=True)
    own.down = True
    replica = Replica(config(), own, log.logger)

    with pytest.raises(StoreUnavailableError):
        await replica.load_with_retry()

    assert (pauses, log_lines(log.stream)) == ([], [])
    assert replica.startup_status == "the state is not loaded"
    await replica.close()


async def test_loading_gives_the_replica_the_tokens_and_the_history_of_its_store(
    store: Store, replica: Replica
) -> None:
    create(store, "app")
    before = replica.tokens.consistency(replica.snapshot.revision)

    await replica.load()

    assert replica.snapshot.incarnation == store.head().incarnation
    token = replica.tokens.consistency(replica.snapshot.revision)
    assert token != before
    assert replica.tokens.revision_of(token) == 1
    assert replica._token_key == store.token_key


async def test_the_progress_of_a_large_load_is_logged(
    store: Store, replica: Replica, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_snapshot(repository: Any, *, progress: Any) -> Any:
        for loaded in (50_000, 100_000, 150_000, 200_000):
            progress(loaded, 200_000)
        return original(repository)

    original = snapshot_loader.load_snapshot
    monkeypatch.setattr("rolecall.server.replica.load_snapshot", load_snapshot)

    await replica.load()
    await asyncio.sleep(0)

    assert log_lines(log.stream) == [{"event": "loading", "level": "info", "roles": 100_000, "of": 200_000}]


async def test_a_store_that_cannot_write_is_not_administered_until_a_trial_succeeds(
    store: Store, replica: Replica, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rolecall.engine.writability.FIRST_PAUSE_SECONDS", 0)
    create(store, "app")
    await replica.load()

    def full() -> Written[None]:
        raise StoreUnavailableError("the disk is full")

    with pytest.raises(StoreUnavailableError):
        await replica.writer.write(full)
    during = replica.administered()
    task = asyncio.create_task(replica.writability.run())
    await until(replica.administered)
    task.cancel()

    assert not during
    assert [line for line in log_lines(log.stream) if "writ" in line["event"]] == [
        {"event": "store_unwritable", "level": "error", "error": "the disk is full", "revision": 1},
        {"event": "store_writable", "level": "info", "revision": 1},
    ]


async def test_a_store_that_goes_and_comes_back_is_logged_once_each(store: Store, replica: Replica, log: Log) -> None:
    create(store, "app")
    await replica.load()

    for down in (True, True, False, False):
        store.down = down
        await replica.polling._poll()

    assert log_lines(log.stream) == [
        {"event": "store_lost", "level": "warning", "error": "the store is down", "revision": 1},
        {"event": "store_reached", "level": "info", "revision": 1},
    ]


async def test_a_difference_from_the_store_is_logged_with_its_roles_and_the_reload_with_its_reason(
    store: Store, replica: Replica, log: Log
) -> None:
    create(store, "app")
    await replica.load()
    key = next(version.role.key for version in replica.snapshot.versions())
    alter(replica, key)

    await replica.reconciler.reconcile()

    assert log_lines(log.stream) == [
        {"event": "state_mismatch", "level": "error", "roles": [key], "revision": 1},
        {"event": "reloaded", "level": "error", "reason": Reload.MISMATCH.value, "revision": 1},
    ]


def alter(replica: Replica, key: str) -> None:
    version = replica.snapshot.version(key)
    assert version
    version.role = replace(version.role, description="altered in memory")


async def test_the_work_of_a_replica_depends_on_its_store_and_its_settings(
    store: Store, log: Log, tmp_path: Path
) -> None:
    flags = snapshot_flags(tmp_path)
    shared, own = Replica(config(**flags), store, log.logger), Replica(config(), Store(exclusive=True), log.logger)
    never = Replica(config(reconcile_seconds=0), Store(), log.logger)

    always = ["Polling.run", "Writability.run"]
    assert names(shared) == [*always, "Replica._listen", "Reconciler.run", "SnapshotSaver.run"]
    assert names(own) == [*always, "Reconciler.run"]
    assert names(never) == [*always, "Replica._listen"]
    for replica in (shared, own, never):
        await replica.close()


def names(replica: Replica) -> list[str]:
    work: list[Any] = [work.func if isinstance(work, partial) else work for work in replica.background_work()]
    return [function.__qualname__ for function in work]


def snapshot_flags(folder: Path) -> dict[str, str]:
    key = folder / "snapshot.key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    return {"snapshot_file": str(folder / "state"), "snapshot_key_file": str(key)}


@dataclass(frozen=True)
class Saved:
    """A snapshot file with one role: the settings of a replica that has it, and the token of its revision."""

    flags: dict[str, str]
    token: str


@pytest.fixture
async def saved(tmp_path: Path, store: Store, log: Log) -> Saved:
    flags = snapshot_flags(tmp_path)
    create(store, "app")
    replica = Replica(config(**flags), store, log.logger)
    await replica.load()
    await replica.save_snapshot()
    token = token_of(store)
    await replica.close()
    log.stream.truncate(0)
    log.stream.seek(0)
    return Saved(flags, token)


async def test_while_its_store_is_down_a_replica_starts_from_the_snapshot_file(
    saved: Saved, store: Store, log: Log
) -> None:
    down = Store()
    down.down = True
    replica = Replica(config(**saved.flags), down, log.logger)

    await replica.load_with_retry()

    assert (replica.snapshot.revision, len(replica.snapshot), replica.snapshot.restored) == (1, 1, True)
    lost, restored = log_lines(log.stream)
    assert lost["event"] == "store_unavailable"
    assert restored.pop("age_seconds") == pytest.approx(replica.follower.staleness() / 1_000_000, abs=30)
    assert restored == {"event": "restored", "level": "warning", "revision": 1}
    assert replica.tokens.consistency(Revision(1)) == saved.token
    assert replica._token_key == store.token_key
    await replica.close()


async def test_a_snapshot_file_may_be_as_old_as_the_staleness_limit(
    saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []

    def restore_snapshot(_: object, *, max_age: int) -> None:
        limits.append(max_age)
        raise SnapshotFileError("not today")

    monkeypatch.setattr("rolecall.server.replica.restore_snapshot", restore_snapshot)
    replica = Replica(config(**saved.flags, max_staleness_seconds=7.5), Store(), logger().logger)

    assert not await replica.restore_snapshot()

    assert limits == [7_500_000]
    await replica.close()


async def test_the_time_of_a_load_is_part_of_the_staleness(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[int] = []
    times = iter([1_000, 2_000, 3_000])
    monkeypatch.setattr("rolecall.server.replica.boottime_micros", lambda: next(times))
    monkeypatch.setattr(replica.follower, "start", lambda _, time: began.append(time))

    await replica.load()

    assert began == [1_000]


async def test_tokens_follow_the_history_of_the_store(store: Store, replica: Replica) -> None:
    create(store, "app")
    await replica.load()
    before = replica.tokens.consistency(Revision(1))

    store.rename_history(store.head().incarnation)
    await replica.polling._poll()

    assert replica.tokens.consistency(Revision(1)) == token_of(store) != before


def token_of(store: Store) -> str:
    return Tokens(store.token_key, store.head().incarnation).consistency(Revision(1))


async def test_a_replica_is_closed_after_the_write_in_progress(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, order, drain = threading.Event(), list[str](), replica.role_writer.drain

    async def drained() -> None:
        await drain()
        order.append(f"drained while its thread {'has ended' if replica.writing._shutdown else 'runs'}")

    monkeypatch.setattr(replica.role_writer, "drain", drained)

    def work() -> Written[None]:
        release.wait(30)
        order.append("written")
        return Written(result=None, revision=Revision(0))

    writing = asyncio.create_task(replica.writer.write(work))
    await asyncio.sleep(0)
    writing.add_done_callback(lambda _: order.append("answered"))
    closing = asyncio.create_task(replica.close())
    asyncio.get_running_loop().call_later(0.05, release.set)
    await closing
    order.append("closed")

    assert [step for step in order if step != "answered"] == ["written", "drained while its thread runs", "closed"]
    assert order.index("answered") < order.index("closed")


async def test_a_snapshot_file_older_than_the_limit_is_not_restored(saved: Saved, log: Log) -> None:
    replica = Replica(config(**saved.flags, max_staleness_seconds=0), Store(), log.logger)

    assert not await replica.restore_snapshot()

    (line,) = log_lines(log.stream)
    assert (line["event"], line["level"]) == ("not_restored", "warning")
    assert len(replica.snapshot) == 0
    await replica.close()


async def test_without_a_snapshot_file_nothing_is_restored_or_saved(replica: Replica, log: Log) -> None:
    assert not await replica.restore_snapshot()
    await replica.save_snapshot()

    assert log_lines(log.stream) == []


async def test_errors_of_the_snapshot_file_and_their_end_are_logged_once(
    saved: Saved, store: Store, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Replica(config(**saved.flags), Store(), log.logger)
    await replica.load()
    assert replica.file
    write, failing = replica.file.write, True

    def sometimes(*args: Any, **kwargs: Any) -> Any:
        if failing:
            raise SnapshotFileError("the disk is full")
        return write(*args, **kwargs)

    monkeypatch.setattr(replica.file, "write", sometimes)
    await replica.save_snapshot()
    await replica.save_snapshot()
    failing = False
    await replica.save_snapshot()

    assert log_lines(log.stream) == [
        {"event": "snapshot_file", "level": "error", "error": "the disk is full"},
        {"event": "snapshot_file_written", "level": "info"},
    ]
    await replica.close()


async def test_a_closed_replica_writes_no_more(store: Store, replica: Replica) -> None:
    await replica.load()
    await replica.close()

    with pytest.raises(StoreUnavailableError):
        create(store, "late")
    assert all(pool._shutdown for pool in (replica.writing, replica.reading, replica._polling))


def test_polls_of_replicas_are_spread_by_a_tenth() -> None:
    drawn = [module._jitter() for _ in range(1_000)]

    assert 0.9 <= min(drawn) < 0.95
    assert 1.05 < max(drawn) <= 1.1
