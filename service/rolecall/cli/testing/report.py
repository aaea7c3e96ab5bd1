"""The report of a run of policy tests, independent of its format."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rolecall.cli.problems.problem import Location, Problem
from rolecall.cli.render.explanation import print_explanation
from rolecall.cli.testing.coverage import Coverage
from rolecall.cli.testing.requests import options_of
from rolecall.cli.testing.results import Result
from rolecall.cli.text.terminal import plain_console
from rolecall.transport.codecs.explanation import explain_response
from rolecall_client.v1.decision_pb2 import ExplainAssumeRoleResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run. `coverage` is None unless requested; `fail_under` is the required percentage.

    `problems` are errors of files, roles and cases, because of which `not_run` cases are without a result.
    """

    results: tuple[Result, ...]
    not_run: int = 0
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Problem, ...] = ()
    coverage: Coverage | None = None
    fail_under: float = 0.0

    @property
    def failed(self) -> tuple[Result, ...]:
        """Return the cases that failed."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def covered_enough(self) -> bool:
        """Return whether the required percentage of statements is covered."""
        return self.coverage is None or self.coverage.reaches(self.fail_under)

    @property
    def passed(self) -> bool:
        """Return whether every case ran and passed and coverage is sufficient."""
        return not self.failed and not self.problems and self.covered_enough

    def by_file(self) -> Mapping[str, list[Result]]:
        """Return the results of each file."""
        files: dict[str, list[Result]] = {}
        for result in self.results:
            files.setdefault(result.file, []).append(result)
        return files


def explanation_of(result: Result) -> ExplainAssumeRoleResponse | None:
    """Return the explanation of a failed case in the form of a server's answer; None for a passed case."""
    if result.explanation is None:
        return None
    return explain_response(result.explanation, decision_id="offline", revision=0, token="", now=result.time)


def explanation_text(result: Result) -> str:
    """Return the explanation of a failed case as plain text."""
    explanation = explanation_of(result)
    if explanation is None:
        return ""
    text = io.StringIO()
    print_explanation(plain_console(text), explanation, options_of(result.case))
    return text.getvalue()


def deciding_statements(result: Result) -> Iterator[tuple[str, Location]]:
    """Yield the name and location of each statement that determined the decision."""
    if result.role is not None:
        for index, name in result.statements():
            yield name, result.role.found.statement_location(index)


def related_statements(result: Result) -> Iterator[tuple[str, Location]]:
    """Yield a sentence and the location for each statement that helps to understand a failure."""
    for name, location in deciding_statements(result):
        yield f"{name} decided", location
    decided = {statement.index for statement in result.decision.determining}
    for miss in result.explanation.near_misses if result.explanation else ():
        statement = miss.trace.statement
        if statement.index not in decided and result.role is not None:
            name = f"{statement.pointer} ({statement.sid})" if statement.sid else statement.pointer
            yield f"{name} is the closest", result.role.found.statement_location(statement.index)
