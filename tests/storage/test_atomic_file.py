"""Atomic replacement of files: what reaches the disk, in which order, and what is left after a failure."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rolecall.regular_file import open_regular
from rolecall.storage.atomic_file import replacing, sync_directory
from rolecall.storage.snapshot.file import SnapshotFile
from tests.storage.processes import open_files
from tests.storage.snapshots import KEY, LATER, POSITION, SEEN, roles


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list in which each sync and each rename is noted, with the name of its file."""
    noted = list[str]()
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        noted.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def noted_replace(path: Path, target: Path) -> Path:
        # What is not written yet would not be on disk, though the file was synced.
        noted.append(f"rename {path.name} of {path.stat().st_size} bytes")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    return noted


def test_a_replacement_is_on_disk_before_and_after_the_rename(tmp_path: Path, events: list[str]) -> None:
    with replacing(tmp_path / "a") as file:
        file.write(b"12345")

    assert events == ["sync a.new", "rename a.new of 5 bytes", f"sync {tmp_path.name}"]
    assert (tmp_path / "a").read_bytes() == b"12345"


def test_a_replacement_that_need_not_be_durable_waits_for_no_disk(tmp_path: Path, events: list[str]) -> None:
    with replacing(tmp_path / "a", durable=False) as file:
        file.write(b"12345")

    assert events == ["rename a.new of 5 bytes"]


def test_the_names_of_a_directory_are_synced(tmp_path: Path, events: list[str]) -> None:
    sync_directory(tmp_path)

    assert events == [f"sync {tmp_path.name}"]


def test_a_snapshot_is_on_disk_when_it_is_written(tmp_path: Path, events: list[str]) -> None:
    file = SnapshotFile(tmp_path / "state", KEY)

    file.write(POSITION, roles(2), SEEN, pause=lambda: None)

    size = file.path.stat().st_size
    assert events == ["sync state.new", f"rename state.new of {size} bytes", f"sync {tmp_path.name}"]


def test_the_time_at_which_the_store_was_seen_waits_for_no_disk(tmp_path: Path, events: list[str]) -> None:
    SnapshotFile(tmp_path / "state", KEY).touch(POSITION, LATER)

    assert [event.split(" of ")[0] for event in events] == ["rename state.seen.new"]


def test_a_snapshot_that_was_set_aside_stays_so_after_a_crash(tmp_path: Path, events: list[str]) -> None:
    (tmp_path / "state").write_bytes(b"bad")

    SnapshotFile(tmp_path / "state", KEY).set_aside()

    assert events == ["rename state of 3 bytes", f"sync {tmp_path.name}"]


def test_a_replacement_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    def interrupted() -> None:
        with replacing(tmp_path / "a") as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_what_a_crash_has_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.new").write_text("half of an older one, which was longer")

    with replacing(tmp_path / "a") as file:
        file.write(b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("durable", [True, False])
def test_no_descriptor_stays_open(tmp_path: Path, durable: bool) -> None:
    before = open_files()

    with replacing(tmp_path / "a", durable=durable) as file:
        file.write(b"new")
    with open_regular(tmp_path / "a") as file:
        file.read()
    with pytest.raises(OSError, match="it is a directory, not a regular file"):
        open_regular(tmp_path)

    assert open_files() == before


@pytest.mark.parametrize("follow", [True, False])
def test_a_file_that_is_opened_is_not_inherited_by_other_programs(tmp_path: Path, follow: bool) -> None:
    (tmp_path / "a").write_text("text")

    with open_regular(tmp_path / "a", follow=follow) as file, replacing(tmp_path / "b") as other:
        inheritable = [os.get_inheritable(each.fileno()) for each in (file, other)]

    assert inheritable == [False, False]


def test_what_is_not_a_regular_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "a").symlink_to("target")

    with pytest.raises(OSError, match="it is a symbolic link"), replacing(tmp_path / "a"):
        pytest.fail("nothing is written")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "target"]
    assert (tmp_path / "target").read_text() == "old"


def test_what_became_a_link_during_the_writing_is_not_replaced(tmp_path: Path) -> None:
    def write() -> None:
        with replacing(tmp_path / "a") as file:
            file.write(b"new")
            (tmp_path / "a").symlink_to("elsewhere")

    with pytest.raises(OSError, match="it is a symbolic link"):
        write()

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").is_symlink()


def put_link(path: Path) -> None:
    path.symlink_to("victim")


def put_file(path: Path) -> None:
    (path.parent / "victim").rename(path)


@pytest.mark.parametrize("put", [put_link, put_file])
def test_what_another_process_puts_there_just_before_the_writing_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[[Path], None]
) -> None:
    (tmp_path / "victim").write_text("untouched")
    unlink = Path.unlink

    def late(path: Path, *, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        put(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", late)
        with pytest.raises(FileExistsError), replacing(tmp_path / "a"):
            pytest.fail("nothing is written")

    assert (tmp_path / "a.new").read_text() == "untouched"
    assert not (tmp_path / "a").exists()


def test_an_error_reaches_the_caller_also_if_another_process_has_taken_the_name(tmp_path: Path) -> None:
    def interrupted() -> None:
        with replacing(tmp_path / "a"):
            (tmp_path / "a.new").unlink()
            (tmp_path / "a.new").write_text("theirs")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert [path.name for path in tmp_path.iterdir()] == ["a.new"]
    assert (tmp_path / "a.new").read_text() == "theirs"


@pytest.mark.parametrize("theirs", [None, "theirs"], ids=["gone", "replaced"])
def test_a_name_that_another_process_has_taken_is_no_error_of_the_system(tmp_path: Path, theirs: str | None) -> None:
    def write() -> None:
        with replacing(tmp_path / "a") as file:
            file.write(b"new")
            (tmp_path / "a.new").unlink()
            if theirs:
                (tmp_path / "a.new").write_text(theirs)

    with pytest.raises(OSError, match="another process writes the same file; give each its own file") as caught:
        write()

    assert (type(caught.value), caught.value.errno) == (OSError, 0)
    assert not (tmp_path / "a").exists()


def test_only_a_directory_has_names_to_sync(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")

    with pytest.raises(NotADirectoryError):
        sync_directory(tmp_path / "a")
