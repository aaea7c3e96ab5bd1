"""The lock of a store file, which admits one server at a time.

1. PATH.lock is locked, also while there is no store yet.
2. The store file itself is locked, by the name of which there may be several: a hard link, or one that it had before.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path

from rolecall.regular_file import reason_of
from rolecall.roles.errors import StoreBusyError, StoreUnavailableError

_PID_BYTES = 32
_NO_SUCH_LOCK = (errno.EINVAL, errno.ENOSYS)
"""The errors of a system without locks that belong to an open file, such as some sandboxes."""

_OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class StoreLock:
    """The exclusive right to use a store file, until `release`; call `lock_file` once the file exists.

    The kernel releases it when the process ends, however it ends. The lock file is never removed: otherwise two servers could each
    lock a different file of that name.
    """

    _store_file: int | None = None

    def __init__(self, store: Path) -> None:
        self._store = store
        path = store.with_name(store.name + ".lock")
        try:
            self._file = os.open(path, _OPEN | os.O_CREAT, 0o600)
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

    def lock_file(self) -> None:
        """Lock the store file; raise `StoreBusyError` if a server has locked it by another name, `StoreUnavailableError`."""
        try:
            # Closing it would also release SQLite's own locks of this process: it stays open until `release`.
            self._store_file = os.open(self._store, _OPEN)
        except OSError as error:
            raise StoreUnavailableError(f"cannot open `{self._store}` for writing: {reason_of(error)}") from error
        try:
            _lock_first_byte(self._store_file)
        except OSError as error:
            if error.errno in _NO_SUCH_LOCK:
                return
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise StoreUnavailableError(f"cannot lock `{self._store}`: {reason_of(error)}") from error
            raise StoreBusyError(
                f"`{self._store}` is in use by another server, which opened it by another name, such as a hard link; stop that"
                " one, or give this one another file"
            ) from error

    def release(self) -> None:
        """Let another server use the store; every connection to it must be closed."""
        if self._store_file is not None:
            os.close(self._store_file)
        os.close(self._file)


def _lock_first_byte(file: int) -> None:
    """Lock the first byte of a file, until it is closed; SQLite locks others."""
    # A lock of the whole file would be in the way of SQLite on network file systems. Other systems than Linux have no lock of bytes
    # that belongs to an open file: there only the lock file counts.
    if sys.platform == "linux":
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))


def _write_pid(file: int) -> None:
    # Only for the error message: the lock works without it, also when the disk is full.
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)


def _read_pid(file: int) -> str:
    text = os.pread(file, _PID_BYTES, 0).strip()
    return f" (process {text.decode()})" if text.isdigit() else ""
