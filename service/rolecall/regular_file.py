"""Reading files that come from outside: only regular files are opened, and only up to a limit.

A path may name something else by mistake or by malice. A named pipe would block its reader for good, a device may have no end, and
some devices act when they are opened. All errors are `OSError`, and `reason_of` returns their text for a message.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class NotRegularError(OSError):
    """A path names something else than a regular file."""


class FileTooLongError(OSError):
    """A file has more bytes than its reader accepts."""


def open_regular(path: Path, *, follow: bool = False) -> BinaryIO:
    """Open a regular file for reading; raise `OSError`, which is a `NotRegularError` for anything else.

    With `follow`, a symbolic link is followed; otherwise it is not a regular file.
    """
    # Before it is opened, because opening a device may already act; and afterwards, because it may have been replaced between.
    _require_regular(path, path.stat() if follow else path.lstat())
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    try:
        _require_regular(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, limit: int) -> bytes:
    """Return the content of a regular file; raise `OSError`, which is a `FileTooLongError` if it has more than `limit` bytes.

    Symbolic links are followed: Kubernetes mounts files that way.
    """
    with open_regular(path, follow=True) as file:
        return _read(file, path, limit)


def read_secret(path: Path, limit: int) -> bytes:
    """Return the content of a file that only its owner and its group may access; raise `OSError` as `read_regular` does."""
    with open_regular(path, follow=True) as file:
        if os.fstat(file.fileno()).st_mode & stat.S_IRWXO:
            raise PermissionError(
                errno.EACCES,
                "it is accessible to every user of this machine; restrict it with `chmod o= FILE`, or `defaultMode: 0440` of a"
                " mounted secret",
                str(path),
            )
        return _read(file, path, limit)


def require_replaceable(path: Path) -> None:
    """Raise `NotRegularError` if there is something else than a regular file: replacing it would remove a link or a device."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    _require_regular(path, found)


def reason_of(error: OSError) -> str:
    """Return why an operation on a file failed, as the end of a message."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def _require_regular(path: Path, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), "a device")
    raise NotRegularError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))


def _read(file: BinaryIO, path: Path, limit: int) -> bytes:
    data = file.read(limit + 1)
    if len(data) > limit:
        raise FileTooLongError(errno.EFBIG, f"it has more than {limit:,} bytes, which is the limit", str(path))
    return data
