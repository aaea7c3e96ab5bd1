"""Read UTF-8 text of limited size from files and from standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from rolecall.cli.problem import Location, error_at

MAX_POLICY_FILE_BYTES = 1024 * 1024
STDIN = "-"


def read_policy(file: str) -> str:
    """Return the text of a file, or of standard input (`-`); raise `ProblemsError`."""
    if file != STDIN:
        return read_text(Path(file), MAX_POLICY_FILE_BYTES)
    return _read(sys.stdin.buffer, STDIN, MAX_POLICY_FILE_BYTES)


def read_text(path: Path, limit: int) -> str:
    """Return the text of a file; raise `ProblemsError` if it cannot be read, is not UTF-8 or is longer than `limit` bytes."""
    try:
        with path.open("rb") as file:
            return _read(file, str(path), limit)
    except OSError as error:
        raise error_at(Location(str(path)), f"cannot read `{path}`: {(error.strerror or str(error)).lower()}") from None


def _read(stream: BinaryIO, name: str, limit: int) -> str:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise error_at(Location(name), f"`{name}` is longer than {limit:,} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise error_at(Location(name, line, 1), f"`{name}` is not UTF-8 text") from None
