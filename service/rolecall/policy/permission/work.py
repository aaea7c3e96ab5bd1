"""The work of an access: an estimate from the policies of a principal, the action, the resource and the values of the keys.

The unit is that of `policy/work.py`. All statements count, whatever the action is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rolecall.policy.document import Effect
from rolecall.policy.permission.document import PermissionStatement
from rolecall.policy.permission.limits import MAX_ACTION_CHARACTERS, MAX_RESOURCE_CHARACTERS
from rolecall.policy.work import PolicyWork, WorkRate, pattern_rate, rate_work

_ACCESS = 6_000
_TESTS_OF_A_STATEMENT = 1_000
_TEST_OF_A_RESOURCE = 1_500
_BEGINNING_CHARACTER = 120
_NOTHING = WorkRate(0, 0, 0)


@dataclass(frozen=True, slots=True)
class PermissionWork:
    """The work of the policies of a principal: of their conditions, and the rates of their action and resource patterns."""

    fixed: int
    conditions: PolicyWork
    action: WorkRate
    resource: WorkRate

    @classmethod
    def of(cls, statements: Sequence[PermissionStatement], keys: Sequence[str]) -> PermissionWork:
        """Return the work of statements that read `keys`."""
        patterns = [pattern for statement in statements for pattern in set(statement.resources)]
        denied = [p for s in statements if s.effect is Effect.DENY for p in set(s.resources)]
        fixed = _ACCESS + _TESTS_OF_A_STATEMENT * len(statements) + _TEST_OF_A_RESOURCE * len(patterns)
        fixed += _BEGINNING_CHARACTER * sum(map(len, denied))
        return cls(
            fixed=fixed,
            conditions=PolicyWork.of(statements, keys),
            action=_sum(pattern_rate(statement.actions) for statement in statements),
            resource=_sum([_heads_rate(patterns), pattern_rate(_relative_ids(patterns))]),
        )

    @property
    def largest(self) -> int:
        """Return the work of the longest access, with as many and as long values for every key as a request may have for one."""
        return self._of_patterns(MAX_ACTION_CHARACTERS, MAX_RESOURCE_CHARACTERS) + self.conditions.largest

    def estimate(self, action: str, resource: str, values: Sequence[Sequence[str] | None]) -> int:
        """Return the work of an access with these values, in the order of the keys."""
        return self._of_patterns(len(action), len(resource)) + self.conditions.estimate(values)

    def _of_patterns(self, action: int, resource: int) -> int:
        return self.fixed + rate_work(self.action, 1, action) + rate_work(self.resource, 1, resource)


def _heads_rate(patterns: Iterable[str]) -> WorkRate:
    # Each of these parts is matched by itself, with places of its own.
    return _sum(pattern_rate([part]) for pattern in patterns for part in pattern.split(":")[1:4])


def _relative_ids(patterns: Iterable[str]) -> list[str]:
    return [relative_id for pattern in patterns for relative_id in pattern.split(":", 4)[4:]]


def _sum(rates: Iterable[WorkRate]) -> WorkRate:
    return WorkRate(*map(sum, zip(_NOTHING, *rates, strict=True)))
