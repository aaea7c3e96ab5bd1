"""What a run of policy tests leaves to be reported, whatever the format."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rolecall.cli.problem import Location, Problem
from rolecall.cli.render.explanation import print_explanation
from rolecall.cli.terminal import console
from rolecall.cli.testing.coverage import Coverage
from rolecall.cli.testing.requests import options_of
from rolecall.cli.testing.results import Result
from rolecall.transport.codecs.explanation import explain_response
from rolecall_client.v1.decision_pb2 import ExplainAssumeRoleResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run. `coverage` is None where it was not asked for; `fail_under` is the least percentage that will do."""

    results: tuple[Result, ...]
    remarks: tuple[Problem, ...] = ()
    coverage: Coverage | None = None
    fail_under: float = 0.0

    @property
    def failed(self) -> tuple[Result, ...]:
        """Return the cases that failed."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def covered_enough(self) -> bool:
        """Tell whether as many statements are covered as must be."""
        return self.coverage is None or self.coverage.reaches(self.fail_under)

    @property
    def passed(self) -> bool:
        """Tell whether every case passed and enough is covered."""
        return not self.failed and self.covered_enough

    def by_file(self) -> Mapping[str, list[Result]]:
        """Return the results of each file."""
        files: dict[str, list[Result]] = {}
        for result in self.results:
            files.setdefault(result.file, []).append(result)
        return files


def explanation_of(result: Result) -> ExplainAssumeRoleResponse | None:
    """Return why a decision on a failed case is what it is, as a server would answer."""
    if result.explanation is None:
        return None
    return explain_response(result.explanation, decision_id="offline", revision=0, token="")


def explanation_text(result: Result) -> str:
    """Return the explanation of a failed case as plain text."""
    explanation = explanation_of(result)
    if explanation is None:
        return ""
    text = io.StringIO()
    print_explanation(console(text), explanation, options_of(result.case))
    return text.getvalue()


def deciding_statements(result: Result) -> Iterator[tuple[str, Location]]:
    """Yield each statement that settled the decision, and where it stands."""
    if result.held is not None:
        for index, name in result.statements():
            yield name, result.held.found.statement_location(index)


def related_statements(result: Result) -> Iterator[tuple[str, Location]]:
    """Yield each statement that a reader of a failure wants to see, as a sentence, and where it stands."""
    for name, location in deciding_statements(result):
        yield f"{name} decided", location
    decided = {statement.index for statement in result.decision.determining}
    for miss in result.explanation.near_misses if result.explanation else ():
        statement = miss.trace.statement
        if statement.index not in decided and result.held is not None:
            name = f"{statement.pointer} ({statement.sid})" if statement.sid else statement.pointer
            yield f"{name} is the closest", result.held.found.statement_location(statement.index)
