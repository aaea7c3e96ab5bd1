"""Sinks of the decision log: standard output, or a file that is rotated when it is full.

The files are PATH, PATH.1 (the previous one), … PATH.N (the oldest, which the next rotation overwrites).
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path
from typing import Protocol

STDOUT = "stdout"

_MODE = 0o640
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Sink(Protocol):
    """Stores whole lines. Used by one thread."""

    largest: int
    """The maximum size of one `append`; a single line may be longer."""

    def append(self, data: bytes) -> None:
        """Store lines, all or none; raise `OSError`."""
        ...

    def reopen(self) -> None:
        """Open the same path, after an external tool has moved the file; raise `OSError`."""
        ...

    def close(self) -> None:
        """Close the sink."""
        ...


class StandardOutput:
    """Standard output. The rest of a line that was written in part comes before anything else."""

    def __init__(self, *, largest: int, descriptor: int | None = None) -> None:
        self.largest = largest
        self._descriptor = sys.stdout.fileno() if descriptor is None else descriptor
        self._rest = memoryview(b"")

    def append(self, data: bytes) -> None:
        """Store lines, all or none; raise `OSError`. Lines written in part count as stored: the next call completes them."""
        self._push()
        self._rest = memoryview(data)
        try:
            self._push()
        except OSError:
            if len(self._rest) == len(data):
                self._rest = memoryview(b"")
                raise

    def reopen(self) -> None:
        """Do nothing: standard output has no path."""

    def close(self) -> None:
        """Do nothing: the process also uses standard output for other things."""

    def _push(self) -> None:
        while self._rest:
            self._rest = self._rest[os.write(self._descriptor, self._rest) :]


class RotatedFile:
    """A file of at most `max_bytes`, or of one longer line, and the last `keep` rotated files.

    With `keep` 0 it is not rotated: an external tool moves it and calls for `reopen`. Raise `OSError` if it cannot be opened.
    """

    def __init__(self, path: Path, *, max_bytes: int, keep: int, largest: int) -> None:
        self._path, self._max_bytes, self._keep = path, max_bytes, keep
        self.largest = min(largest, max_bytes) if keep else largest
        _require_usable(path, rotated=keep > 0)
        self._descriptor = os.open(path, _FLAGS, _MODE)
        self._torn = self._ends_torn()

    def append(self, data: bytes) -> None:
        """Store lines, all or none; raise `OSError`."""
        self._rotate_if_full(len(data))
        size = os.fstat(self._descriptor).st_size
        try:
            _write(self._descriptor, b"\n" + data if self._torn else data)
        except OSError:
            self._truncate(size)
            raise
        self._torn = False

    def reopen(self) -> None:
        """Open the path and close the old file; raise `OSError`, and then continue with the old file."""
        before, self._descriptor = self._descriptor, os.open(self._path, _FLAGS, _MODE)
        os.close(before)
        self._torn = self._ends_torn()

    def close(self) -> None:
        """Close the sink."""
        os.close(self._descriptor)

    def _ends_torn(self) -> bool:
        """Return whether the file ends with part of a line, which a process left that died while writing."""
        last = os.fstat(self._descriptor).st_size - 1
        return last >= 0 and os.pread(self._descriptor, 1, last) != b"\n"

    def _rotate_if_full(self, coming: int) -> None:
        facts = os.fstat(self._descriptor)
        if not stat.S_ISREG(facts.st_mode):
            return
        if facts.st_nlink == 0:
            # The file was deleted: what is written to it would be lost.
            self.reopen()
        elif self._keep and facts.st_size and facts.st_size + coming > self._max_bytes:
            self._rotate()

    def _rotate(self) -> None:
        """Rename the file and its predecessors. After an interrupted attempt, complete it."""
        if self._path.exists():
            for number in range(self._keep - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    self._rotated(number).replace(self._rotated(number + 1))
            self._path.replace(self._rotated(1))
        self.reopen()

    def _rotated(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _truncate(self, size: int) -> None:
        """Remove what was written in part; if that fails, too, the next append starts a new line."""
        try:
            os.ftruncate(self._descriptor, size)
        except OSError:
            self._torn = self._torn or os.fstat(self._descriptor).st_size > size


def _require_usable(path: Path, *, rotated: bool) -> None:
    """Raise `OSError` for a path that would hang, or that would fail only at the first rotation."""
    if path.is_fifo():
        raise OSError(0, "a named pipe cannot be the decision log; use `stdout` and a pipe of the shell")
    device = path.exists() and not path.is_file()
    if rotated and not device and path.parent.is_dir() and not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(0, "cannot create files in its directory, which rotation needs")


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
