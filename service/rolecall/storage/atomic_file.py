"""Atomic replacement of a file: a reader sees the old content or the new, also after a crash.

The new content is written to PATH.new (mode 0600) and renamed to PATH. The next write removes a PATH.new that a crash left behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from rolecall.regular_file import require_replaceable

_NEW = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_EXCL | os.O_NOFOLLOW
_MODE = 0o600


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Yield a file that replaces `path` when the block ends; raise `OSError`, also if `path` is not a regular file.

    If the block or the replacement fails, `path` is unchanged. Without `durable`, a crash of the machine (not of this process) may
    lose the new content or leave part of it.
    """
    require_replaceable(path)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, _NEW, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        try:
            # The umask may have removed the owner's own permissions.
            os.fchmod(descriptor, _MODE)
            yield file
            file.flush()
            if durable:
                os.fsync(descriptor)
            _require_same_file(fresh, descriptor)
            require_replaceable(path)
            fresh.replace(path)
        except BaseException:
            with suppress(OSError):
                _require_same_file(fresh, descriptor)
                fresh.unlink()
            raise
    if durable:
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a crash of the machine; raise `OSError`."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_same_file(fresh: Path, descriptor: int) -> None:
    """Raise `OSError` if another process has replaced `fresh`: its content may be incomplete and must not be renamed."""
    try:
        same = os.path.samestat(fresh.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        same = False
    if not same:
        raise OSError(0, "another process writes the same file; give each its own file")
