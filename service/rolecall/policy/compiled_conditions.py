"""Compile the conditions of a statement: what a policy of either kind tests of the values of a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from rolecall.policy.document import Condition, Quantifier
from rolecall.policy.keys import CURRENT_TIME, PRINCIPAL_ARN
from rolecall.policy.operators import OPERATORS, Family, Operator
from rolecall.policy.readers import fold

RequestedValues: TypeAlias = "tuple[str, ...] | None"
"""The values of one condition key in a request; None or empty: the key is absent."""

AnyOf: TypeAlias = "Callable[[Any], bool]"
"""The test whether a value that was read matches any of the expected ones."""

Test: TypeAlias = "Callable[[AnyOf, Any], bool]"

LAST_INSTANT = 253_402_300_799_999_999
"""The end of the year 9999 in microseconds: no clock shows a later time, and no timestamp can express one."""

_ROLE_ARN = re.compile(r"acs:ram::[0-9]{1,20}:role/", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class CompiledCondition:
    """One condition: `slot` is the index of its key among those of the policy, or -1 for the time.

    `test` takes `any_of`, and the values of the key or the time in microseconds; it never raises. All conditions of one
    operator share it, so that only `any_of` takes memory for each condition.
    """

    slot: int
    test: Test
    any_of: AnyOf

    def holds(self, given: RequestedValues | int) -> bool:
        """Return whether the condition holds for the values of its key, or at a time in microseconds."""
        return self.test(self.any_of, given)


def compile_condition(condition: Condition, slots: Mapping[str, int], *, unreadable: bool) -> CompiledCondition:
    """Return the compiled form of a condition; `slots` are the indexes of the keys, `unreadable` is its result for doubt."""
    operator, any_of = condition.operator, any_of_condition(condition)
    slot = slots[condition.key]
    if slot < 0:
        return CompiledCondition(slot, _TIME_TESTS[operator.negated], any_of)
    return CompiledCondition(slot, _shared_test(condition.quantifier, operator.name, unreadable), any_of)


def any_of_condition(condition: Condition) -> AnyOf:
    """Return the test whether a value that was read matches any expected one of a condition.

    A role in `acs:PrincipalARN` compares without regard to ASCII case, as role names do everywhere: else a principal escapes
    a Deny of its role by another spelling of the name.
    """
    operator = condition.operator
    exact = operator.any_of(_operands(condition))
    if condition.key != PRINCIPAL_ARN or operator.family is not Family.STRING:
        return exact
    folded = operator.any_of(tuple(map(operator.expected, map(fold, dict.fromkeys(condition.values)))))
    return lambda value: folded(fold(value)) if _ROLE_ARN.match(value) else exact(value)


def boundaries(condition: Condition) -> Iterator[int]:
    """Yield the instants at which a condition on the time changes its result; a condition on another key has none."""
    if condition.key != CURRENT_TIME:
        return
    operands = _operands(condition)
    any_of = condition.operator.any_of(operands)
    for instant in (candidate for operand in operands for candidate in (operand, operand + 1)):
        if instant <= LAST_INSTANT and any_of(instant) != any_of(instant - 1):
            yield instant


def _operands(condition: Condition) -> tuple[Any, ...]:
    # A value that is repeated is compared once.
    return tuple(map(condition.operator.expected, dict.fromkeys(condition.values)))


@cache
def _shared_test(quantifier: Quantifier, operator_name: str, unreadable: bool) -> Test:
    return _TESTS[quantifier](OPERATORS[operator_name], unreadable)


def _test(operator: Operator, unreadable: bool) -> Test:
    """No prefix: a positive operator holds when any value matches, a negated one when none does."""
    negated, read = operator.negated, operator.requested

    def holds(any_of: AnyOf, values: RequestedValues) -> bool:
        if not values:
            return negated
        try:
            if len(values) == 1:
                return any_of(read(values[0])) != negated
            return any([any_of(value) for value in map(read, values)]) != negated
        except ValueError:
            return unreadable

    return holds


def _test_for_all(operator: Operator, unreadable: bool) -> Test:
    """``ForAllValues:`` holds when the operator holds for each value by itself, and on a missing key."""
    negated, read = operator.negated, operator.requested

    def holds(any_of: AnyOf, values: RequestedValues) -> bool:
        try:
            return all([any_of(value) != negated for value in map(read, values or ())])
        except ValueError:
            return unreadable

    return holds


def _test_for_any(operator: Operator, unreadable: bool) -> Test:
    """``ForAnyValue:`` holds when the operator holds for some value by itself; not on a missing key."""
    negated, read = operator.negated, operator.requested

    def holds(any_of: AnyOf, values: RequestedValues) -> bool:
        try:
            return any([any_of(value) != negated for value in map(read, values or ())])
        except ValueError:
            return unreadable

    return holds


# The lists inside any() and all() read every value before one of them decides: a value that cannot be read makes the whole
# condition unreadable, also when another one would match.
_TESTS = {Quantifier.NONE: _test, Quantifier.FOR_ALL: _test_for_all, Quantifier.FOR_ANY: _test_for_any}
_TIME_TESTS: tuple[Test, Test] = (lambda any_of, now: any_of(now), lambda any_of, now: not any_of(now))
