"""The error of a file of contexts that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContextProblem:
    """One mistake: the file, its line and column (from 1; 0: the file as a whole), the broken rule, and what to do."""

    file: str
    line: int
    column: int
    message: str
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}" + (f"; {self.fix}" if self.fix else "")


class ContextsError(ValueError):
    """The file of contexts cannot be used, or has no such context; `problems` are all its mistakes."""

    def __init__(self, problems: Iterable[ContextProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


def error_in(file: object, message: str, fix: str = "") -> ContextsError:
    """Return the error of one mistake that is about a file as a whole."""
    return ContextsError([ContextProblem(str(file), 0, 0, message, fix)])
