from __future__ import annotations

import os
from pathlib import Path

import pytest

from rolecall.storage.snapshot.key import MAX_KEY_BYTES, SnapshotKeyError, read_key


def key_file(folder: Path, content: bytes, *, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
@pytest.mark.parametrize("content", [bytes(32), b"k" * 31 + b"\n", b"k" * MAX_KEY_BYTES])
def test_a_key_is_the_bytes_of_its_file(tmp_path: Path, content: bytes, mode: int) -> None:
    assert read_key(key_file(tmp_path, content, mode=mode)) == content


@pytest.mark.parametrize("size", [0, 1, 31, MAX_KEY_BYTES + 1])
def test_a_key_that_is_too_short_or_no_key_at_all_is_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(SnapshotKeyError, match="must have 32 to 4096 bytes; `head -c 32 /dev/urandom`"):
        read_key(key_file(tmp_path, b"k" * size))


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o601])
def test_a_key_that_everybody_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SnapshotKeyError, match="is accessible to every user of this machine"):
        read_key(key_file(tmp_path, bytes(32), mode=mode))


def test_a_key_behind_links_is_read(tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    key_file(tmp_path / "..2026", bytes(32))
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "key").symlink_to("..data/key")

    assert read_key(tmp_path / "key") == bytes(32)


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SnapshotKeyError, match=r"cannot read the key file `.*/none`: no such file or directory"):
        read_key(tmp_path / "none")
    with pytest.raises(SnapshotKeyError, match="it is a directory, not a regular file"):
        read_key(tmp_path)

    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SnapshotKeyError, match="it is a named pipe, not a regular file"):
        read_key(tmp_path / "pipe")
