"""What the linter's rules read from a statement and its conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from rolecall.policy.compiled_conditions import any_of_condition
from rolecall.policy.document import Condition, Effect, PrincipalPattern, Quantifier, Statement
from rolecall.policy.keys import (
    CURRENT_TIME,
    EXTERNAL_ID,
    OIDC_AUDIENCE,
    OIDC_ISSUER,
    OIDC_SUBJECT,
    PRINCIPAL_ARN,
    ROLE_SESSION_NAME,
    SOURCE_IDENTITY,
)
from rolecall.policy.linting.value_faults import excludes_nobody
from rolecall.policy.operators import Family
from rolecall.policy.principal import PrincipalKind
from rolecall.policy.work import work_of_values

T = TypeVar("T")

_TRIED_WORK = 10_000_000

_IN_EVERY_TOKEN = frozenset({OIDC_ISSUER, OIDC_AUDIENCE, OIDC_SUBJECT})
SINGLE_VALUED = frozenset(
    {
        CURRENT_TIME,
        EXTERNAL_ID,
        OIDC_ISSUER,
        OIDC_SUBJECT,
        PRINCIPAL_ARN,
        ROLE_SESSION_NAME,
        SOURCE_IDENTITY,
        "acs:MFAPresent",
        "acs:SecureTransport",
    }
)
"""The keys that have at most one value in a request."""


def trusts(statement: Statement, kind: PrincipalKind) -> bool:
    """Return whether an Allow statement names a principal of a kind."""
    return statement.effect is Effect.ALLOW and any(p.principal.kind is kind for p in statement.principals)


def required(statement: Statement, key: str) -> list[Condition]:
    """Return the conditions that hold only if the request has `key` with one of the expected values, and that exclude somebody."""
    return [
        c
        for c in statement.conditions
        if c.key == key and not c.operator.negated and c.quantifier is not Quantifier.FOR_ALL and not excludes_nobody(c)
    ]


def principals(statement: Statement) -> Iterator[tuple[PrincipalPattern, str]]:
    """Yield each principal with its pointer, in the form for arrays also where it is a lone value."""
    counts: dict[str, int] = {}
    for pattern in statement.principals:
        index = counts.setdefault(pattern.type, 0)
        counts[pattern.type] += 1
        yield pattern, f"{statement.pointer}/Principal/{pattern.type}/{index}"


def repeated(items: Iterable[T], identity: Callable[[T], object]) -> Iterator[T]:
    """Yield each item that has the identity of an earlier one."""
    seen: set[object] = set()
    for item in items:
        if identity(item) in seen:
            yield item
        seen.add(identity(item))


def may_be_absent(statement: Statement, key: str) -> bool:
    """Return whether a request of one of the principals can lack a key."""
    kinds = {p.principal.kind for p in statement.principals}
    if key == PRINCIPAL_ARN:
        return PrincipalKind.SERVICE in kinds
    if key in _IN_EVERY_TOKEN:
        return kinds != {PrincipalKind.OIDC_PROVIDER}
    return key != CURRENT_TIME


def _test(condition: Condition) -> Callable[[Any], bool]:
    """Return the test whether a condition holds for one value that was read."""
    any_of, negated = any_of_condition(condition), condition.operator.negated
    return lambda value: any_of(value) != negated


def is_over(condition: Condition, now: int) -> bool:
    """Return whether a date condition holds neither now nor at any later time."""
    holds = _test(condition)
    return not any(holds(t) for t in (now, *_instants(condition)) if t >= now)


def _instants(condition: Condition) -> set[int]:
    """Return an instant from every period in which a date condition has one result."""
    return {t + step for t in map(condition.operator.expected, condition.values) for step in (-1, 0, 1)}


def contradict(conditions: Sequence[Condition]) -> bool:
    """Return whether no single value meets all conditions; False where the possible values cannot be tried."""
    if all(c.operator.family is Family.DATE for c in conditions):
        tests = [_test(c) for c in conditions]
        return not any(all(holds(t) for holds in tests) for c in conditions for t in _instants(c))
    exact = next((c for c in conditions if c.operator.name in ("StringEquals", "Bool")), None)
    if exact is None:
        return False
    if sum(work_of_values(c, exact.values) for c in conditions) > _TRIED_WORK:
        return False
    meets = [_text_test(c) for c in conditions]
    return not any(all(met(text) for met in meets) for text in exact.values)


def _text_test(condition: Condition) -> Callable[[str], bool]:
    """Return the test whether a condition holds for a text; one that it cannot read passes."""
    holds = _test(condition)

    def met(text: str) -> bool:
        try:
            return holds(condition.operator.requested(text))
        except ValueError:
            return True

    return met
