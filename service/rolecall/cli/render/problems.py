"""Print the problems of files, and a summary: for people, as JSON, or as SARIF."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rolecall.cli.problems.problem import Problem
from rolecall.cli.text.terminal import console, marks, print_json

if TYPE_CHECKING:
    from rolecall.cli.linting.judging import SuppressedProblem


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


@dataclass(frozen=True, slots=True)
class ProblemReport:
    """Problems, the findings that are suppressed, what was examined, in words, and what makes the command fail."""

    problems: Sequence[Problem]
    suppressed: Sequence[SuppressedProblem]
    examined: str
    fail_on: Severity

    @property
    def failed(self) -> bool:
        """Return whether a problem is as severe as `fail_on`, or more."""
        failing = list(Severity)[: list(Severity).index(self.fail_on) + 1]
        return any(problem.severity in failing for problem in self.problems)


def show_problems(report: ProblemReport, output: FindingsFormat, *, verbose: bool) -> None:
    """Print problems on standard output, with `verbose` also the suppressed ones."""
    if output is FindingsFormat.SARIF:
        from rolecall.cli.problems.sarif import problem_result, sarif_log, suppressed_result

        results = [problem_result(problem) for problem in report.problems]
        print_json(sarif_log([*results, *(suppressed_result(each) for each in report.suppressed if verbose)]))
    elif output is FindingsFormat.JSON:
        print_json(
            {
                "valid": all(problem.finding for problem in report.problems),
                "problems": [problem.record() for problem in report.problems],
                "suppressed": [suppressed.record() for suppressed in report.suppressed],
            }
        )
    else:
        _show(report, verbose=verbose)


def _show(report: ProblemReport, *, verbose: bool) -> None:
    from rolecall.cli.problems.reports import list_suppressed, report_problems

    out, counts = console(sys.stdout), Counter(problem.severity for problem in report.problems)
    report_problems(report.problems, out)
    if verbose:
        list_suppressed(report.suppressed, out)
    summary = (
        ", ".join(counted(counts[severity], severity) for severity in Severity if counts[severity]) or "no problems"
    )
    summary += f", {len(report.suppressed)} suppressed" if report.suppressed else ""
    mark, colour = (marks(out).no, "red") if report.failed else (marks(out).yes, "green")
    out.print(f"{mark} {report.examined}: {summary}", style=colour)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number} {noun}s"
