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
from rolecall.storage.snapshot.saver import SnapshotSaver
from tests.engine.following import Parts

KEY = b"k" * 32
HOUR = 3_600_000_000


class Kept:
    def __init__(self, directory: Path) -> None:
        self.parts, self.told = Parts(), list[SnapshotFileError | None]()
        self.file = SnapshotFile(directory / "state", KEY)
        self.keeper = SnapshotSaver(
            self.file,
            self.parts.follower,
            token_key=lambda: self.parts.repository.token_key,
            on_change=self.told.append,
        )

    async def update(self) -> None:
        with ThreadPoolExecutor(1) as thread:
            await self.keeper.update(thread)

    def restored(self) -> Snapshot:
        return restore_snapshot(self.file, max_age=HOUR).snapshot


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    directory = tmp_path / "volume"
    directory.mkdir()
    made = Kept(directory)
    yield made
    made.parts.close()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_what_was_kept_is_the_state(kept: Kept) -> None:
    await kept.parts.follower.apply_local(kept.parts.put("a", "b"))

    await kept.update()

    snapshot, held = kept.restored(), kept.parts.follower.snapshot
    assert (snapshot.revision, snapshot.hash, snapshot.incarnation) == (held.revision, held.hash, held.incarnation)
    assert snapshot.restored
    assert {v.role.key: v.role for v in snapshot.versions()} == {v.role.key: v.role for v in held.versions()}


async def test_a_state_that_has_not_changed_is_not_written_again_but_seen(kept: Kept) -> None:
    await kept.update()
    kept.keeper._not_before = 0.0
    before, inode = kept.file.read().seen, kept.file.path.stat().st_ino

    await kept.update()

    assert (kept.keeper.saved, kept.file.path.stat().st_ino) == (1, inode)
    assert kept.file.read().seen.boottime > before.boottime


async def test_a_state_that_changes_often_is_written_a_twentieth_of_the_time(kept: Kept) -> None:
    await kept.update()
    kept.keeper._not_before += 3_600
    await kept.parts.follower.apply_local(kept.parts.put("a"))

    await kept.update()

    assert (kept.keeper.saved, kept.restored().revision) == (1, 0)


async def test_a_state_that_the_store_has_not_confirmed_is_not_kept(kept: Kept) -> None:
    kept.parts.follower.snapshot.restored = True

    await kept.update()

    assert not kept.file.path.exists()


async def test_a_disk_that_does_not_take_it_is_told_once_and_so_is_its_end(kept: Kept) -> None:
    directory = kept.file.path.parent
    shutil.rmtree(directory)
    task = asyncio.create_task(kept.keeper.run(0.01))
    await until(lambda: kept.keeper.errors >= 3)
    during = list(kept.told)
    directory.mkdir()

    await until(lambda: kept.keeper.saved)
    await until(lambda: not kept.keeper.failing)

    task.cancel()
    await asyncio.wait([task])
    assert [type(error) for error in during] == [SnapshotFileError]
    assert kept.told[1:] == [None]


async def test_a_server_that_stops_waits_for_no_file(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    await kept.update()
    kept.keeper._not_before = 0.0
    await kept.parts.follower.apply_local(kept.parts.put(*(f"r{n}" for n in range(1_000))))
    writing, go_on = asyncio.Event(), threading.Event()
    loop, done = asyncio.get_running_loop(), list[bool]()

    def slow(_: float) -> None:
        loop.call_soon_threadsafe(writing.set)
        go_on.wait(20)
        done.append(True)

    monkeypatch.setattr(saver, "sleep", slow)
    task = asyncio.create_task(kept.keeper.run(3_600))
    await writing.wait()
    task.cancel()
    await asyncio.wait([task])
    go_on.set()
    await until(lambda: not any(thread.name.startswith("snapshot-file") for thread in threading.enumerate()))

    assert kept.restored().revision == 0
    assert done == [True]
    assert [path.name for path in kept.file.path.parent.iterdir()] == ["state"]


async def test_a_server_that_stops_keeps_what_it_knows_if_that_is_quick(kept: Kept) -> None:
    await kept.update()
    await kept.parts.follower.apply_local(kept.parts.put("a"))

    await kept.keeper.finish(30)
    in_time = kept.restored().revision
    await kept.parts.follower.apply_local(kept.parts.put("b"))
    await kept.keeper.finish(-1)

    assert (in_time, kept.restored().revision) == (1, 1)
    assert [str(error) for error in kept.told] == [
        "the server stopped before its snapshot file was written; the previous file remains"
    ]
