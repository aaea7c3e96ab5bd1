"""Callers files that change while they are in use."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from rolecall.callers.credential import LOCAL
from rolecall.callers.errors import InvalidCallersError
from rolecall.security.callers_reload import ReloadingCallers
from tests.callers.files import put

DECIDER = "callers: [{name: laptop, match: {local: true}, policies: [RolecallDecider]}]\n"
ADMINISTRATOR = DECIDER.replace("RolecallDecider", "AdministratorAccess")
ROLE = "acs:ram::123456789012:role/shop"


class CallersOnDisk:
    """A callers file that a test changes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "callers.yaml"
        self.put(DECIDER)

    def put(self, text: str) -> None:
        put(self._path, text)

    def remove(self) -> None:
        self._path.unlink()

    def __str__(self) -> str:
        return str(self._path)


@pytest.fixture
def path(tmp_path: Path) -> CallersOnDisk:
    return CallersOnDisk(tmp_path)


def may_create(callers: ReloadingCallers) -> bool:
    return callers.directory.caller(LOCAL, source_ip="", secure=False).allows("ram:CreateRole", ROLE)


async def test_a_changed_file_is_the_next_generation(path: CallersOnDisk) -> None:
    callers = ReloadingCallers(str(path), clock=iter(range(1_000, 2_000)).__next__)
    first, before = callers.generation, may_create(callers)
    unchanged = await callers.reload_if_changed()
    path.put(ADMINISTRATOR)

    changed = await callers.reload_if_changed()

    assert (unchanged, changed) == (False, True)
    assert (before, may_create(callers)) == (False, True)
    assert callers.generation != first
    assert (callers.reloads, callers.errors, callers.loaded_at) == (1, 0, 1_002)


@pytest.mark.parametrize("broken", ["callers: [", "callers: [{name: a}]", ""])
async def test_a_broken_file_leaves_the_last_valid_one(path: CallersOnDisk, broken: str) -> None:
    callers = ReloadingCallers(str(path))
    first = callers.generation
    path.put(broken)

    with pytest.raises(InvalidCallersError):
        await callers.reload_if_changed()

    assert (callers.generation, callers.errors, callers.reloads) == (first, 1, 0)


async def test_a_file_that_is_missing_leaves_the_last_valid_one(path: CallersOnDisk) -> None:
    callers = ReloadingCallers(str(path))
    path.remove()

    with pytest.raises(InvalidCallersError):
        await callers.reload_if_changed()

    assert callers.errors == 1
    assert not may_create(callers)


def test_a_file_that_is_broken_from_the_start_is_an_error(path: CallersOnDisk) -> None:
    path.put("callers: [")

    with pytest.raises(InvalidCallersError):
        ReloadingCallers(str(path))


async def test_a_directory_that_changes_through_a_link_is_reloaded(tmp_path: Path) -> None:
    for version, text in (("..1", DECIDER), ("..2", ADMINISTRATOR)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "callers.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "callers.yaml").symlink_to("..data/callers.yaml")
    callers = ReloadingCallers(str(tmp_path))
    (tmp_path / "..next").symlink_to("..2")
    (tmp_path / "..next").rename(tmp_path / "..data")

    await callers.reload_if_changed()

    assert may_create(callers)


async def test_each_new_error_is_reported_once_and_so_is_its_end(path: CallersOnDisk) -> None:
    callers, reported = ReloadingCallers(str(path)), asyncio.Queue[InvalidCallersError | None]()
    watching = asyncio.create_task(callers.watch_files(reported.put_nowait, seconds=0))
    path.put("callers: [")
    first = await reported.get()
    path.put("callers: {}")
    second = await reported.get()
    path.put(DECIDER)
    end = await reported.get()
    path.put(ADMINISTRATOR)
    changed = await reported.get()

    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching

    assert isinstance(first, InvalidCallersError)
    assert isinstance(second, InvalidCallersError)
    assert (end, changed) == (None, None)
    assert reported.empty()
    assert may_create(callers)
