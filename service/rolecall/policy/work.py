"""The work of a question: an estimate from the policy and the values of the request, never a measured time.

The unit is about a nanosecond of the reference machine. Every figure is what an operator takes at its worst, so a question
takes at most its estimate there, and usually a small part of it. All statements count, whichever principal asks.

The estimate is a sum with no negative term: more values, longer ones, or more in the policy never make it smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rolecall.policy.document import Condition, Statement
from rolecall.policy.keys import CURRENT_TIME, PRINCIPAL_ARN
from rolecall.policy.limits import MAX_CONTEXT_CHARACTERS, MAX_VALUES
from rolecall.policy.operators import LIKE_OPERATORS, Family
from rolecall.policy.wildcard import pattern_shape

WORK_BUDGET = 30_000_000
"""The most work of one decision."""

EXPLANATION_BUDGET = 80_000_000
"""The most work of one explanation: within the default limits of a document, what can be decided can be explained."""

LONG_WORK = 2_000_000
"""The most work of a question that is answered at once; one with more waits for a turn of the event loop."""

_BLOCK = 1_024
_STATEMENT = 500
_CONDITION = 300
_INSTANT = 300

_TRACED_STATEMENT = 3_000
_TRACED_CONDITION = 8_000
_TRACED_PRINCIPAL = 2_000
_TRACED_CHARACTER = 15


class WorkRate(NamedTuple):
    """The work for a key that has values, for each of its values, and for each 1,024 characters of them."""

    key: int
    value: int
    block: int


# The first figure is that of a value that cannot be read: a condition reads no further value after it.
_READ = {
    Family.STRING: WorkRate(0, 150, _BLOCK),
    Family.NUMERIC: WorkRate(2_500, 1_000, 13 * _BLOCK),
    Family.DATE: WorkRate(2_500, 2_900, 0),
    Family.BOOL: WorkRate(2_500, 300, 14 * _BLOCK),
    Family.IP: WorkRate(2_500, 10_500, 0),
}
_FOLD = WorkRate(0, 700, 14 * _BLOCK)
_RANGE = WorkRate(0, 45, 0)
_PATTERN = WorkRate(0, 300, 0)
_LITERAL = WorkRate(0, 180, 0)
_SEARCH = WorkRate(0, 350, 0)
_SEARCHED_CHARACTER = WorkRate(0, 0, _BLOCK // 2)
_MASKED_PIECE = WorkRate(0, 500, 0)
_MASKED_CHARACTER = WorkRate(0, 200, _BLOCK // 32)
_CHARACTER_PLACES = WorkRate(0, 1_200, _BLOCK // 3)


class ConditionedStatement(Protocol):
    """A statement of a policy of either kind."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions of the statement."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyWork:
    """The work of a policy: what each question takes, and the rates of its keys, in the order of `CompiledPolicy.keys`."""

    fixed: int
    rates: tuple[WorkRate, ...]

    @classmethod
    def of(cls, statements: Iterable[ConditionedStatement], keys: Sequence[str]) -> PolicyWork:
        """Return the work of the statements of a policy that reads `keys`."""
        fixed, sums = 0, {key: [0, 0, 0] for key in keys}
        for statement in statements:
            fixed += _STATEMENT
            for condition in statement.conditions:
                fixed += _CONDITION + _instants(condition)
                for part in _parts(condition) if condition.key in sums else ():
                    _add(sums[condition.key], part)
        return cls(fixed, tuple(WorkRate(*sums[key]) for key in keys))

    @property
    def largest(self) -> int:
        """Return the work of a request with as many and as long values for every key as a request may have for one."""
        return self.fixed + sum(rate_work(rate, MAX_VALUES, MAX_CONTEXT_CHARACTERS) for rate in self.rates)

    def estimate(self, values: Sequence[Sequence[str] | None]) -> int:
        """Return the work of a question with these values, in the order of the keys."""
        # The evaluation of a small question is only a few times as long as this.
        work = self.fixed
        for (key, value, block), texts in zip(self.rates, values, strict=True):
            if texts:
                characters = len(texts[0]) if len(texts) == 1 else sum(map(len, texts))
                work += key + value * len(texts) + block * characters // _BLOCK
        return work


def explanation_work(
    statements: Sequence[Statement], keys: Sequence[str], values: Sequence[Sequence[str] | None]
) -> int:
    """Return the work of an explanation, for these values of these keys.

    Every statement is evaluated once, the values are read once more, and all of it is written into the answer.
    """
    traced, evaluated = 0, PolicyWork.of(statements, keys).estimate(values)
    given = {key: sum(map(len, texts)) for key, texts in zip(keys, values, strict=True) if texts}
    for statement in statements:
        traced += _TRACED_STATEMENT + _TRACED_PRINCIPAL * len(statement.principals)
        for condition in statement.conditions:
            traced += _TRACED_CONDITION + _TRACED_CHARACTER * given.get(condition.key, 0)
    return 2 * evaluated + traced


def work_of_values(condition: Condition, values: Sequence[str]) -> int:
    """Return the work of one condition for values of its key."""
    sums = [0, 0, 0]
    for part in _parts(condition):
        _add(sums, part)
    return _CONDITION + rate_work(WorkRate(*sums), len(values), sum(map(len, values)))


def rate_work(rate: WorkRate, values: int, characters: int) -> int:
    """Return the work for so many values of so many characters together."""
    return rate.key + rate.value * values + rate.block * characters // _BLOCK


def pattern_rate(patterns: Iterable[str]) -> WorkRate:
    """Return the rate of comparing texts with patterns."""
    sums = [0, 0, 0]
    for part in _pattern_parts(set(patterns)):
        _add(sums, part)
    return WorkRate(*sums)


def _add(sums: list[int], part: tuple[WorkRate, int]) -> None:
    rate, times = part
    sums[0] += rate.key * times
    sums[1] += rate.value * times
    sums[2] += rate.block * times


def _instants(condition: Condition) -> int:
    """Return the work of finding how long an answer is valid, which sorts the expected times."""
    return 2 * _INSTANT * len(condition.values) if condition.key == CURRENT_TIME else 0


def _parts(condition: Condition) -> Iterable[tuple[WorkRate, int]]:
    """Return the parts of the work of a condition, each with how often it is done."""
    operator = condition.operator
    if condition.key == PRINCIPAL_ARN and operator.family is Family.STRING:
        # The value of a role is compared in lower case.
        return [(_FOLD, 1), *_text_parts(condition)]
    return _text_parts(condition)


def _text_parts(condition: Condition) -> Iterable[tuple[WorkRate, int]]:
    operator = condition.operator
    if operator.name in LIKE_OPERATORS:
        return [(_READ[Family.STRING], 1), *_pattern_parts(set(condition.values))]
    if operator.family is Family.IP:
        return [(_READ[Family.IP], 1), (_RANGE, len(condition.values))]
    return [(_FOLD if operator.name.endswith("IgnoreCase") else _READ[operator.family], 1)]


def _pattern_parts(patterns: Iterable[str]) -> Iterable[tuple[WorkRate, int]]:
    masked: set[str] = set()
    for pattern in patterns:
        shape = pattern_shape(pattern)
        masked.update(shape.masked_characters)
        yield _PATTERN, 1
        yield _LITERAL, shape.literals
        yield _SEARCH, shape.searches
        yield _SEARCHED_CHARACTER, shape.searched_characters
        yield _MASKED_PIECE, shape.masked_pieces
        yield _MASKED_CHARACTER, len(shape.masked_characters)
    yield _CHARACTER_PLACES, len(masked)
