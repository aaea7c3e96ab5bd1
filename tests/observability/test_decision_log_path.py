"""Which paths a decision log can have, how its files are numbered, and what is left where writing failed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rolecall.observability.decision_log.log import DecisionLogError, open_sink
from tests.observability.decision_records import options
from tests.observability.test_decision_log_file import LINE, lines, rotated


@pytest.mark.parametrize(
    ("name", "files", "why"),
    [
        ("", 0, "is a directory"),
        ("none/log", 0, "no such file or directory"),
        ("none/log", 3, "no such file or directory"),
        ("pipe", 0, "a named pipe cannot be the decision log; use `stdout` and a pipe of the shell"),
    ],
)
def test_an_unusable_path_is_reported_in_one_sentence(tmp_path: Path, name: str, files: int, why: str) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(DecisionLogError) as raised:
        open_sink(options(target=str(tmp_path / name), files=files))

    assert str(raised.value) == f"cannot write the decision log to `{tmp_path / name}`: {why}"


def test_only_rotation_needs_a_directory_in_which_files_can_be_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "Log"
    path.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)

    rotated(path, keep=0).append(LINE)
    with pytest.raises(DecisionLogError) as raised:
        open_sink(options(target=str(path), files=1))

    why = "cannot create files in its directory, which rotation needs"
    assert str(raised.value) == f"cannot write the decision log to `{path}`: {why}"
    assert lines(tmp_path) == {"Log": 1}


@pytest.mark.parametrize(
    ("permitted", "usable"), [(os.W_OK, False), (os.X_OK, False), (os.R_OK, False), (os.W_OK | os.X_OK, True)]
)
def test_rotation_needs_to_write_in_the_directory_and_to_enter_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, permitted: int, usable: bool
) -> None:
    asked = list[Path]()

    def access(path: Path, mode: int) -> bool:
        asked.append(path)
        return mode & ~permitted == 0

    monkeypatch.setattr(os, "access", access)

    try:
        rotated(tmp_path / "log").close()
        opened = True
    except PermissionError:
        opened = False

    assert (opened, asked) == (usable, [tmp_path])


def test_every_rotated_file_moves_by_one_and_others_stay(tmp_path: Path) -> None:
    others = {name: name.encode() for name in ("log.0", "log.5", "log.x")}
    for name, content in others.items():
        (tmp_path / name).write_bytes(content)
    file = rotated(tmp_path / "log", max_bytes=1, keep=4)

    for number in range(7):
        file.append(b"%d\n" % number)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "log": b"6\n", "log.1": b"5\n", "log.2": b"4\n", "log.3": b"3\n", "log.4": b"2\n", **others,
    }  # fmt: skip


@pytest.mark.parametrize("before", [b"x", b"{", b"half a line"])
def test_the_first_line_after_part_of_one_begins_on_a_new_line(tmp_path: Path, before: bytes) -> None:
    (tmp_path / "log").write_bytes(before)

    rotated(tmp_path / "log").append(LINE)

    assert (tmp_path / "log").read_bytes() == before + b"\n" + LINE


@pytest.mark.parametrize(("before", "after"), [(b"", LINE), (LINE, LINE * 2), (b"half", b"half\n" + LINE)])
def test_a_write_that_stores_nothing_does_not_change_how_the_next_line_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes, after: bytes
) -> None:
    (tmp_path / "log").write_bytes(before)
    file = rotated(tmp_path / "log")

    def fail(*_: object) -> int:
        raise OSError(5, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail)
        patch.setattr(os, "ftruncate", fail)
        with pytest.raises(OSError, match="input/output"):
            file.append(LINE)
    file.append(LINE)

    assert (tmp_path / "log").read_bytes() == after
