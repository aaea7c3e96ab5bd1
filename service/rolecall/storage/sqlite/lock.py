"""The lock file beside a store file, which admits one server at a time."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from rolecall.roles.errors import StoreBusyError, StoreUnavailableError

_PID_BYTES = 32


class StoreLock:
    """The exclusive right to use a store file, until `release`.

    The kernel releases it when the process ends, however it ends. The lock file is never removed: otherwise two servers could each
    lock a different file of that name.
    """

    def __init__(self, store: Path) -> None:
        path = store.with_name(store.name + ".lock")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreUnavailableError(f"cannot open the lock file `{path}`: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = _read_pid(self._file)
            os.close(self._file)
            raise StoreBusyError(
                f"`{store}` is in use by another server{owner}; stop that one, or give this one another file"
            ) from error
        _write_pid(self._file)

    def release(self) -> None:
        """Let another server use the store."""
        os.close(self._file)


def _write_pid(file: int) -> None:
    # Only for the error message: the lock works without it, also when the disk is full.
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)


def _read_pid(file: int) -> str:
    text = os.pread(file, _PID_BYTES, 0).strip()
    return f" (process {text.decode()})" if text.isdigit() else ""
