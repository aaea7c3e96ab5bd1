"""The results of cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rolecall.cli.testing.cases import Case
from rolecall.cli.testing.role_set import ParsedRole
from rolecall.engine.decision import Decision
from rolecall.engine.explanation import Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The decision on a case at `time`, in microseconds. `failure` is empty if the case passed; a failed case has an `explanation`.

    `role` is None if the role does not exist; `applied` are the indices of all statements that apply.
    """

    file: str
    case: Case
    decision: Decision
    role: ParsedRole | None
    time: int
    seconds: float
    failure: str = ""
    hint: str = ""
    explanation: Explanation | None = None
    applied: frozenset[int] = frozenset()

    @property
    def passed(self) -> bool:
        """Return whether the decision is the expected one."""
        return not self.failure

    @property
    def outcome(self) -> str:
        """Return ALLOW or DENY."""
        return "ALLOW" if self.decision.allowed else "DENY"

    def statements(self) -> Iterator[tuple[int, str]]:
        """Yield the index and name of each statement that determined the decision."""
        for statement in self.decision.determining:
            pointer = f"/Statement/{statement.index}"
            yield statement.index, f"{pointer} ({statement.sid})" if statement.sid else pointer
