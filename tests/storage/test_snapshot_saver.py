from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rolecall.engine.snapshot import Snapshot
from rolecall.storage.snapshot import saver
from rolecall.storage.snapshot.file import SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.restore import restore_snapshot
from rolecall.storage.snapshot.saver import SnapshotSaver, StoredState
from tests.engine.following import Parts

KEY = b"k" * 32
HOUR = 3_600_000_000


class Saving:
    def __init__(self, directory: Path) -> None:
        self.parts, self.reported = Parts(), list[SnapshotFileError | None]()
        self.file = SnapshotFile(directory / "state", KEY)
        self.saver = SnapshotSaver(
            self.file,
            StoredState(self.parts.follower, lambda: self.parts.repository.token_key),
            on_change=self.reported.append,
        )

    async def update(self) -> None:
        with ThreadPoolExecutor(1) as thread:
            await self.saver.update(thread)

    def restored(self) -> Snapshot:
        return restore_snapshot(self.file, max_age=HOUR).snapshot


@pytest.fixture
def saving(tmp_path: Path) -> Iterator[Saving]:
    directory = tmp_path / "volume"
    directory.mkdir()
    made = Saving(directory)
    yield made
    made.parts.close()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_a_saved_state_is_the_state_of_the_follower(saving: Saving) -> None:
    await saving.parts.follower.apply_local(saving.parts.put("a", "b"))

    await saving.update()

    snapshot, held = saving.restored(), saving.parts.follower.snapshot
    assert (snapshot.revision, snapshot.hash, snapshot.incarnation) == (held.revision, held.hash, held.incarnation)
    assert snapshot.restored
    assert {v.role.key: v.role for v in snapshot.versions()} == {v.role.key: v.role for v in held.versions()}


async def test_an_unchanged_state_is_not_written_again_but_marked_as_seen(saving: Saving) -> None:
    await saving.update()
    saving.saver._not_before = 0.0
    before, inode = saving.file.read().seen, saving.file.path.stat().st_ino

    await saving.update()

    assert (saving.saver.saved, saving.file.path.stat().st_ino) == (1, inode)
    assert saving.file.read().seen.boottime > before.boottime


async def test_writing_takes_at_most_a_twentieth_of_the_time(saving: Saving) -> None:
    await saving.update()
    saving.saver._not_before += 3_600
    await saving.parts.follower.apply_local(saving.parts.put("a"))

    await saving.update()

    assert (saving.saver.saved, saving.restored().revision) == (1, 0)


async def test_a_state_that_the_store_has_not_confirmed_is_not_saved(saving: Saving) -> None:
    saving.parts.follower.snapshot.restored = True

    await saving.update()

    assert not saving.file.path.exists()


async def test_a_failure_to_write_is_reported_once_and_so_is_its_end(saving: Saving) -> None:
    directory = saving.file.path.parent
    shutil.rmtree(directory)
    task = asyncio.create_task(saving.saver.run(0.01))
    await until(lambda: saving.saver.errors >= 3)
    during = list(saving.reported)
    directory.mkdir()

    await until(lambda: saving.saver.saved)
    await until(lambda: not saving.saver.failing)

    task.cancel()
    await asyncio.wait([task])
    assert [type(error) for error in during] == [SnapshotFileError]
    assert saving.reported[1:] == [None]


async def test_a_stopping_server_does_not_wait_for_its_file(saving: Saving, monkeypatch: pytest.MonkeyPatch) -> None:
    await saving.update()
    saving.saver._not_before = 0.0
    await saving.parts.follower.apply_local(saving.parts.put(*(f"r{n}" for n in range(1_000))))
    writing, go_on = asyncio.Event(), threading.Event()
    loop, done = asyncio.get_running_loop(), list[bool]()

    def slow(_: float) -> None:
        loop.call_soon_threadsafe(writing.set)
        go_on.wait(20)
        done.append(True)

    monkeypatch.setattr(saver, "sleep", slow)
    task = asyncio.create_task(saving.saver.run(3_600))
    await writing.wait()
    task.cancel()
    await asyncio.wait([task])
    waited = bool(done)
    go_on.set()
    await until(lambda: not any(thread.name.startswith("snapshot-file") for thread in threading.enumerate()))

    assert saving.restored().revision == 0
    assert (waited, done) == (False, [True])
    assert [path.name for path in saving.file.path.parent.iterdir()] == ["state"]


async def test_a_stopping_server_saves_its_state_if_that_is_quick(saving: Saving) -> None:
    await saving.update()
    await saving.parts.follower.apply_local(saving.parts.put("a"))

    await saving.saver.finish(30)
    in_time = saving.restored().revision
    await saving.parts.follower.apply_local(saving.parts.put("b"))
    await saving.saver.finish(-1)

    assert (in_time, saving.restored().revision) == (1, 1)
    assert [str(error) for error in saving.reported] == [
        "the server stopped before its snapshot file was written; the previous file remains"
    ]


async def test_a_change_during_a_writing_is_in_the_last_file(saving: Saving, monkeypatch: pytest.MonkeyPatch) -> None:
    await saving.parts.follower.apply_local(saving.parts.put("a"))
    writing, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(_: float) -> None:
        loop.call_soon_threadsafe(writing.set)
        go_on.wait(20)

    monkeypatch.setattr(saver, "sleep", slow)
    running = asyncio.create_task(saving.saver.run(3_600))
    await writing.wait()
    await saving.parts.follower.apply_local(saving.parts.put("b"))
    last = asyncio.create_task(saving.saver.finish(30))
    await asyncio.sleep(0)
    go_on.set()
    await last

    running.cancel()
    await asyncio.wait([running])
    assert saving.restored().revision == 2
