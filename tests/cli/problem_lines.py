"""What was found in a file as lines, with every fact of each problem and remark."""

from __future__ import annotations

from pathlib import Path

from rolecall.cli.problems.problem import Problem
from rolecall.cli.sources import Found, search


def searched(text: str, name: str = "a.yaml") -> Found:
    """Return what a file of the current directory with this text has."""
    Path(name).write_text(text, encoding="utf-8")
    return search([Path(name)])


def lines_of(found: Found) -> list[str]:
    """Return a line for each problem, and then for each remark."""
    return [*map(line_of, found.problems), *map(line_of, found.remarks)]


def line_of(problem: Problem) -> str:
    """Return a problem as `LINE:COLUMN: SEVERITY: MESSAGE [REASON]; HINT`."""
    at, finding = problem.location, " (finding)" if problem.finding else ""
    return f"{at.line}:{at.column}: {problem.severity}{finding}: {problem.message} [{problem.reason}]; {problem.hint}"
