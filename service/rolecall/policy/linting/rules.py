"""The rules of the linter: each reads one statement of a valid policy and yields what is probably a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolecall.policy.document import Effect, Statement
from rolecall.policy.keys import (
    EXTERNAL_ID,
    OIDC_AUDIENCE,
    OIDC_SUBJECT,
    SAML_RECIPIENT,
    nearest_key,
)
from rolecall.policy.linting.condition_rules import (
    allow_for_all_values,
    allow_only_negated,
    contradictions,
    deny_on_absent_key,
    empty_condition,
    open_network,
    past_date,
    repeated_values,
    unknown_condition_key,
    unquoted_scalar,
)
from rolecall.policy.linting.facts import (
    may_be_absent,
    principals,
    repeated,
    required,
    trusts,
)
from rolecall.policy.linting.findings import LintContext, Remark, Rule
from rolecall.policy.linting.subjects import is_mutable_github_subject, is_organisation_wide
from rolecall.policy.linting.value_rules import (
    claims_of_others,
    faulty_values,
    foreign_condition_key,
    foreign_principal,
    is_known_or_foreign,
    logon_names,
)
from rolecall.policy.principal import PrincipalKind
from rolecall.policy.wording import quoted


def _oidc_without_subject(statement: Statement, _: LintContext) -> Iterator[Remark]:
    if trusts(statement, PrincipalKind.OIDC_PROVIDER) and not required(statement, OIDC_SUBJECT):
        yield Remark(
            statement.pointer,
            "any token of the OIDC provider may assume the role, whatever its subject",
            "add a `StringEquals` condition on `oidc:sub`",
        )


def _organisation_wide_subject(statement: Statement, _: LintContext) -> Iterator[Remark]:
    if not trusts(statement, PrincipalKind.OIDC_PROVIDER):
        return
    broad = [
        [i for i, value in enumerate(c.values) if is_organisation_wide(c.operator.name, value)]
        for c in required(statement, OIDC_SUBJECT)
    ]
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
    own = context.trusted | {context.account}
    for pattern, pointer in principals(statement):
        account = pattern.principal.account
        if pattern.principal.kind is PrincipalKind.ROOT and account not in own:
            other = "" if context.account else ", unless that is the role's own account"
            yield Remark(
                pointer,
                f"every user and role of account `{account}` may assume the role, also on behalf of others{other}",
                "add a `StringEquals` condition on `sts:ExternalId`, or name a user or role of that account",
            )


def _duplicate_value(statement: Statement, _: LintContext) -> Iterator[Remark]:
    fix = "remove one of them"
    for pattern, pointer in repeated(principals(statement), lambda p: (p[0].type, p[0].principal)):
        yield Remark(pointer, f"the principal {quoted(pattern.text)} is repeated here", fix)
    yield from repeated_values(statement)


def _matches_nobody(statement: Statement, context: LintContext) -> Iterator[Remark]:
    if not statement.principals:
        yield Remark(
            f"{statement.pointer}/Principal",
            "the statement names no principal, so it never applies",
            "remove the statement, or name the principal that it is about",
            changes_meaning=statement.effect is Effect.ALLOW,
        )
    yield from contradictions(statement)
    yield from claims_of_others(statement)
    yield from logon_names(statement)
    yield from faulty_values("matches-nobody")(statement, context)


def _mutable_subject(statement: Statement, _: LintContext) -> Iterator[Remark]:
    if not trusts(statement, PrincipalKind.OIDC_PROVIDER):
        return
    for condition in required(statement, OIDC_SUBJECT):
        for index, value in enumerate(condition.values):
            if is_mutable_github_subject(value):
                yield Remark(
                    f"{condition.pointer}/{index}",
                    f"{quoted(value)} does not match the subjects of new GitHub repositories, which have ids since July 2026",
                    "for these name the owner and the repository with their ids, such as `repo:ORG@1/NAME@2:...`",
                    changes_meaning=True,
                )


RULES: Sequence[Rule[Statement]] = (
    Rule("oidc-without-subject", "error", _oidc_without_subject),
    Rule("organisation-wide-subject", "error", _organisation_wide_subject),
    Rule("oidc-without-audience", "warning", _oidc_without_audience),
    Rule("saml-without-recipient", "warning", _saml_without_recipient),
    Rule("root-without-external-id", "warning", _root_without_external_id),
    Rule("open-network", "warning", open_network),
    Rule("allow-for-all-values", "warning", allow_for_all_values()),
    Rule("allow-only-negated", "warning", allow_only_negated),
    Rule("deny-on-absent-key", "warning", deny_on_absent_key(may_be_absent)),
    Rule("past-date", "warning", past_date),
    Rule("empty-condition", "warning", empty_condition),
    Rule("unquoted-scalar", "note", unquoted_scalar),
    Rule("placeholder", "warning", faulty_values("placeholder")),
    Rule("wildcard-under-equals", "warning", faulty_values("wildcard-under-equals")),
    Rule("restricts-nobody", "warning", faulty_values("restricts-nobody")),
    Rule("foreign-key", "warning", foreign_condition_key),
    Rule("foreign-service", "warning", foreign_principal),
    Rule("unknown-condition-key", "warning", unknown_condition_key(is_known_or_foreign, nearest_key)),
    Rule("mutable-subject", "note", _mutable_subject),
    Rule("duplicate-value", "note", _duplicate_value),
    Rule("matches-nobody", "warning", _matches_nobody),
)
"""Every rule. At one place findings come in the order of the rules."""
