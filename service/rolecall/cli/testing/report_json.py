"""The JSON report of a run."""

from __future__ import annotations

from collections.abc import Mapping

from rolecall.cli.problems.problem import Location
from rolecall.cli.testing.coverage import Coverage
from rolecall.cli.testing.report import Report, deciding_statements, explanation_of
from rolecall.cli.testing.results import Result
from rolecall.cli.text.terminal import record


def report_record(report: Report) -> Mapping[str, object]:
    """Return a run as a JSON object."""
    failed = len(report.failed)
    return {
        "passed": report.passed,
        "summary": {
            "cases": len(report.results) + report.not_run,
            "passed": len(report.results) - failed,
            "failed": failed,
            "not_run": report.not_run,
        },
        "cases": [_case(result) for result in report.results],
        "coverage": None if report.coverage is None else _coverage(report.coverage, report.fail_under),
        "problems": [problem.record() for problem in report.problems],
        "remarks": [remark.record() for remark in report.remarks],
    }


def _case(result: Result) -> Mapping[str, object]:
    case, explanation = result.case, explanation_of(result)
    return {
        "name": case.name,
        **_location(case.location),
        "as": case.who,
        "role": case.role,
        "passed": result.passed,
        "expected": {
            "outcome": case.expect.outcome,
            "reason": case.expect.reason,
            "statement": case.expect.statement,
        },
        "outcome": result.outcome,
        "reason": result.decision.reason,
        "statements": [{"statement": name, **_location(location)} for name, location in deciding_statements(result)],
        "failure": result.failure,
        "hint": result.hint,
        "explanation": None if explanation is None else record(explanation),
    }


def _coverage(coverage: Coverage, fail_under: float) -> Mapping[str, object]:
    return {
        "covered": coverage.covered,
        "total": coverage.total,
        "percent": coverage.percent,
        "fail_under": fail_under,
        "roles": [
            {
                "role": role.arn,
                **_location(role.location),
                "statements": [
                    {"index": s.index, "sid": s.sid, **_location(s.location), "covered": s.covered}
                    for s in role.statements
                ],
            }
            for role in coverage.roles
        ],
    }


def _location(location: Location) -> Mapping[str, object]:
    return {"file": location.file, "line": location.line, "column": location.column}
