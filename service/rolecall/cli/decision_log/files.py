"""Read the files of a rotated log, oldest first, and follow the newest one.

PATH.N … PATH.1, PATH
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from rolecall.cli.text.files import STDIN

MAX_LINE_BYTES = 2 * 1024 * 1024
POLL_SECONDS = 0.2


class LogLine(NamedTuple):
    """A line with its file and its number from 1. `data` of a line that is too long is cut."""

    file: str
    number: int
    data: bytes


def log_lines(name: str, *, follow: bool) -> Iterator[LogLine | None]:
    """Yield every line of a log (`-`: standard input); raise `OSError`.

    With `follow` this never ends, continues across rotations, and yields None whenever it has reached the end of the log.
    """
    if name == STDIN:
        yield from _whole_lines(_Reader(STDIN, sys.stdin.buffer))
        return
    path = Path(name)
    with ExitStack() as opened:
        newest, *older = [opened.enter_context(reader) for reader in _newest_first(path)]
        for reader in reversed(older):
            # Closed as soon as it is read: the space of a deleted file is free when nobody has it open.
            with reader:
                yield from _whole_lines(reader)
        yield from _followed(path, newest) if follow else _whole_lines(newest)


class _Reader:
    """Reads one file. An incomplete line is buffered until its end is written, or until the file is no longer written to."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name, self.file = name, file
        self._number, self._partial = 0, b""

    def complete_lines(self) -> Iterator[LogLine]:
        """Yield the complete lines."""
        while data := self.file.readline(MAX_LINE_BYTES + 1):
            self._partial = (self._partial + data)[: MAX_LINE_BYTES + 1]
            if data.endswith(b"\n"):
                yield self._next()

    def last_line(self) -> Iterator[LogLine]:
        """Yield the incomplete last line, if there is one."""
        if self._partial:
            yield self._next()

    def _next(self) -> LogLine:
        self._number += 1
        data, self._partial = self._partial, b""
        return LogLine(self.name, self._number, data)

    @property
    def identity(self) -> tuple[int, int]:
        """Return the device and inode of the file, which stay the same when it is renamed."""
        facts = os.fstat(self.file.fileno())
        return facts.st_dev, facts.st_ino

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def _whole_lines(reader: _Reader) -> Iterator[LogLine]:
    yield from reader.complete_lines()
    yield from reader.last_line()


def _newest_first(path: Path) -> list[_Reader]:
    """Open every file of a log. Opening the newest first misses none: a rotation meanwhile only makes a file appear twice."""
    found: dict[tuple[int, int], _Reader] = {}
    for name in (path, *_rotated_files(path)):
        with contextlib.suppress(FileNotFoundError):
            reader = _Reader(str(name), name.open("rb"))
            if found.setdefault(reader.identity, reader) is not reader:
                reader.file.close()
    if not found:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return list(found.values())


def _rotated_files(path: Path) -> list[Path]:
    """Return the rotated files, newest first."""
    numbered = re.compile(re.escape(path.name) + r"\.([0-9]{1,6})")
    matches = [(int(match[1]), other) for other in path.parent.iterdir() if (match := numbered.fullmatch(other.name))]
    return [other for _, other in sorted(matches)]


def _followed(path: Path, reader: _Reader) -> Iterator[LogLine | None]:
    """Yield what is added to the newest file; after a rotation, read it to its end and continue with the next file."""
    while True:
        with reader:
            yield from _until_rotated(path, reader)
            after = _next_after(path, reader)
        reader = after


def _until_rotated(path: Path, reader: _Reader) -> Iterator[LogLine | None]:
    while not _was_rotated(path, reader):
        yield from reader.complete_lines()
        yield None
        _rewind_if_truncated(reader)
        time.sleep(POLL_SECONDS)
    yield from _whole_lines(reader)


def _was_rotated(path: Path, reader: _Reader) -> bool:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return False
    return (facts.st_dev, facts.st_ino) != reader.identity


def _next_after(path: Path, reader: _Reader) -> _Reader:
    """Return the file that follows `reader`; if it has been deleted, the oldest that is left."""
    files = _newest_first(path)
    newer = list(takewhile(lambda other: other.identity != reader.identity, files)) or files
    for other in files:
        if other is not newer[-1]:
            other.file.close()
    return newer[-1]


def _rewind_if_truncated(reader: _Reader) -> None:
    if reader.file.seekable() and os.fstat(reader.file.fileno()).st_size < reader.file.tell():
        reader.file.seek(0)
