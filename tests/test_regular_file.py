"""Files from outside: what is not a regular file is refused without being opened, and nothing is read without a limit."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from rolecall.regular_file import (
    FileTooLongError,
    NotRegularError,
    open_regular,
    read_regular,
    read_secret,
    reason_of,
    require_replaceable,
)
from tests.storage.processes import open_files


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


OTHERS: list[tuple[Callable[[Path], object], str]] = [
    (os.mkfifo, "a named pipe"),
    (Path.mkdir, "a directory"),
    (bind, "a socket"),
]


@pytest.mark.parametrize("read", [read_regular, read_secret])
@pytest.mark.parametrize(("make", "kind"), OTHERS)
def test_what_is_not_a_regular_file_is_not_read(
    tmp_path: Path, make: Callable[[Path], object], kind: str, read: Callable[[Path, int], bytes]
) -> None:
    make(tmp_path / "a")
    (tmp_path / "link").symlink_to("a")

    for name in ("a", "link"):
        with pytest.raises(NotRegularError) as caught:
            read(tmp_path / name, 10)

        assert reason_of(caught.value) == f"it is {kind}, not a regular file"


def test_a_device_is_not_read() -> None:
    before = open_files()

    with pytest.raises(NotRegularError, match="it is a device, not a regular file"):
        read_regular(Path("/dev/zero"), 10)

    assert open_files() == before


def test_a_file_that_becomes_a_pipe_when_it_is_opened_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("text")
    found, before = Path.stat, open_files()

    def replaced(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        result = found(path, follow_symlinks=follow_symlinks)
        assert path == tmp_path / "a"
        path.unlink()
        os.mkfifo(path)
        return result

    # Not until the end of the test: pytest itself looks at files when a test fails.
    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", replaced)
        with pytest.raises(NotRegularError, match="it is a named pipe"):
            read_regular(tmp_path / "a", 10)

    assert open_files() == before


def test_a_file_that_becomes_a_link_when_it_is_opened_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("text")
    (tmp_path / "b").write_text("another")
    found = Path.lstat

    def replaced(path: Path) -> os.stat_result:
        result = found(path)
        assert path == tmp_path / "a"
        path.unlink()
        path.symlink_to("b")
        return result

    with monkeypatch.context() as patched:
        patched.setattr(Path, "lstat", replaced)
        with pytest.raises(OSError, match="symbolic links"):
            open_regular(tmp_path / "a")


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1_000)

    assert read_regular(tmp_path / "a", 1_000) == b"x" * 1_000
    with pytest.raises(FileTooLongError, match="it has more than 999 bytes, which is the limit"):
        read_regular(tmp_path / "a", 999)


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o660])
def test_a_secret_of_its_owner_and_group_is_read(tmp_path: Path, mode: int) -> None:
    (tmp_path / "a").write_bytes(b"secret")
    (tmp_path / "a").chmod(mode)

    assert read_secret(tmp_path / "a", 10) == b"secret"


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601, 0o644])
def test_a_secret_that_others_may_access_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    (tmp_path / "a").write_bytes(b"secret")
    (tmp_path / "a").chmod(mode)

    with pytest.raises(PermissionError, match="restrict it with `chmod o= FILE`"):
        read_secret(tmp_path / "a", 10)


def test_a_link_is_followed_only_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    (tmp_path / "link").symlink_to("a")

    with open_regular(tmp_path / "link", follow=True) as file:
        followed = file.read()
    with pytest.raises(NotRegularError, match="it is a symbolic link"):
        open_regular(tmp_path / "link")

    assert followed == b"text"


def test_only_a_regular_file_or_nothing_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "dangling").symlink_to("none")

    require_replaceable(tmp_path / "a")
    require_replaceable(tmp_path / "none")
    for name in ("link", "dangling"):
        with pytest.raises(NotRegularError, match="it is a symbolic link"):
            require_replaceable(tmp_path / name)


def test_an_error_has_the_number_of_the_system_its_reason_and_the_path(tmp_path: Path) -> None:
    path, secret = tmp_path / "a", tmp_path / "secret"
    path.mkdir()
    secret.write_bytes(b"secret")
    secret.chmod(0o604)
    found = list[tuple[object, ...]]()

    for read, at in ((read_regular, path), (read_secret, secret), (read_regular, secret)):
        with pytest.raises(OSError, match=r".") as caught:
            read(at, 5)
        found.append((caught.value.errno, caught.value.strerror, caught.value.filename))

    assert found == [
        (errno.EINVAL, "it is a directory, not a regular file", str(path)),
        (
            errno.EACCES,
            (
                "it is accessible to every user of this machine; restrict it with `chmod o= FILE`, or `defaultMode: 0440` of a"
                " mounted secret"
            ),
            str(secret),
        ),
        (errno.EFBIG, "it has more than 5 bytes, which is the limit", str(secret)),
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOENT, "No such file or directory", "/a"), "no such file or directory"),
        (OSError(errno.EIO, "I/O error"), "i/O error"),
        (OSError("Without a number"), "without a number"),
        (OSError(), ""),
    ],
)
def test_the_reason_of_an_error_is_the_end_of_a_message(error: OSError, reason: str) -> None:
    assert reason_of(error) == reason
