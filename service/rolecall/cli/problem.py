"""Problems with a file, as a compiler tells them: where, how bad, what, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import NamedTuple


class Location(NamedTuple):
    """Where in a file. Lines and columns count from 1; line 0 is the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong, or worth a look. `severity` is `error`, `warning` or `note`, `reason` a stable word.

    A `finding` is a remark of the linter: whatever its severity, the document is valid.
    """

    location: Location
    message: str
    severity: str = "error"
    reason: str = ""
    pointer: str = ""
    hint: str = ""
    finding: bool = False

    def record(self) -> dict[str, object]:
        """Return the problem as JSON shows it."""
        facts = asdict(self)
        del facts["location"]
        return {"file": self.location.file, "line": self.location.line, "column": self.location.column, **facts}


class ProblemsError(Exception):
    """Files cannot be used; all that is wrong with them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.location}: {problem.message}" for problem in self.problems))


def error_at(location: Location, message: str, hint: str = "") -> ProblemsError:
    """Return the error for one problem."""
    return ProblemsError([Problem(location=location, message=message, hint=hint)])
