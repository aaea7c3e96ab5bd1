"""When a state is saved, how long the saver rests, and how old the state is said to be; by a clock that a test sets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from typing import Any

import pytest

from rolecall.engine.snapshot import Snapshot
from rolecall.roles.role import Revision
from rolecall.storage.snapshot.file import SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.format import SnapshotPosition
from rolecall.storage.snapshot.moment import Moment
from rolecall.storage.snapshot.saver import SnapshotSaver
from tests.storage.snapshots import KEY, POSITION, roles

SECOND = 1_000_000


class State:
    """A state that a test sets."""

    def __init__(self) -> None:
        self.snapshot, self.generation = self.at(1), 0
        self.age: int | None = 0

    @staticmethod
    def at(revision: int) -> Snapshot:
        return Snapshot(roles(2), revision=Revision(revision), hash=POSITION.hash, incarnation=POSITION.incarnation)

    def position(self) -> SnapshotPosition:
        return SnapshotPosition(
            incarnation="i-1", revision=self.snapshot.revision, hash=POSITION.hash, token_key=POSITION.token_key
        )

    def staleness(self) -> int | None:
        return self.age


class Saving:
    """A saver whose writes take as long as a test wants."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.takes = 1_000.0, 0.0
        self.state, self.file, self.reported = State(), SnapshotFile(path, KEY), list[SnapshotFileError | None]()
        self.saver = SnapshotSaver(self.file, self.state, on_change=self.reported.append)
        self._write = self.file.write
        monkeypatch.setattr(self.file, "write", self._writing)
        monkeypatch.setattr("rolecall.storage.snapshot.saver.monotonic", lambda: self.now)
        monkeypatch.setattr("rolecall.storage.snapshot.saver.sleep", lambda _: None)

    def _writing(self, *state: Any, pause: Callable[[], None]) -> None:
        self.now += self.takes
        self._write(*state, pause=pause)

    async def update(self) -> int:
        """Update the file; return the revision in it."""
        with ThreadPoolExecutor(1) as thread:
            await self.saver.update(thread)
        return self.file.read().position.revision


@pytest.fixture
def saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Saving:
    return Saving(tmp_path / "state", monkeypatch)


async def test_after_a_write_the_saver_rests_twenty_times_its_duration(saving: Saving) -> None:
    saving.takes = 2.0
    first = await saving.update()
    ended, saving.state.snapshot = saving.now, saving.state.at(2)

    saving.now = ended + 39.9
    during = await saving.update()
    saving.now = ended + 40.0
    after = await saving.update()

    assert (first, during, after, saving.saver.saved) == (1, 1, 2, 2)


async def test_a_saver_that_runs_rests_too(saving: Saving, monkeypatch: pytest.MonkeyPatch) -> None:
    looked, paused = asyncio.Event(), list[float]()

    async def between_updates(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) < 3:
            saving.state.snapshot = saving.state.at(len(paused) + 1)
            return
        looked.set()
        await asyncio.Event().wait()

    saving.takes = 2.0
    monkeypatch.setattr("rolecall.storage.snapshot.saver.asyncio.sleep", between_updates)
    running = asyncio.create_task(saving.saver.run(7.5))
    await looked.wait()
    running.cancel()
    await asyncio.wait([running])

    assert (saving.file.read().position.revision, saving.saver.saved) == (1, 1)
    assert paused == [7.5] * 3


async def test_a_pause_of_a_millisecond_follows_each_part_of_a_file(
    saving: Saving, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = list[float]()
    monkeypatch.setattr("rolecall.storage.snapshot.saver.sleep", pauses.append)

    await saving.update()

    assert pauses == [0.001] * len(["header", "roles", "count"])


async def test_a_state_that_was_exchanged_at_the_same_revision_is_written_again(saving: Saving) -> None:
    await saving.update()
    saving.state.generation = 1

    await saving.update()
    await saving.update()

    assert saving.saver.saved == 2


async def test_a_saved_state_is_as_old_as_the_store_was_not_seen(saving: Saving) -> None:
    saving.state.age = 100 * SECOND
    before = Moment.now(saving.saver._boot_id)
    await saving.update()
    written = saving.file.read().seen
    saving.state.age = 50 * SECOND
    await saving.update()
    touched = saving.file.read().seen

    ages = [moment.age(before) for moment in (written, touched)]

    assert [round(age / SECOND) for age in ages if age is not None] == [100, 50]


@pytest.mark.parametrize(("restored", "age"), [(True, 0), (False, None)])
async def test_a_state_of_unknown_age_is_not_saved(saving: Saving, restored: bool, age: int | None) -> None:
    saving.state.snapshot.restored, saving.state.age = restored, age

    with ThreadPoolExecutor(1) as thread:
        await saving.saver.update(thread)

    assert (saving.file.path.exists(), saving.saver.saved) == (False, 0)


async def test_the_last_write_does_not_rest_but_has_its_time(saving: Saving) -> None:
    saving.takes = 2.0
    await saving.update()
    saving.state.snapshot = saving.state.at(2)

    await saving.saver.finish(2.0)
    in_time = saving.file.read().position.revision
    saving.state.snapshot = saving.state.at(3)
    await saving.saver.finish(1.9)

    assert (in_time, saving.file.read().position.revision) == (2, 2)
    assert (saving.saver.saved, saving.saver.errors, saving.saver.failing) == (2, 1, True)
    assert [str(error) for error in saving.reported] == [
        "the server stopped before its snapshot file was written; the previous file remains"
    ]


async def test_a_failure_is_reported_once_and_counted_each_time(saving: Saving) -> None:
    saving.file.path.mkdir()

    for _ in range(3):
        await saving.saver.finish(inf)
    failing = saving.saver.failing
    saving.file.path.rmdir()
    for _ in range(2):
        await saving.saver.finish(inf)

    assert (failing, saving.saver.failing, saving.saver.errors, saving.saver.saved) == (True, False, 3, 1)
    assert [error is not None for error in saving.reported] == [True, False]
