"""Print the problems of files, and a summary: for people, as JSON, or as SARIF."""

from __future__ import annotations

import sys
from collections import Counter
from enum import StrEnum

from rolecall.cli.problem import Problem
from rolecall.cli.terminal import console, marks, print_json


class Severity(StrEnum):
    """The severity of a problem, most severe first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FindingsFormat(StrEnum):
    """The output format of `validate`."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"


def show_problems(problems: list[Problem], policies: str, output: FindingsFormat) -> None:
    """Print problems on standard output; `policies` says what was examined."""
    if output is FindingsFormat.SARIF:
        from rolecall.cli.sarif import problem_result, sarif_log

        print_json(sarif_log([problem_result(problem) for problem in problems]))
    elif output is FindingsFormat.JSON:
        valid = all(problem.finding for problem in problems)
        print_json({"valid": valid, "problems": [problem.record() for problem in problems]})
    else:
        _show(problems, Counter(problem.severity for problem in problems), policies)


def _show(problems: list[Problem], counts: Counter[str], policies: str) -> None:
    from rolecall.cli.reports import report_problems

    out = console(sys.stdout)
    report_problems(problems, out)
    summary = ", ".join(counted(counts[severity], severity) for severity in Severity if counts[severity])
    mark = marks(out).no if counts["error"] else marks(out).yes
    out.print(
        f"{mark} {policies}: {summary or 'no problems'}",
        style="red" if counts["error"] else "green",
    )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number} {noun}s"
