"""Backups that are not restored: cut off, altered, of another format, or replaced after their check."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.backup import read_backup, restore_backup
from rolecall.storage.maintenance.backup_file import BackupError
from tests.storage.backup.backups import APP, assert_refused, backed_up, opened, restored
from tests.storage.samples import change, create


def repacked(file: Path, edit: Callable[[list[Any]], object], *, sealed: bool = True) -> None:
    """Change the lines of a backup; `sealed` with the digest that they then have."""
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    edit(lines)
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines[:-1])
    if sealed:
        rows = sum(isinstance(line, list) for line in lines)
        lines[-1] = {"rows": rows, "sha256": hashlib.sha256(body).hexdigest()}
    file.write_bytes(gzip.compress(body + json.dumps(lines[-1]).encode() + b"\n"))


def as_format_1(lines: list[Any]) -> None:
    """Make the lines of a backup those of a version without the digest of roles."""
    lines[0]["version"] = 1
    at = next(n for n, line in enumerate(lines) if isinstance(line, dict) and line.get("table") == "counter")
    lines[at]["columns"].remove("digest")
    lines[at + 1].pop()


def a_role_altered(lines: list[Any]) -> None:
    at = next(n for n, line in enumerate(lines) if isinstance(line, dict) and line.get("table") == "roles")
    lines[at + 1][5] = "altered"


def test_a_backup_of_the_format_without_a_digest_is_restored_with_one(source: str, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    with opened(source) as repository:
        create(repository, "One", "Two", "Three")
    backed_up(source, file)
    repacked(file, as_format_1)
    target = f"sqlite:///{tmp_path}/target.db"

    restored(file, target)

    with opened(source) as before, opened(target) as after:
        assert after.head().digest == before.head().digest != bytes(32)
        assert len(load_snapshot(after)) == before.size()


@pytest.mark.parametrize("edits", [[a_role_altered], [as_format_1, a_role_altered]], ids=["format 2", "format 1"])
def test_a_backup_with_roles_that_no_server_wrote_is_refused(
    file: Path, tmp_path: Path, edits: list[Callable[[list[Any]], None]]
) -> None:
    for edit in edits:
        repacked(file, edit)

    with pytest.raises(BackupError, match="contains roles that no server wrote; nothing was restored"):
        restored(file, f"sqlite:///{tmp_path}/target.db")

    with opened(f"sqlite:///{tmp_path}/target.db") as target:
        assert (target.size(), target.head().revision) == (0, 0)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_backup_that_was_cut_off_is_refused(file: Path, tmp_path: Path, part: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * part)])

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "is incomplete: its end is missing; nothing was restored$")


@pytest.mark.parametrize("lines", [1, 2, 5, -1])
def test_a_backup_that_lacks_its_last_lines_is_refused(file: Path, tmp_path: Path, lines: int) -> None:
    kept = gzip.decompress(file.read_bytes()).splitlines(keepends=True)[:lines]
    file.write_bytes(gzip.compress(b"".join(kept)))

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "is incomplete: its end is missing")


@pytest.mark.parametrize("seed", range(20))
def test_a_backup_with_any_byte_altered_is_refused(file: Path, tmp_path: Path, seed: int) -> None:
    import random

    data, chance = bytearray(file.read_bytes()), random.Random(seed)
    # The ten bytes before the first are what gzip says of the file's system and time, of which nothing is used.
    place = chance.randrange(10, len(data))
    # The whole byte: of the last one that is packed, some bits mean nothing.
    data[place] ^= 0xFF
    file.write_bytes(data)

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered|its end is missing|is not a backup")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda data: data[:-4], id="half of the checksum"),
        pytest.param(lambda data: data[:-6] + bytes([data[-6] ^ 1]) + data[-5:], id="another checksum"),
        pytest.param(lambda data: data[:-1] + bytes([data[-1] ^ 1]), id="another length"),
        pytest.param(lambda data: data + b"more", id="no gzip after the end"),
    ],
)
def test_a_backup_whose_packing_is_broken_behind_its_end_is_refused(
    file: Path, tmp_path: Path, broken: Callable[[bytes], bytes]
) -> None:
    file.write_bytes(broken(file.read_bytes()))

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "is damaged, or was altered since it was written")


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: lines[2].__setitem__(1, "another"),
        lambda lines: lines.pop(8),
        lambda lines: lines.insert(8, lines[8]),
        lambda lines: lines.insert(len(lines), [1, 2]),
        lambda lines: lines[0].__setitem__("revision", 2),
        lambda lines: lines[-1].__setitem__("rows", 1),
    ],
)
def test_a_backup_whose_lines_were_changed_is_refused(
    file: Path, tmp_path: Path, edit: Callable[[list[Any]], object]
) -> None:
    repacked(file, edit, sealed=False)

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered since it was written")


def test_a_backup_whose_last_line_does_not_end_is_refused(file: Path, tmp_path: Path) -> None:
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).removesuffix(b"\n")))

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered since it was written")


def test_a_backup_with_something_after_its_end_is_refused(file: Path, tmp_path: Path) -> None:
    file.write_bytes(file.read_bytes() + gzip.compress(b"more\n"))

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered since it was written")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda lines: lines[0].__setitem__("version", 3),
            "has format `3`, this version reads format 2; restore it with",
        ),
        (lambda lines: lines[1].__setitem__("table", "other"), "was altered"),
        (lambda lines: lines[1].__setitem__("table", []), "was altered"),
        (lambda lines: lines[1]["columns"].append("more"), "was altered"),
        (lambda lines: lines.__setitem__(2, [1, "x"]), "was altered"),
        (lambda lines: lines.__setitem__(2, [1, "x", "not base64"]), "was altered"),
        (lambda lines: lines.__setitem__(2, [True, "x", ""]), "was altered"),
        (lambda lines: lines.__setitem__(2, [1, "\ud800", ""]), "was altered"),
        (lambda lines: lines.__setitem__(2, [1, "\0", ""]), "was altered"),
        (lambda lines: lines.__setitem__(2, 1), "was altered"),
        (lambda lines: lines[-2].__setitem__(3, 7), "was altered"),
        (lambda lines: lines[-2].__setitem__(3, None), "was altered"),
        (lambda lines: lines[2].__setitem__(2, 7), "was altered"),
        # Some readers pass over what is no letter of base64.
        (lambda lines: lines[2].__setitem__(2, lines[2][2] + "!"), "was altered"),
        (lambda lines: lines[0].pop("incarnation"), "was altered"),
        (lambda lines: lines.__setitem__(1, [1]), "was altered"),
    ],
)
def test_a_backup_that_this_version_cannot_read_is_refused(
    file: Path, tmp_path: Path, edit: Callable[[list[Any]], object], message: str
) -> None:
    repacked(file, edit)

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", message)


@pytest.mark.parametrize("line", [b"[" * 50_000, b"text", b"\xff"], ids=["nested too deep", "no JSON", "no text"])
def test_a_line_that_cannot_be_read_is_refused(file: Path, tmp_path: Path, line: bytes) -> None:
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join([*lines[:2], line + b"\n", *lines[2:]])))

    assert_refused(file, f"sqlite:///{tmp_path}/target.db", "was altered since it was written")


def test_a_backup_of_another_revision_than_it_says_is_not_restored(file: Path, tmp_path: Path) -> None:
    repacked(file, lambda lines: lines[0].__setitem__("revision", 2))

    with pytest.raises(BackupError, match="does not contain the revision that its header names"):
        restored(file, f"sqlite:///{tmp_path}/target.db")

    assert not (tmp_path / "target.db").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"\x1f\x8b", gzip.compress(b""), gzip.compress(b"text"), gzip.compress(b"{}"), gzip.compress(b"[1]"),
     gzip.compress(b'{"format": "other", "version": 1, "created": 1, "incarnation": "", "revision": 1}'),
     gzip.compress(b"[" * 4_000), gzip.compress(b"0" * 10_000_000), b"SQLite format 3\0" + bytes(1_000),
     gzip.compress(b"")[:10] + b"\xff" * 50],
    ids=["nothing", "text", "a beginning", "nothing in it", "text in it", "an object", "a list", "another format", "depth",
         "length", "a store", "no packing"],
)  # fmt: skip
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)

    assert_refused(
        tmp_path / "x", f"sqlite:///{tmp_path}/target.db", "is not a backup; give a file that `rolecall backup` wrote"
    )


def test_a_file_that_was_replaced_after_its_check_is_not_restored(file: Path, source: str, tmp_path: Path) -> None:
    backup = read_backup(file, on_progress=lambda _: None)
    with opened(source) as repository:
        change(repository, APP, description="later")
    backed_up(source, file)
    target = f"sqlite:///{tmp_path}/target.db"

    with pytest.raises(BackupError, match="was replaced"), open_admin_store(target).fill_transaction() as connection:
        restore_backup(file, backup, connection, on_progress=lambda _: None)

    assert not list(tmp_path.glob("target.db*[!k]"))
