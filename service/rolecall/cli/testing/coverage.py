"""Which statements no case made apply."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rolecall.cli.problem import Location
from rolecall.cli.testing.results import Result
from rolecall.cli.testing.role_set import ParsedRole


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredStatement:
    """A statement, and whether a case made it apply."""

    index: int
    sid: str
    location: Location
    covered: bool

    @property
    def name(self) -> str:
        """Return how people call the statement."""
        return f"/Statement/{self.index}" + (f" ({self.sid})" if self.sid else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCoverage:
    """The statements of a role."""

    arn: str
    location: Location
    statements: tuple[CoveredStatement, ...]

    @property
    def missed(self) -> tuple[CoveredStatement, ...]:
        """Return the statements that no case made apply."""
        return tuple(statement for statement in self.statements if not statement.covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The statements of all roles."""

    roles: tuple[RoleCoverage, ...]

    @property
    def total(self) -> int:
        """Return how many statements there are."""
        return sum(len(role.statements) for role in self.roles)

    @property
    def covered(self) -> int:
        """Return how many statements a case made apply."""
        return self.total - sum(len(role.missed) for role in self.roles)

    @property
    def percent(self) -> float:
        """Return the covered part in percent, to one decimal and never rounded up; 100 where there is no statement."""
        return self.covered * 1_000 // self.total / 10 if self.total else 100.0

    def reaches(self, percent: float) -> bool:
        """Tell whether at least so many percent are covered."""
        return self.covered * 100 >= percent * self.total


def coverage_of(roles: Iterable[ParsedRole], results: Iterable[Result]) -> Coverage:
    """Return which statements of the roles applied in a case, be it that they decided or that another one won."""
    applied: dict[ParsedRole, set[int]] = {role: set() for role in roles}
    for result in results:
        if result.held is not None:
            applied.setdefault(result.held, set()).update(result.applied)
    return Coverage(roles=tuple(_role(held, indices) for held, indices in applied.items()))


def _role(held: ParsedRole, applied: set[int]) -> RoleCoverage:
    statements = tuple(
        CoveredStatement(
            index=s.index, sid=s.sid, location=held.found.statement_location(s.index), covered=s.index in applied
        )
        for s in held.policy.statements
    )
    return RoleCoverage(arn=held.role.arn, location=held.found.location, statements=statements)
