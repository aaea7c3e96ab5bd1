from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from rolecall.observability.decision_log.log import open_sink
from rolecall.observability.decision_log.sinks import RotatedFile, StandardOutput
from tests.observability.decision_records import options

LINE = b"x" * 39 + b"\n"


def rotated(path: Path, *, max_bytes: int = 100, keep: int = 2) -> RotatedFile:
    return RotatedFile(path, max_bytes=max_bytes, keep=keep, largest=1_000)


def lines(folder: Path) -> dict[str, int]:
    return {path.name: path.read_bytes().count(b"\n") for path in sorted(folder.iterdir())}


def test_a_full_file_is_put_aside_and_the_oldest_makes_room(tmp_path: Path) -> None:
    file = rotated(tmp_path / "log")

    for number in range(9):
        file.append(b"%d" % number + LINE[1:])

    assert lines(tmp_path) == {"log": 1, "log.1": 2, "log.2": 2}
    assert [(tmp_path / name).read_bytes()[:1] for name in ("log", "log.1", "log.2")] == [b"8", b"6", b"4"]


def test_no_file_is_larger_than_it_may_be_but_for_one_line(tmp_path: Path) -> None:
    file = rotated(tmp_path / "log")

    for _ in range(4):
        file.append(b"y" * 150 + b"\n")

    assert [path.stat().st_size for path in tmp_path.iterdir()] == [151] * 3
    assert file.largest == 100


def test_without_rotation_the_file_grows(tmp_path: Path) -> None:
    file = rotated(tmp_path / "log", keep=0)

    for _ in range(9):
        file.append(LINE)

    assert lines(tmp_path) == {"log": 9}


def test_a_file_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LINE)

    rotated(tmp_path / "log").append(LINE)

    assert lines(tmp_path) == {"log": 2}


def test_half_a_line_of_a_dead_process_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LINE + b"half")

    rotated(tmp_path / "log").append(LINE)

    assert (tmp_path / "log").read_bytes() == LINE + b"half\n" + LINE


@pytest.mark.parametrize(("before", "after"), [(b"half", b"half\n" + LINE), (LINE, LINE * 2), (b"", LINE)])
def test_only_half_a_line_is_ended_when_a_path_is_reopened(tmp_path: Path, before: bytes, after: bytes) -> None:
    file = rotated(tmp_path / "log", max_bytes=1_000)
    (tmp_path / "log").write_bytes(before)

    file.reopen()
    file.append(LINE)
    file.append(LINE)

    assert (tmp_path / "log").read_bytes() == after + LINE


def test_a_file_that_is_closed_or_reopened_leaves_no_descriptor_open(tmp_path: Path) -> None:
    file = rotated(tmp_path / "log")
    first = os.fstat(file._descriptor)
    (tmp_path / "log").rename(tmp_path / "moved")

    file.reopen()
    reopened = open_inodes()
    second = os.fstat(file._descriptor)
    file.close()

    assert first.st_ino not in reopened
    assert second.st_ino in reopened
    assert second.st_ino not in open_inodes()


def open_inodes() -> set[int]:
    """Return the numbers of the files that this process has open."""
    found = set[int]()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(os.fstat(int(descriptor.name)).st_ino)
    return found


def test_a_device_is_rotated_in_no_directory_and_never_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    device = rotated(Path("/dev/null"), max_bytes=10, keep=1)

    for _ in range(3):
        device.append(LINE)

    assert (device.largest, Path("/dev/null").is_file(), Path("/dev/null.1").exists()) == (10, False, False)


def test_a_moved_file_is_written_to_until_the_path_is_reopened(tmp_path: Path) -> None:
    file = rotated(tmp_path / "log")
    file.append(LINE)
    (tmp_path / "log").rename(tmp_path / "moved")

    file.append(LINE)
    file.reopen()
    file.append(LINE)

    assert lines(tmp_path) == {"log": 1, "moved": 2}


def test_what_is_written_after_the_file_was_removed_is_not_lost(tmp_path: Path) -> None:
    file = rotated(tmp_path / "log")
    file.append(LINE)
    (tmp_path / "log").unlink()

    file.append(LINE)

    assert lines(tmp_path) == {"log": 1}


def test_a_rotation_that_came_half_way_is_ended_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = rotated(tmp_path / "log")
    file.append(LINE * 2)
    opened = os.open
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(OSError(24, "too many open files")))
    with pytest.raises(OSError, match="too many"):
        file.append(LINE)
    monkeypatch.setattr(os, "open", opened)

    file.append(LINE)

    assert lines(tmp_path) == {"log": 1, "log.1": 2}


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = rotated(tmp_path / "log", max_bytes=1_000)
    file.append(LINE)
    write, left = os.write, [10, 0]

    def failing(descriptor: int, data: bytes) -> int:
        room = left.pop(0)
        if not room:
            raise OSError(28, "no space left on device")
        return write(descriptor, data[:room])

    monkeypatch.setattr(os, "write", failing)
    with pytest.raises(OSError, match="no space"):
        file.append(LINE * 2)
    monkeypatch.setattr(os, "write", write)

    assert lines(tmp_path) == {"log": 1}
    file.append(LINE)
    assert (tmp_path / "log").read_bytes() == LINE * 2


def test_a_line_that_can_neither_be_written_nor_taken_back_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = rotated(tmp_path / "log", max_bytes=1_000)
    write, left = os.write, [10, 0]

    def failing(descriptor: int, data: bytes) -> int:
        room = left.pop(0)
        if not room:
            raise OSError(5, "input/output error")
        return write(descriptor, data[:room])

    monkeypatch.setattr(os, "write", failing)
    monkeypatch.setattr(os, "ftruncate", failing)
    left.append(0)
    with pytest.raises(OSError, match="input/output"):
        file.append(LINE)
    monkeypatch.undo()

    file.append(LINE)

    assert (tmp_path / "log").read_bytes() == LINE[:10] + b"\n" + LINE


def test_standard_output_gets_every_byte_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    output = StandardOutput(largest=1_000, descriptor=writing)
    write, room = os.write, [10, 0, 100]

    def narrow(descriptor: int, data: bytes) -> int:
        if not room[0]:
            room.pop(0)
            raise BlockingIOError(11, "resource temporarily unavailable")
        return write(descriptor, data[: room.pop(0) if len(room) > 1 else room[0]])

    monkeypatch.setattr(os, "write", narrow)
    output.append(b"1" + LINE[1:])
    output.append(b"2" + LINE[1:])
    os.close(writing)

    assert os.read(reading, 1_000) == b"1" + LINE[1:] + b"2" + LINE[1:]
    os.close(reading)


def test_standard_output_that_takes_nothing_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    output = StandardOutput(largest=1_000, descriptor=writing)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(BlockingIOError(11, "try again")))
        for _ in range(2):
            with pytest.raises(BlockingIOError):
                output.append(b"1" + LINE[1:])

    output.append(b"2" + LINE[1:])

    assert os.read(reading, 1_000) == b"2" + LINE[1:]
    os.close(reading)
    os.close(writing)


def test_a_log_is_for_its_owner_and_group(tmp_path: Path) -> None:
    rotated(tmp_path / "log")

    assert (tmp_path / "log").stat().st_mode & 0o027 == 0


def test_a_file_that_cannot_be_reopened_stays_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = rotated(folder / "log")
    folder.rename(tmp_path / "moved")

    with pytest.raises(FileNotFoundError):
        file.reopen()
    file.append(LINE)

    assert lines(tmp_path / "moved") == {"log": 1}


def test_the_sink_of_a_file_has_the_options_of_the_log(tmp_path: Path) -> None:
    rotating = open_sink(options(target=str(tmp_path / "a"), max_bytes=1_000, files=1))
    growing = open_sink(options(target=str(tmp_path / "b"), max_bytes=1_000, files=0))

    for _ in range(3):
        rotating.append(b"x" * 600)
        growing.append(b"x" * 600)

    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == {"a": 600, "a.1": 600, "b": 1_800}
    assert (rotating.largest, growing.largest) == (1_000, 256 * 1024)
    output = open_sink(options(target="stdout"))
    assert (type(output), output.largest) == (StandardOutput, 256 * 1024)


def test_a_new_file_is_readable_to_its_owner_and_group_only(tmp_path: Path) -> None:
    rotated(tmp_path / "log")

    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o640 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_file_that_is_filled_exactly_is_not_rotated_before_the_next_line(tmp_path: Path) -> None:
    file = rotated(tmp_path / "log", max_bytes=80)

    file.append(LINE)
    file.append(LINE)
    filled = lines(tmp_path)
    file.append(LINE)

    assert filled == {"log": 2}
    assert lines(tmp_path) == {"log": 1, "log.1": 2}
