"""The rules of the linter: each reads one statement of a valid policy and yields what is probably a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rolecall.policy.document import Effect, Quantifier, Statement
from rolecall.policy.keys import (
    CURRENT_TIME,
    EXTERNAL_ID,
    OIDC_AUDIENCE,
    OIDC_SUBJECT,
    SAML_RECIPIENT,
    is_known,
    nearest_key,
)
from rolecall.policy.lint_facts import (
    SINGLE_VALUED,
    contradict,
    is_broad,
    is_over,
    may_be_absent,
    principals,
    repeated,
    required,
    trusts,
)
from rolecall.policy.operators import Family
from rolecall.policy.principal import PrincipalKind
from rolecall.policy.wording import quoted


class LintContext(NamedTuple):
    """What a rule knows besides the statement: the time in microseconds, and the role's account, empty if unknown."""

    now: int
    account: str


class Remark(NamedTuple):
    """A finding of a rule: the pointer, the message, and what to write instead."""

    pointer: str
    message: str
    fix: str


class Rule(NamedTuple):
    """One rule: a stable id, a severity, and the function that finds its remarks in one statement."""

    id: str
    severity: str
    find: Callable[[Statement, LintContext], Iterator[Remark]]


def _oidc_without_subject(statement: Statement, _: LintContext) -> Iterator[Remark]:
    if trusts(statement, PrincipalKind.OIDC_PROVIDER) and not required(statement, OIDC_SUBJECT):
        yield Remark(
            statement.pointer,
            "any token of the OIDC provider may assume the role, whatever its subject",
            "add a `StringEquals` condition on `oidc:sub`",
        )


def _oidc_broad_subject(statement: Statement, _: LintContext) -> Iterator[Remark]:
    if not trusts(statement, PrincipalKind.OIDC_PROVIDER):
        return
    broad = [[i for i, value in enumerate(c.values) if is_broad(c, value)] for c in required(statement, OIDC_SUBJECT)]
    if not all(broad):
        return
    for condition, indexes in zip(required(statement, OIDC_SUBJECT), broad, strict=True):
        for index in indexes:
            value = condition.values[index]
            yield Remark(
                f"{condition.pointer}/{index}",
                f"the wildcard in {quoted(value)} matches every identity of an organisation, or of the provider",
                "name the repository, namespace or project, and the branch or service account",
            )


def _oidc_without_audience(statement: Statement, _: LintContext) -> Iterator[Remark]:
    if trusts(statement, PrincipalKind.OIDC_PROVIDER) and not required(statement, OIDC_AUDIENCE):
        yield Remark(
            statement.pointer,
            "a token of the OIDC provider that was issued for another service may assume the role",
            "add a `StringEquals` condition on `oidc:aud`",
        )


def _saml_without_recipient(statement: Statement, _: LintContext) -> Iterator[Remark]:
    if trusts(statement, PrincipalKind.SAML_PROVIDER) and not required(statement, SAML_RECIPIENT):
        yield Remark(
            statement.pointer,
            "an assertion of the SAML provider that was issued for another service may assume the role",
            "add a `StringEquals` condition on `saml:recipient`, such as `https://signin.aliyun.com/saml-role/sso`",
        )


def _root_without_external_id(statement: Statement, context: LintContext) -> Iterator[Remark]:
    if statement.effect is not Effect.ALLOW or required(statement, EXTERNAL_ID):
        return
    for pattern, pointer in principals(statement):
        account = pattern.principal.account
        if pattern.principal.kind is PrincipalKind.ROOT and account != context.account:
            other = "" if context.account else ", unless that is the role's own account"
            yield Remark(
                pointer,
                f"every user and role of account `{account}` may assume the role, also on behalf of others{other}",
                "add a `StringEquals` condition on `sts:ExternalId`, or name a user or role of that account",
            )


def _open_network(statement: Statement, _: LintContext) -> Iterator[Remark]:
    for condition in statement.conditions:
        if condition.operator.family is not Family.IP:
            continue
        for index, value in enumerate(condition.values):
            if condition.operator.expected(value).is_everything:
                yield Remark(
                    f"{condition.pointer}/{index}",
                    f"{quoted(value)} is every address of its kind, so the condition has no effect",
                    "name the allowed networks, or remove the condition",
                )


def _allow_for_all_values(statement: Statement, _: LintContext) -> Iterator[Remark]:
    for condition in statement.conditions:
        if statement.effect is Effect.ALLOW and condition.quantifier is Quantifier.FOR_ALL:
            yield Remark(
                condition.pointer,
                f"`ForAllValues:` holds on a request without {quoted(condition.spelling)}, which is then allowed",
                f"write `{condition.operator.name}`, which needs the key",
            )


def _allow_only_negated(statement: Statement, _: LintContext) -> Iterator[Remark]:
    conditions = statement.conditions
    if statement.effect is Effect.ALLOW and conditions and all(c.operator.negated for c in conditions):
        yield Remark(
            f"{statement.pointer}/Condition",
            "every condition is negated and holds on a missing key: a request without context is allowed",
            "add a condition with a positive operator",
        )


def _deny_on_absent_key(statement: Statement, _: LintContext) -> Iterator[Remark]:
    for condition in statement.conditions if statement.effect is Effect.DENY else ():
        if condition.operator.negated or condition.quantifier is Quantifier.FOR_ALL:
            continue
        if may_be_absent(statement, condition.key):
            yield Remark(
                condition.pointer,
                f"the statement does not deny a request without {quoted(condition.spelling)}",
                "deny with a negated operator, which holds on a missing key, or add the condition to the `Allow`",
            )


def _past_date(statement: Statement, context: LintContext) -> Iterator[Remark]:
    for condition in statement.conditions:
        if condition.key == CURRENT_TIME and is_over(condition, context.now):
            yield Remark(
                condition.pointer,
                f"`{condition.operator_name}` on `{CURRENT_TIME}` is past, so the statement does not apply any more",
                "remove the statement, or give a later time",
            )


def _empty_condition(statement: Statement, _: LintContext) -> Iterator[Remark]:
    if statement.has_condition and not statement.conditions:
        yield Remark(
            f"{statement.pointer}/Condition",
            "the condition is empty, so it restricts nothing",
            "add a condition with its operator, key and values, or remove `Condition`",
        )


def _unquoted_scalar(statement: Statement, _: LintContext) -> Iterator[Remark]:
    for condition in statement.conditions:
        for index in condition.unquoted:
            value = condition.values[index]
            yield Remark(
                f"{condition.pointer}/{index}",
                f"{quoted(value)} is not in quotes and is read as its text; RAM documents condition values as text",
                f'write `"{value}"`',
            )


def _unknown_condition_key(statement: Statement, _: LintContext) -> Iterator[Remark]:
    for condition in statement.conditions:
        if not is_known(condition.key):
            near = nearest_key(condition.spelling)
            yield Remark(
                condition.pointer,
                f"the condition key {quoted(condition.spelling)} is unknown, and absent unless callers send it",
                f"did you mean `{near}`?" if near else "check its spelling, or make sure that callers send it",
            )


def _duplicate_value(statement: Statement, _: LintContext) -> Iterator[Remark]:
    fix = "remove one of them"
    for pattern, pointer in repeated(principals(statement), lambda p: (p[0].type, p[0].principal)):
        yield Remark(pointer, f"the principal {quoted(pattern.text)} is repeated here", fix)
    for condition in statement.conditions:
        for index, value in repeated(enumerate(condition.values), lambda v: v[1]):
            yield Remark(f"{condition.pointer}/{index}", f"the value {quoted(value)} is repeated here", fix)


def _matches_nobody(statement: Statement, _: LintContext) -> Iterator[Remark]:
    if not statement.principals:
        yield Remark(
            f"{statement.pointer}/Principal",
            "the statement names no principal, so it never applies",
            "name a principal, or remove the statement",
        )
    for key in dict.fromkeys(c.key for c in statement.conditions if c.key in SINGLE_VALUED):
        conditions = [c for c in statement.conditions if c.key == key]
        if contradict(conditions):
            yield Remark(
                conditions[-1].pointer,
                f"no value of {quoted(conditions[-1].spelling)} meets all conditions on that key, so the statement never applies",
                "correct the values, or remove the statement",
            )


RULES: Sequence[Rule] = (
    Rule("oidc-without-subject", "error", _oidc_without_subject),
    Rule("oidc-broad-subject", "error", _oidc_broad_subject),
    Rule("oidc-without-audience", "warning", _oidc_without_audience),
    Rule("saml-without-recipient", "warning", _saml_without_recipient),
    Rule("root-without-external-id", "warning", _root_without_external_id),
    Rule("open-network", "warning", _open_network),
    Rule("allow-for-all-values", "warning", _allow_for_all_values),
    Rule("allow-only-negated", "warning", _allow_only_negated),
    Rule("deny-on-absent-key", "warning", _deny_on_absent_key),
    Rule("past-date", "warning", _past_date),
    Rule("empty-condition", "warning", _empty_condition),
    Rule("unquoted-scalar", "note", _unquoted_scalar),
    Rule("unknown-condition-key", "warning", _unknown_condition_key),
    Rule("duplicate-value", "note", _duplicate_value),
    Rule("matches-nobody", "warning", _matches_nobody),
)
"""Every rule. At one place findings come in the order of the rules."""
