"""Statement coverage: the statements that apply in at least one case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rolecall.cli.problems.problem import Location
from rolecall.cli.testing.results import Result
from rolecall.cli.testing.role_set import ParsedRole


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredStatement:
    """A statement, and whether it applies in a case."""

    index: int
    sid: str
    location: Location
    covered: bool

    @property
    def name(self) -> str:
        """Return the name of the statement in reports."""
        return f"/Statement/{self.index}" + (f" ({self.sid})" if self.sid else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCoverage:
    """The statements of a role."""

    arn: str
    location: Location
    statements: tuple[CoveredStatement, ...]

    @property
    def missed(self) -> tuple[CoveredStatement, ...]:
        """Return the statements that apply in no case."""
        return tuple(statement for statement in self.statements if not statement.covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The statements of all roles."""

    roles: tuple[RoleCoverage, ...]

    @property
    def total(self) -> int:
        """Return the number of statements."""
        return sum(len(role.statements) for role in self.roles)

    @property
    def covered(self) -> int:
        """Return the number of statements that apply in a case."""
        return self.total - sum(len(role.missed) for role in self.roles)

    @property
    def percent(self) -> float:
        """Return the covered share in percent, rounded down to one decimal; 100 if there is no statement."""
        return self.covered * 1_000 // self.total / 10 if self.total else 100.0

    def reaches(self, percent: float) -> bool:
        """Return whether at least `percent` of the statements are covered."""
        return self.covered * 100 >= percent * self.total


def coverage_of(roles: Iterable[ParsedRole], results: Iterable[Result]) -> Coverage:
    """Return which statements apply in a case, whether or not they determine its decision."""
    applied: dict[ParsedRole, set[int]] = {role: set() for role in roles}
    for result in results:
        if result.role is not None:
            applied.setdefault(result.role, set()).update(result.applied)
    return Coverage(roles=tuple(_role(parsed, indices) for parsed, indices in applied.items()))


def _role(parsed: ParsedRole, applied: set[int]) -> RoleCoverage:
    statements = tuple(
        CoveredStatement(
            index=s.index, sid=s.sid, location=parsed.found.statement_location(s.index), covered=s.index in applied
        )
        for s in parsed.policy.statements
    )
    return RoleCoverage(arn=parsed.role.arn, location=parsed.found.location, statements=statements)
