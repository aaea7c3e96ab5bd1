"""Load a callers file for a command, and report what is wrong with it as a compiler does."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rolecall.cli.problems.problem import Location, Problem, ProblemsError, error_at
from rolecall.cli.text.encodings import decoded
from rolecall.cli.text.files import STDIN

if TYPE_CHECKING:
    from rolecall.callers.errors import CallersViolation
    from rolecall.security.callers_file import LoadedCallers

_PLACE = re.compile(r"(?P<file>.*):(?P<line>[0-9]+):(?P<column>[0-9]+)", re.DOTALL)


def loaded(path: str) -> LoadedCallers:
    """Return the callers of a file, a directory, or standard input (`-`); raise `ProblemsError` with everything that is wrong."""
    from rolecall.callers.errors import InvalidCallersError
    from rolecall.security.callers_file import callers_in, load_callers

    piped = _piped() if path == STDIN else None
    try:
        return load_callers(path) if piped is None else callers_in(((STDIN, piped),), Path())
    except InvalidCallersError as error:
        _refuse_other_kind(path, piped)
        raise ProblemsError(_problem(violation, path) for violation in error.violations) from None


def _piped() -> bytes:
    from rolecall.callers.limits import MAX_CALLERS_BYTES

    data = sys.stdin.buffer.read(MAX_CALLERS_BYTES + 1)
    if len(data) > MAX_CALLERS_BYTES:
        raise error_at(Location(STDIN), f"standard input has more than {MAX_CALLERS_BYTES:,} bytes, which is the limit")
    return data


def _refuse_other_kind(path: str, piped: bytes | None) -> None:
    """Raise `ProblemsError` if a file that is invalid as a callers file is recognisably of another kind."""
    from rolecall.callers.limits import MAX_CALLERS_BYTES
    from rolecall.cli.sources.foreign import CALLERS
    from rolecall.cli.sources.other_kind import other_kind
    from rolecall.regular_file import read_regular

    try:
        data = read_regular(Path(path), MAX_CALLERS_BYTES) if piped is None else piped
    except OSError:
        return
    if problem := other_kind(Path(path), decoded(data, path), CALLERS):
        raise ProblemsError([problem])


def location_of(place: str, path: str) -> Location:
    """Return the location that a place `FILE:LINE:COLUMN` is."""
    found = _PLACE.fullmatch(place)
    return Location(found["file"], int(found["line"]), int(found["column"])) if found else Location(place or path)


def _problem(violation: CallersViolation, path: str) -> Problem:
    suggestion = violation.suggestion
    return Problem(
        location=location_of(violation.place, path),
        message=violation.message,
        reason=violation.reason,
        pointer=violation.pointer,
        hint=f"write `{suggestion}`" if suggestion and f"`{suggestion}`" not in violation.message else "",
    )
