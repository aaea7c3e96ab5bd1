"""Compile a trust policy: index its principals, read its expected values, number its condition keys.

Compiling happens once for each version of a role and cannot fail: the parser has refused everything that could.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from sys import intern
from typing import Any, TypeAlias

from rolecall.policy.document import Condition, Effect, Quantifier, Statement, TrustPolicy
from rolecall.policy.keys import CURRENT_TIME, SOURCE_IDENTITY
from rolecall.policy.operators import OPERATORS, Operator
from rolecall.policy.principal import Principal, PrincipalKind
from rolecall.policy.weight import policy_bytes
from rolecall.policy.work import LONG_WORK, PolicyWork

RequestedValues: TypeAlias = "tuple[str, ...] | None"
"""The values of one condition key in a request; None or empty: the key is absent."""

AnyOf: TypeAlias = "Callable[[Any], bool]"
"""The test whether a value that was read matches any of the expected ones."""

Test: TypeAlias = "Callable[[AnyOf, Any], bool]"

LAST_INSTANT = 253_402_300_799_999_999
"""The end of the year 9999 in microseconds: no clock shows a later time, and no timestamp can express one."""

ASSUME_ROLE = "sts:AssumeRole"
SET_SOURCE_IDENTITY = "sts:SetSourceIdentity"


@dataclass(frozen=True, slots=True, eq=False)
class CompiledCondition:
    """One condition: `slot` is the index of its key in `CompiledPolicy.keys`, or -1 for the time.

    `test` takes `any_of`, and the values of the key or the time in microseconds; it never raises. All conditions of one
    operator share it, so that only `any_of` takes memory for each condition.
    """

    slot: int
    test: Test
    any_of: AnyOf

    def holds(self, given: RequestedValues | int) -> bool:
        """Return whether the condition holds for the values of its key, or at a time in microseconds."""
        return self.test(self.any_of, given)


@dataclass(frozen=True, slots=True)
class StatementName:
    """The part of a statement that answers contain. A cached answer references this, not the whole policy."""

    index: int
    sid: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CompiledStatement:
    """One statement. `name` is what answers contain of it, `slots` are the indexes of the keys it reads, without the time.

    `boundaries` are the instants at which one of its conditions on the time changes its result.
    """

    index: int
    name: StatementName
    denies: bool
    assumes: bool
    sets_identity: bool
    conditions: tuple[CompiledCondition, ...]
    slots: tuple[int, ...]
    boundaries: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CompiledPolicy:
    """A compiled policy; equal only to itself, so that a cached decision never serves another version.

    `keys` are the lookup names of the condition keys that the policy reads, sorted, without the time. `identity_slot` is the
    index of `sts:SourceIdentity` when setting one needs its own Allow, else -1. `work` is None if no request is large enough for
    long work, so that most policies are evaluated without an estimate. `weight` is the memory of all this, in bytes.
    """

    statements: tuple[CompiledStatement, ...]
    by_principal: Mapping[Principal, tuple[CompiledStatement, ...]]
    keys: tuple[str, ...]
    reads_time: bool
    identity_slot: int
    work: PolicyWork | None
    weight: int


def compile_policy(policy: TrustPolicy, *, source_identity_needs_allow: bool = False) -> CompiledPolicy:
    """Return the compiled form of `policy`.

    With `source_identity_needs_allow` a request that carries a source identity is allowed only if an applying Allow has the
    action `sts:SetSourceIdentity` too, and denied if an applying Deny has it (trust-policy section 4, default off).
    """
    read = {intern(condition.key) for statement in policy.statements for condition in statement.conditions}
    reads_time = CURRENT_TIME in read
    read.discard(CURRENT_TIME)
    if source_identity_needs_allow:
        read.add(SOURCE_IDENTITY)
    keys = tuple(sorted(read))
    slots = {key: slot for slot, key in enumerate(keys)} | {CURRENT_TIME: -1}
    statements = tuple(_statement(statement, slots) for statement in policy.statements)
    work = PolicyWork.of(policy.statements, keys)
    return CompiledPolicy(
        statements=statements,
        by_principal=_by_principal(zip(policy.statements, statements, strict=True)),
        keys=keys,
        reads_time=reads_time,
        identity_slot=slots[SOURCE_IDENTITY] if source_identity_needs_allow else -1,
        work=work if work.largest > LONG_WORK else None,
        weight=policy_bytes(policy),
    )


def match_form(principal: Principal) -> Principal:
    """Return the form in which principals of documents are looked up: role names compare without regard to case."""
    kind, account, name = principal
    return Principal(kind, intern(account), name.lower() if kind is PrincipalKind.ROLE else name)


def _statement(statement: Statement, slots: Mapping[str, int]) -> CompiledStatement:
    # Doubt never helps the caller: a value that cannot be read fails an Allow and meets a Deny.
    unreadable = statement.effect is Effect.DENY
    conditions = tuple(_condition(c, slots, unreadable=unreadable) for c in statement.conditions)
    return CompiledStatement(
        index=statement.index,
        name=StatementName(statement.index, statement.sid),
        denies=statement.effect is Effect.DENY,
        assumes=ASSUME_ROLE in statement.actions,
        sets_identity=SET_SOURCE_IDENTITY in statement.actions,
        conditions=conditions,
        slots=tuple(sorted({c.slot for c in conditions if c.slot >= 0})),
        boundaries=tuple(sorted({b for c in statement.conditions for b in _boundaries(c)})),
    )


def _condition(condition: Condition, slots: Mapping[str, int], *, unreadable: bool) -> CompiledCondition:
    operator = condition.operator
    any_of = operator.any_of(_operands(condition))
    slot = slots[condition.key]
    if slot < 0:
        return CompiledCondition(slot, _TIME_TESTS[operator.negated], any_of)
    return CompiledCondition(slot, _shared_test(condition.quantifier, operator.name, unreadable), any_of)


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


def _boundaries(condition: Condition) -> Iterator[int]:
    """Yield the instants at which a condition on the time changes its result; a condition on another key has none."""
    if condition.key != CURRENT_TIME:
        return
    operands = _operands(condition)
    any_of = condition.operator.any_of(operands)
    for instant in (candidate for operand in operands for candidate in (operand, operand + 1)):
        if instant <= LAST_INSTANT and any_of(instant) != any_of(instant - 1):
            yield instant


def _by_principal(
    pairs: Iterable[tuple[Statement, CompiledStatement]],
) -> dict[Principal, tuple[CompiledStatement, ...]]:
    named: dict[Principal, dict[CompiledStatement, None]] = {}
    for statement, compiled in pairs:
        for pattern in statement.principals:
            named.setdefault(match_form(pattern.principal), {})[compiled] = None
    shared: dict[tuple[CompiledStatement, ...], tuple[CompiledStatement, ...]] = {}
    return {principal: shared.setdefault(same := tuple(them), same) for principal, them in named.items()}
