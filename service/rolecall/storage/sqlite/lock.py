"""The lock file beside a store file: one server at a time.

The kernel holds the lock for the open file and lets go of it when the process ends, however it ends. The file stays:
removing it would let two servers lock two files of one name.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from rolecall.roles.errors import StoreBusyError, StoreUnavailableError

_PID_BYTES = 32


class StoreLock:
    """The right to write to one store file, until `release`."""

    def __init__(self, store: Path) -> None:
        path = store.with_name(store.name + ".lock")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreUnavailableError(f"cannot open the lock file `{path}`: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(self._file)
            os.close(self._file)
            raise StoreBusyError(
                f"`{store}` belongs to another server{holder}; stop that one, or give this one another file"
            ) from error
        _sign(self._file)

    def release(self) -> None:
        """Let another server have the store."""
        os.close(self._file)


def _sign(file: int) -> None:
    # Only a courtesy to people: the lock holds without it, also when the disk is full.
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)


def _holder(file: int) -> str:
    text = os.pread(file, _PID_BYTES, 0).strip()
    return f" (process {text.decode()})" if text.isdigit() else ""
