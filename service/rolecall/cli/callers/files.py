"""Load a callers file for a command, and report what is wrong with it as a compiler does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rolecall.cli.problem import Location, Problem, ProblemsError

if TYPE_CHECKING:
    from rolecall.callers.errors import CallersViolation
    from rolecall.security.callers_file import LoadedCallers

_PLACE = re.compile(r"(?P<file>.*):(?P<line>[0-9]+):(?P<column>[0-9]+)", re.DOTALL)


def loaded(path: str) -> LoadedCallers:
    """Return the callers of a file or directory; raise `ProblemsError` with everything that is wrong."""
    from rolecall.callers.errors import InvalidCallersError
    from rolecall.security.callers_file import load_callers

    try:
        return load_callers(path)
    except InvalidCallersError as error:
        raise ProblemsError(_problem(violation, path) for violation in error.violations) from None


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
