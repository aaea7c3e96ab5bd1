"""Where the decision log goes: standard output, or a file that is put aside when it is full.

PATH, PATH.1 (the one before), … PATH.N (the oldest; the next to be put aside takes its place)
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
    """Takes whole lines. For one thread."""

    largest: int
    """The most bytes to be given at once, where one line alone is not more."""

    def append(self, data: bytes) -> None:
        """Keep lines, all or none; raise `OSError`."""
        ...

    def reopen(self) -> None:
        """Begin anew at the same place, since somebody has moved what was there; raise `OSError`."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class StandardOutput:
    """Standard output. What a full pipe or disk has cut off comes before anything else once there is room."""

    def __init__(self, *, largest: int, descriptor: int | None = None) -> None:
        self.largest = largest
        self._descriptor = sys.stdout.fileno() if descriptor is None else descriptor
        self._rest = memoryview(b"")

    def append(self, data: bytes) -> None:
        """Keep lines, all or none; raise `OSError`. Lines that are begun are kept: they will be ended."""
        self._push()
        self._rest = memoryview(data)
        try:
            self._push()
        except OSError:
            if len(self._rest) == len(data):
                self._rest = memoryview(b"")
                raise

    def reopen(self) -> None:
        """Do nothing: whoever reads standard output is still there."""

    def close(self) -> None:
        """Do nothing: standard output is not ours alone."""

    def _push(self) -> None:
        while self._rest:
            self._rest = self._rest[os.write(self._descriptor, self._rest) :]


class RotatedFile:
    """A file of at most `max_bytes`, or of one line that is longer, and beside it the `keep` that were full before.

    With `keep` 0 it grows for as long as nobody moves it and asks to `reopen`. Raise `OSError` when it cannot be had.
    """

    def __init__(self, path: Path, *, max_bytes: int, keep: int, largest: int) -> None:
        self._path, self._max_bytes, self._keep = path, max_bytes, keep
        self.largest = min(largest, max_bytes) if keep else largest
        self._descriptor, self._torn = -1, False
        _require_usable(path, rotated=keep > 0)
        self.reopen()

    def append(self, data: bytes) -> None:
        """Keep lines, all or none; raise `OSError`."""
        self._make_room(len(data))
        size = os.fstat(self._descriptor).st_size
        try:
            _write(self._descriptor, b"\n" + data if self._torn else data)
        except OSError:
            self._cut_back(size)
            raise
        self._torn = False

    def reopen(self) -> None:
        """Open the path anew; raise `OSError`, and go on with the file as it was."""
        before, self._descriptor = self._descriptor, os.open(self._path, _FLAGS, _MODE)
        if before >= 0:
            os.close(before)
        # A process that died while it wrote has left half a line: it must not spoil the next.
        size = os.fstat(self._descriptor).st_size
        self._torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def close(self) -> None:
        """Let go."""
        os.close(self._descriptor)

    def _make_room(self, coming: int) -> None:
        facts = os.fstat(self._descriptor)
        if not stat.S_ISREG(facts.st_mode):
            return
        if facts.st_nlink == 0:
            # Somebody has removed the file: what is written there would be gone.
            self.reopen()
        elif self._keep and facts.st_size and facts.st_size + coming > self._max_bytes:
            self._rotate()

    def _rotate(self) -> None:
        """Put the file aside. When an earlier attempt came half way, only the rest is done."""
        if self._path.exists():
            for number in range(self._keep - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    self._aside(number).replace(self._aside(number + 1))
            self._path.replace(self._aside(1))
        self.reopen()

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _cut_back(self, size: int) -> None:
        """Take back what was written in part; where that fails too, the next line begins on a line of its own."""
        try:
            os.ftruncate(self._descriptor, size)
        except OSError:
            self._torn = self._torn or os.fstat(self._descriptor).st_size > size


def _require_usable(path: Path, *, rotated: bool) -> None:
    """Raise `OSError` for what would hang, or fail only when the file is full for the first time."""
    if path.is_fifo():
        raise OSError(0, "a named pipe cannot be a log; use `stdout` and a pipe of the shell")
    device = path.exists() and not path.is_file()
    if rotated and not device and path.parent.is_dir() and not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(0, f"no files can be made in `{path.parent}`, which rotation needs")


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
