"""Replacing a file as a whole: whoever reads sees the old one or the new one, and so does a process that starts after a crash.

PATH.new (being written, its owner's alone; what a crash has left there is taken away by the next to write) → PATH
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o600


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Give a file that takes the place of `path` when the block ends; raise `OSError`.

    When the block or anything after it fails, `path` is what it was. Not `durable`: the machine's crash (not that of this
    process) may leave a file that is torn.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, _NEW, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        try:
            # The umask may have taken from the owner what reading needs.
            os.fchmod(descriptor, _MODE)
            yield file
            file.flush()
            if durable:
                os.fsync(descriptor)
            _require_ours(fresh, descriptor)
            fresh.replace(path)
        except BaseException:
            with suppress(OSError):
                _require_ours(fresh, descriptor)
                fresh.unlink()
            raise
    if durable:
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Return when the names in a directory survive a crash of the machine; raise `OSError`."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_regular(path: Path, *, follow: bool = False) -> BinaryIO:
    """Open a file for reading; raise `OSError`, also for what is no file: a pipe would keep us waiting.

    `follow`: a link is taken for what it leads to.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a file")
    return os.fdopen(descriptor, "rb")


def _require_ours(fresh: Path, descriptor: int) -> None:
    """Two processes that write one file take each other's away: then neither must put a half-written one in place."""
    try:
        same = os.path.samestat(fresh.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        same = False
    if not same:
        raise OSError(0, "another process writes the same file; give each its own")
