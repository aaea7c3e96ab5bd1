"""A file of another kind than the command reads which it was given to."""

from __future__ import annotations

from pathlib import Path

from rolecall.cli.problems.problem import Location, Problem
from rolecall.cli.sources.kind import FileKind
from rolecall.cli.sources.recognise import kind_in


def other_kind(path: Path, text: str, expected: FileKind) -> Problem | None:
    """Return the problem of a file that is recognisably of another kind than `expected`; None if it is not."""
    kind = kind_in(path, text)
    if kind is None or kind == expected:
        return None
    message = f"this is {kind.name}, and {expected.name} is needed"
    # What to give to other commands instead would not help this one.
    hint = expected.form if kind.instead else kind.elsewhere
    return Problem(location=Location(str(path)), message=message, hint=hint, reason="WRONG_KIND")
