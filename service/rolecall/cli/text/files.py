"""Find files in directories, and read UTF-8 text of limited size from files and from standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from rolecall.cli.problems.problem import Location, Problem, error_at
from rolecall.cli.text.encodings import decoded, require_text
from rolecall.regular_file import NotRegularError, open_regular, reason_of

MAX_POLICY_FILE_BYTES = 1024 * 1024
SUFFIXES = frozenset({".json", ".yaml", ".yml"})
STDIN = "-"
PIPE_HINT = "give `-`, and pipe into standard input"


def files_in(directory: Path) -> list[Path]:
    """Return the `*.json`, `*.yaml` and `*.yml` files of a directory at any depth that are not hidden, in order of their names."""
    return sorted(file for file in directory.rglob("*") if file.suffix in SUFFIXES and _visible(file, directory))


def _visible(file: Path, root: Path) -> bool:
    return file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts)


def nothing_in(directory: Path) -> Problem:
    """Return the problem of a directory without such files."""
    message = f"no such file: the directory `{directory}` has no *.yaml, *.yml or *.json file"
    return Problem(location=Location(str(directory)), message=message)


def read_policy(file: str) -> str:
    """Return the text of a policy file, or of standard input (`-`); raise `ProblemsError`."""
    return read_input(file, MAX_POLICY_FILE_BYTES)


def read_input(file: str, limit: int) -> str:
    """Return the text of a file, or of standard input (`-`), of at most `limit` bytes; raise `ProblemsError`."""
    if file != STDIN:
        return read_text(Path(file), limit, pipe_hint=PIPE_HINT)
    return _read(sys.stdin.buffer, STDIN, limit)


def read_text(path: Path, limit: int, *, pipe_hint: str = "") -> str:
    """Return the text of a regular file; raise `ProblemsError` if it cannot be read, is not UTF-8 or is longer than `limit` bytes.

    `pipe_hint` says what to do for a path that is not a regular file, such as a pipe of the shell.
    """
    try:
        with open_regular(path, follow=True) as file:
            return _read(file, str(path), limit)
    except OSError as error:
        hint = pipe_hint if isinstance(error, NotRegularError) else ""
        raise error_at(Location(str(path)), f"cannot read `{path}`: {reason_of(error)}", hint) from None


def _read(stream: BinaryIO, name: str, limit: int) -> str:
    data = stream.read(limit + 1)
    if len(data) > limit:
        # What is not text is named first: a shorter archive would not help.
        require_text(data, name)
        raise error_at(Location(name), f"`{name}` is longer than {limit:,} bytes")
    return decoded(data, name)
