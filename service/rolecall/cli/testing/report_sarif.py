"""The SARIF report of a run: a result for each failed case and each statement that is not covered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rolecall.cli.problems.sarif import SarifResult, problem_result, sarif_log
from rolecall.cli.testing.report import Report, related_statements
from rolecall.cli.testing.results import Result


def report_sarif(report: Report) -> Mapping[str, object]:
    """Return a run as a SARIF log."""
    problems = map(problem_result, [*report.problems, *report.remarks])
    return sarif_log([*map(_failed, report.failed), *_uncovered(report), *problems])


def _failed(result: Result) -> SarifResult:
    hint = f"; {result.hint}" if result.hint else ""
    misses = result.explanation.near_misses if result.explanation else ()
    closest = "".join(f"; {miss.suggestion}" for miss in misses)
    return SarifResult(
        rule="case-failed",
        level="error",
        message=f"case `{result.case.name}`: {result.failure}{hint}{closest}",
        location=result.case.location,
        related=tuple(related_statements(result)),
    )


def _uncovered(report: Report) -> Iterator[SarifResult]:
    for role in report.coverage.roles if report.coverage else ():
        for statement in role.missed:
            yield SarifResult(
                rule="statement-not-covered",
                level="note" if report.covered_enough else "error",
                message=f"{statement.name} of {role.arn} applies in no case",
                location=statement.location,
            )
