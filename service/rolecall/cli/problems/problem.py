"""Problems with a file, reported as a compiler does: location, severity, message and hint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import NamedTuple


class Location(NamedTuple):
    """A location in a file. Lines and columns count from 1; line 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error in a file, or a remark about it. `severity` is `error`, `warning` or `note`; `reason` is a stable word.

    A `finding` is a remark, of the linter for example: whatever its severity, the document is valid. `changes_meaning`: whether a
    document that follows the hint can allow more than this one as it is written. `role` is the name of the role, if there is one.
    """

    location: Location
    message: str
    severity: str = "error"
    reason: str = ""
    pointer: str = ""
    hint: str = ""
    finding: bool = False
    changes_meaning: bool = False
    role: str = ""

    def record(self) -> dict[str, object]:
        """Return the problem as a JSON object."""
        facts = asdict(self)
        del facts["location"]
        return {"file": self.location.file, "line": self.location.line, "column": self.location.column, **facts}


class ProblemsError(Exception):
    """Files cannot be used; `problems` are all their problems."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.location}: {problem.message}" for problem in self.problems))


def error_at(location: Location, message: str, hint: str = "", *, reason: str = "") -> ProblemsError:
    """Return the error for a single problem."""
    return ProblemsError([Problem(location=location, message=message, hint=hint, reason=reason)])
