"""Rules of the linter on the conditions of a statement, for policies of both kinds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Protocol, TypeAlias, TypeVar

from rolecall.policy.document import Condition, Effect, Quantifier
from rolecall.policy.keys import CURRENT_TIME
from rolecall.policy.linting.facts import SINGLE_VALUED, contradict, is_over, repeated
from rolecall.policy.linting.findings import Edit, LintContext, Remark
from rolecall.policy.operators import Family
from rolecall.policy.wording import quoted


class LintedStatement(Protocol):
    """What the rules on conditions read of a statement."""

    @property
    def effect(self) -> Effect:
        """Return what the statement does when it applies."""
        ...

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions of the statement."""
        ...

    @property
    def has_condition(self) -> bool:
        """Return whether the document has `Condition`, which may be empty."""
        ...

    @property
    def pointer(self) -> str:
        """Return the JSON pointer of the statement."""
        ...


Statement = TypeVar("Statement", bound=LintedStatement)
Find: TypeAlias = Callable[[Statement, LintContext], Iterator[Remark]]


def open_network(statement: LintedStatement, _: LintContext) -> Iterator[Remark]:
    """Find networks of every address."""
    for condition in statement.conditions:
        if condition.operator.family is not Family.IP:
            continue
        for index, value in enumerate(condition.values):
            if condition.operator.expected(value).is_everything:
                yield Remark(
                    f"{condition.pointer}/{index}",
                    f"{quoted(value)} is every address of its kind, so it restricts nobody who sends one",
                    "name the networks that are meant",
                    # Where the network keeps everybody out, smaller ones let somebody in.
                    changes_meaning=(statement.effect is Effect.DENY) != condition.operator.negated,
                )


def allow_for_all_values(*, never_absent: Collection[str] = ()) -> Find[LintedStatement]:
    """Return the rule that finds an Allow with `ForAllValues:`, except on keys that are never absent."""

    def find(statement: LintedStatement, _: LintContext) -> Iterator[Remark]:
        for condition in statement.conditions if statement.effect is Effect.ALLOW else ():
            if condition.quantifier is not Quantifier.FOR_ALL or condition.key in never_absent:
                continue
            if not _needs(statement, condition.key):
                yield Remark(
                    condition.pointer,
                    f"`ForAllValues:` holds on a request without {quoted(condition.spelling)}, which is then allowed",
                    f"add the same condition with `{condition.operator.name}`, which needs the key",
                )

    return find


def _needs(statement: LintedStatement, key: str) -> bool:
    """Return whether a condition of a statement holds only if the request has a key."""
    return any(
        c.key == key and not c.operator.negated and c.quantifier is not Quantifier.FOR_ALL for c in statement.conditions
    )


def allow_only_negated(statement: LintedStatement, _: LintContext) -> Iterator[Remark]:
    """Find an Allow of which no condition needs a key."""
    conditions = statement.conditions
    if statement.effect is Effect.ALLOW and conditions and all(c.operator.negated for c in conditions):
        yield Remark(
            f"{statement.pointer}/Condition",
            "every condition is negated and holds on a missing key: a request without context is allowed",
            "add a condition with a positive operator",
        )


def deny_on_absent_key(may_be_absent: Callable[[Statement, str], bool]) -> Find[Statement]:
    """Return the rule that finds a Deny which a request without a key escapes."""

    def find(statement: Statement, _: LintContext) -> Iterator[Remark]:
        for condition in statement.conditions if statement.effect is Effect.DENY else ():
            if condition.operator.negated or condition.quantifier is Quantifier.FOR_ALL:
                continue
            if may_be_absent(statement, condition.key):
                yield Remark(
                    condition.pointer,
                    f"the statement does not deny a request without {quoted(condition.spelling)}",
                    "deny with a negated operator, which holds on a missing key, or add the condition to the `Allow`",
                )

    return find


def past_date(statement: LintedStatement, context: LintContext) -> Iterator[Remark]:
    """Find conditions on the time that cannot hold any more."""
    for condition in statement.conditions:
        if condition.key == CURRENT_TIME and is_over(condition, context.now):
            yield Remark(
                condition.pointer,
                f"`{condition.operator_name}` on `{CURRENT_TIME}` is past, so the statement does not apply any more",
                "remove the statement, or give a later time",
                changes_meaning=statement.effect is Effect.ALLOW,
            )


def empty_condition(statement: LintedStatement, _: LintContext) -> Iterator[Remark]:
    """Find an empty `Condition`."""
    if statement.has_condition and not statement.conditions:
        yield Remark(
            f"{statement.pointer}/Condition",
            "the condition is empty, so it restricts nothing",
            "add a condition with its operator, key and values, or remove `Condition`",
            changes_meaning=statement.effect is Effect.DENY,
        )


def unquoted_scalar(statement: LintedStatement, _: LintContext) -> Iterator[Remark]:
    """Find numbers and booleans without quotes."""
    for condition in statement.conditions:
        for index in condition.unquoted:
            value = condition.values[index]
            yield Remark(
                f"{condition.pointer}/{index}",
                f"{quoted(value)} is not in quotes and is read as its text; RAM documents condition values as text",
                f'write `"{value}"`',
            )


def unknown_condition_key(
    is_known: Callable[[str], bool], nearest_key: Callable[[str], str | None]
) -> Find[LintedStatement]:
    """Return the rule that finds keys to which the language gives no meaning, with the nearest one that has one."""

    def find(statement: LintedStatement, _: LintContext) -> Iterator[Remark]:
        for condition in statement.conditions:
            if not is_known(condition.key):
                near = nearest_key(condition.spelling)
                yield Remark(
                    condition.pointer,
                    f"the condition key {quoted(condition.spelling)} {_why_unknown(condition.key)}",
                    f"did you mean `{near}`?" if near else _what_to_do(condition.key),
                    Edit(condition.pointer, key=near) if near else None,
                    changes_meaning=near is not None,
                )

    return find


def _why_unknown(key: str) -> str:
    if key.startswith("oidc:"):
        return "is never sent by RAM, which has `oidc:iss`, `oidc:aud` and `oidc:sub` alone; here it is absent unless claimed"
    return "is unknown, and absent unless callers send it"


def _what_to_do(key: str) -> str:
    if key.startswith("oidc:"):
        return "restrict the identities by `oidc:sub` as well, which every token has"
    return "check its spelling, or make sure that callers send it"


def repeated_values(statement: LintedStatement) -> Iterator[Remark]:
    """Yield a remark for each expected value that is repeated."""
    for condition in statement.conditions:
        for index, value in repeated(enumerate(condition.values), lambda v: v[1]):
            yield Remark(
                f"{condition.pointer}/{index}", f"the value {quoted(value)} is repeated here", "remove one of them"
            )


def contradictions(statement: LintedStatement) -> Iterator[Remark]:
    """Yield a remark for each key of which no value meets all conditions."""
    for key in dict.fromkeys(c.key for c in statement.conditions if c.key in SINGLE_VALUED):
        conditions = [c for c in statement.conditions if c.key == key]
        if contradict(conditions):
            yield Remark(
                conditions[-1].pointer,
                f"no value of {quoted(conditions[-1].spelling)} meets all conditions on that key, so the statement never applies",
                "correct the values, or remove the statement",
                changes_meaning=statement.effect is Effect.ALLOW,
            )
