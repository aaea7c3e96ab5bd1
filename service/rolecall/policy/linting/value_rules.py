"""Rules of the linter that judge the values, keys and services of a trust policy, and not only whether a key is there."""

from __future__ import annotations

from collections.abc import Iterator

from rolecall.policy.document import Condition, Effect, Quantifier, Statement
from rolecall.policy.foreign_names import foreign_key, foreign_service
from rolecall.policy.keys import is_known
from rolecall.policy.linting.condition_rules import Find
from rolecall.policy.linting.facts import principals
from rolecall.policy.linting.findings import Edit, LintContext, Remark
from rolecall.policy.linting.value_faults import fault_of
from rolecall.policy.principal import PrincipalKind
from rolecall.policy.principal_refusal import LOGON_DOMAIN
from rolecall.policy.wording import quoted

_PROVIDERS = {"oidc:": PrincipalKind.OIDC_PROVIDER, "saml:": PrincipalKind.SAML_PROVIDER}


def faulty_values(rule_id: str) -> Find[Statement]:
    """Return the rule that finds the values with the faults of one id."""

    def find(statement: Statement, _: LintContext) -> Iterator[Remark]:
        for condition in statement.conditions:
            for index, value in enumerate(condition.values):
                fault = fault_of(statement.effect, condition, value)
                if fault and fault.id == rule_id:
                    yield Remark(
                        f"{condition.pointer}/{index}", fault.message, fault.fix, fault.edit, fault.changes_meaning
                    )

    return find


def is_known_or_foreign(key: str) -> bool:
    """Return whether the language, or another cloud, gives a key a meaning."""
    return is_known(key) or foreign_key(key) is not None


def foreign_condition_key(statement: Statement, _: LintContext) -> Iterator[Remark]:
    """Find the condition keys of other clouds, with RAM's own."""
    for condition in statement.conditions:
        found = None if is_known(condition.key) else foreign_key(condition.spelling)
        if found:
            yield Remark(
                condition.pointer,
                f"the condition key {quoted(condition.spelling)} belongs to {found.owner}, and no request of RAM has it",
                f"write `{found.own}`" if found.own else _without_own_key(statement.effect),
                Edit(condition.pointer, key=found.own) if found.own else None,
                # A Deny with a negated operator on a missing key denies everybody; with another key it may not.
                changes_meaning=bool(found.own) or statement.effect is Effect.DENY,
            )


def foreign_principal(statement: Statement, _: LintContext) -> Iterator[Remark]:
    """Find the services of other clouds, with RAM's own."""
    for pattern, pointer in principals(statement):
        if pattern.principal.kind is not PrincipalKind.SERVICE:
            continue
        found = foreign_service(pattern.principal.name)
        if found:
            own = f"if the service of Alibaba Cloud is meant, write `{found.own}`" if found.own else ""
            yield Remark(
                pointer,
                f"{quoted(pattern.text)} belongs to {found.owner}, and is no service of Alibaba Cloud",
                own or _without_own_service(statement.effect),
                # By the letter, a Deny no longer keeps out the name that is replaced.
                changes_meaning=bool(found.own) or statement.effect is Effect.DENY,
            )


def _without_own_key(effect: Effect) -> str:
    """Return what to do without a key in its place. A Deny is not to be removed: it may keep somebody out."""
    return "remove the statement" if effect is Effect.ALLOW else "compare a key that RAM has"


def _without_own_service(effect: Effect) -> str:
    return "remove it" if effect is Effect.ALLOW else "name the service of Alibaba Cloud that is to be kept out"


def claims_of_others(statement: Statement) -> Iterator[Remark]:
    """Find an Allow that needs a claim of a federated identity, and names no provider whose identities have it."""
    kinds = {pattern.principal.kind for pattern in statement.principals}
    for condition in statement.conditions if statement.effect is Effect.ALLOW and kinds else ():
        prefix = condition.key[:5]
        if prefix in _PROVIDERS and _PROVIDERS[prefix] not in kinds and _needs_key(condition):
            yield Remark(
                condition.pointer,
                f"no principal of the statement has {quoted(condition.spelling)}, so it never applies",
                "remove the statement, or name the provider in a statement of its own",
                changes_meaning=True,
            )


def logon_names(statement: Statement) -> Iterator[Remark]:
    """Find users who are named by their logon name, `NAME@DOMAIN`, of which an ARN has the name alone."""
    for pattern, pointer in principals(statement):
        name, _, domain = pattern.principal.name.partition("@")
        if pattern.principal.kind is PrincipalKind.USER and domain.endswith(LOGON_DOMAIN):
            yield Remark(
                pointer,
                f"no user has the name {quoted(pattern.principal.name)}, which is a logon name",
                f"write the name of the user, {quoted(name)}",
                changes_meaning=True,
            )


def _needs_key(condition: Condition) -> bool:
    return not condition.operator.negated and condition.quantifier is not Quantifier.FOR_ALL
