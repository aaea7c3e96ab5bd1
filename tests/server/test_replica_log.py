"""What a replica logs beside loading, and what it does with a store that was altered or cannot be listened to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rolecall.roles.errors import AlteredRolesError
from rolecall.server.replica import Replica
from rolecall.storage.snapshot import restore as module
from tests.server.serving import Log, config, log_lines, logger
from tests.server.test_replica import Saved, Store, snapshot_flags, token_of
from tests.storage.samples import create


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def log() -> Log:
    return logger()


@pytest.fixture
async def saved(tmp_path: Path, store: Store) -> Saved:
    """Save the state of a store with one role."""
    flags = snapshot_flags(tmp_path)
    create(store, "app")
    replica = Replica(config(**flags), store, logger().logger)
    await replica.load()
    await replica.save_snapshot()
    token = token_of(store)
    await replica.close()
    return Saved(flags, token)


async def test_an_altered_store_is_logged_and_so_is_its_end(store: Store) -> None:
    log = logger()
    replica = Replica(config(), store, log.logger)
    create(store, "app")
    await replica.load()

    for problem in ("a role differs", "a role differs", "", ""):
        replica.follower.set_altered(problem)

    assert log_lines(log.stream) == [
        {"event": "store_altered", "level": "error", "error": "a role differs", "revision": 1},
        {"event": "store_proven", "level": "info", "revision": 1},
    ]
    await replica.close()


async def test_an_altered_store_is_read_again_after_a_minute(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    log = logger()
    replica = Replica(config(), store, log.logger)
    error, pauses = AlteredRolesError("the roles differ"), list[float]()
    load = replica.load

    async def altered() -> None:
        if len(pauses) < 2:
            raise error
        await load()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        assert replica.follower.altered == str(error)

    with monkeypatch.context() as patch:
        patch.setattr(replica, "load", altered)
        patch.setattr(asyncio, "sleep", sleep)
        await replica.load_with_retry()

    assert pauses[0] == 60.0
    assert replica.follower.altered == ""
    retries = [line for line in log_lines(log.stream) if line["event"] == "store_unavailable"]
    assert [(line["level"], line["error"], line["retry_seconds"]) for line in retries] == [
        ("warning", str(error), 60.0)
    ] * 2
    assert replica.startup_status == f"the state is not loaded: {error}"
    await replica.close()


async def test_a_warning_of_the_snapshot_file_is_logged_before_what_is_restored(
    saved: Saved,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replica = Replica(config(**saved.flags), Store(), log.logger)
    assert replica.file
    read = replica.file.read

    def with_warning() -> Any:
        found = read()
        object.__setattr__(found, "warning", "others may read it")
        return found

    monkeypatch.setattr(replica.file, "read", with_warning)
    assert await replica.restore_snapshot()

    warning, restored = log_lines(log.stream)
    assert warning == {"event": "snapshot_file", "level": "warning", "error": "others may read it"}
    assert (restored["event"], restored["revision"]) == ("restored", 1)
    await replica.close()


async def test_the_time_that_reading_a_snapshot_took_is_part_of_the_staleness(
    saved: Saved,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replica, began = Replica(config(**saved.flags), Store(), log.logger), list[int]()
    times = iter([10**15, 2 * 10**15])
    monkeypatch.setattr("rolecall.server.replica.boottime_micros", lambda: next(times))
    monkeypatch.setattr(replica.follower, "start", lambda _, time: began.append(time))

    assert await replica.restore_snapshot()

    (start,) = began
    (line,) = log_lines(log.stream)
    assert 10**15 - start == pytest.approx(line["age_seconds"] * 1_000_000)
    assert 0 <= 10**15 - start < 60_000_000
    await replica.close()


async def test_a_store_that_gives_no_hints_is_polled_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    replica, listened = Replica(config(), store, logger().logger), list[object]()

    async def listen(hints: object) -> None:
        listened.append(hints)

    monkeypatch.setattr(replica.polling, "listen", listen)
    for hints in (None, "hints"):
        monkeypatch.setattr(store, "notifications", lambda given=hints: given)
        await replica._listen()

    assert listened == ["hints"]
    await replica.close()


async def test_the_last_snapshot_has_three_seconds(saved: Saved, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    replica, given = Replica(config(**saved.flags), Store(), log.logger), list[float]()
    assert replica.saver

    async def finish(seconds: float) -> None:
        given.append(seconds)

    monkeypatch.setattr(replica.saver, "finish", finish)
    await replica.save_snapshot()

    assert given == [3.0]
    await replica.close()


async def test_the_intervals_of_a_replica_are_those_of_its_settings(saved: Saved, log: Log) -> None:
    settings = config(**saved.flags, poll_seconds=7, reconcile_seconds=8, snapshot_seconds=9)
    replica = Replica(settings, Store(), log.logger)

    intervals = {work.func.__qualname__: work.args for work in replica.background_work() if isinstance(work, partial)}

    assert intervals == {"Reconciler.run": (8.0,), "SnapshotSaver.run": (9.0,)}
    polling: Any = replica.polling
    assert polling._seconds == 7.0
    await replica.close()


async def test_the_age_of_what_is_restored_is_logged_in_seconds(
    saved: Saved, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Replica(config(**saved.flags), Store(), log.logger)
    restore = module.restore_snapshot

    def aged(file: Any, *, max_age: int) -> Any:
        return replace(restore(file, max_age=max_age), age=2_500_000)

    monkeypatch.setattr("rolecall.server.replica.restore_snapshot", aged)
    assert await replica.restore_snapshot()
    await replica.close()

    assert log_lines(log.stream) == [{"event": "restored", "level": "warning", "revision": 1, "age_seconds": 2.5}]
