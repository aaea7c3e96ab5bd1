"""The rules of the linter for permission policies: each reads one statement and yields what is probably a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from rolecall.policy.document import Effect, Quantifier
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
from rolecall.policy.linting.facts import repeated
from rolecall.policy.linting.findings import LintContext, Remark, Rule
from rolecall.policy.permission.document import PermissionStatement
from rolecall.policy.permission.keys import NEVER_ABSENT, SERVICE, WRITTEN_TRUST_KEYS, is_known, nearest_key
from rolecall.policy.permission.known_actions import actions_of, kinds_of, nearest_action, product_of
from rolecall.policy.permission.lint_facts import (
    allowing,
    can_be_about,
    is_about_all,
    is_every_action,
    is_limited,
    is_masked,
    is_of_known_products,
    items,
    never_matches,
    region_of_ram,
)
from rolecall.policy.readers import fold
from rolecall.policy.wording import quoted

Remarks = Iterator[Remark]

_OIDC_WRITES = (
    "ram:CreateOIDCProvider",
    "ram:UpdateOIDCProvider",
    "ram:AddClientIdToOIDCProvider",
    "ram:AddFingerprintToOIDCProvider",
)


def _everything_allowed(statement: PermissionStatement, _: LintContext) -> Remarks:
    if statement.effect is Effect.ALLOW and not statement.excludes_actions and is_about_all(statement, "role/"):
        for pattern, pointer in items(statement, "Action"):
            if is_every_action(pattern):
                yield Remark(
                    pointer,
                    "every action on every role of every account is allowed",
                    "name the actions, or the resources",
                )


def _allow_not_action(statement: PermissionStatement, _: LintContext) -> Remarks:
    if statement.effect is Effect.ALLOW and statement.excludes_actions:
        yield Remark(
            f"{statement.pointer}/NotAction",
            "every action but these is allowed, of every product, also of those to come",
            "allow the actions by name in `Action`, and keep these in a `Deny`",
        )


def _assume_every_role(statement: PermissionStatement, _: LintContext) -> Remarks:
    if is_about_all(statement, "role/"):
        for pattern, pointer in allowing(statement, "sts:AssumeRole"):
            message = f"{quoted(pattern)} allows to assume every role, of every account, that trusts the principal"
            yield Remark(pointer, message, "name the roles in `Resource`, such as `acs:ram::ACCOUNT_ID:role/NAME`")


def _pass_every_role(statement: PermissionStatement, _: LintContext) -> Remarks:
    if is_about_all(statement, "role/") and not is_limited(statement, SERVICE):
        for pattern, pointer in allowing(statement, "ram:PassRole"):
            message = f"{quoted(pattern)} allows to hand every role to any service, and so to act with its permissions"
            yield Remark(pointer, message, f"name the roles, or add a `StringEquals` condition on `{SERVICE}`")


def _every_oidc_subject(statement: PermissionStatement, _: LintContext) -> Remarks:
    if is_about_all(statement, "oidc-provider/"):
        found = dict.fromkeys(item for action in _OIDC_WRITES for item in allowing(statement, action))
        for pattern, pointer in found:
            message = f"{quoted(pattern)} allows to create or change OIDC providers: the right to be every subject that roles trust"
            yield Remark(pointer, message, "name the providers, or leave these actions to an administrator")


def _any_of_many(statement: PermissionStatement, _: LintContext) -> Remarks:
    for condition in statement.conditions if statement.effect is Effect.ALLOW else ():
        one_is_enough = condition.quantifier is Quantifier.FOR_ANY or (
            condition.quantifier is Quantifier.NONE and not condition.operator.negated
        )
        if one_is_enough and condition.key in WRITTEN_TRUST_KEYS:
            yield Remark(
                condition.pointer,
                f"one value of `{condition.key}` is enough: a role that also trusts others is allowed",
                f"write `ForAllValues:{condition.operator.name}`, which every value must meet; the key is never absent",
            )


def _region_in_ram_pattern(statement: PermissionStatement, _: LintContext) -> Remarks:
    for pattern, pointer in items(statement, "Resource"):
        if region := region_of_ram(pattern):
            yield Remark(
                pointer,
                f"RAM has no regions, so {quoted(pattern)} with the region {quoted(region)} matches nothing",
                "write `*` in place of the region, or leave it empty",
                changes_meaning=statement.effect is Effect.ALLOW,
            )


def _never_matches(statement: PermissionStatement, _: LintContext) -> Remarks:
    for pattern, pointer in items(statement, "Resource"):
        if why := never_matches(pattern):
            yield Remark(
                pointer,
                f"{quoted(pattern)} matches nothing: {why}",
                "write the whole name, without placeholders",
                changes_meaning=statement.effect is Effect.ALLOW,
            )


def _masked_account(statement: PermissionStatement, _: LintContext) -> Remarks:
    for pattern, pointer in items(statement, "Resource"):
        if is_masked(pattern):
            yield Remark(
                pointer,
                f"{quoted(pattern)} is every account that begins so; documentation hides digits of ids with `*`",
                "write the whole account id",
                changes_meaning=statement.effect is Effect.DENY,
            )


def _short_resource(statement: PermissionStatement, _: LintContext) -> Remarks:
    for pattern, pointer in items(statement, "Resource"):
        if pattern != "*" and pattern.count(":") < 4:
            yield Remark(
                pointer,
                f"{quoted(pattern)} has fewer than five parts, and its last `*` matches all that remains",
                "write `acs:PRODUCT:REGION:ACCOUNT_ID:RELATIVE_ID` in full",
            )


def _unknown_action(statement: PermissionStatement, _: LintContext) -> Remarks:
    for pattern, pointer in items(statement, statement.actions_name):
        if product_of(pattern) and not actions_of(pattern):
            near = nearest_action(pattern)
            fix = f"did you mean `{near}`?" if near else "check its spelling, or remove it"
            message = f"{quoted(pattern)} is no action of product `{product_of(pattern)}`"
            # To correct an exception of an Allow, or an action of a Deny, allows less.
            lets_in = (statement.effect is Effect.ALLOW) != statement.excludes_actions
            yield Remark(pointer, message, fix, changes_meaning=near is not None and lets_in)


def _impossible_resource(statement: PermissionStatement, _: LintContext) -> Remarks:
    if statement.excludes_actions or not is_of_known_products(statement):
        return
    actions = [action for pattern in statement.actions for action in actions_of(pattern)]
    kinds = kinds_of(actions) or frozenset({""})
    for pattern, pointer in items(statement, "Resource") if actions else ():
        own = any(product_of(action) == "rolecall" for action in actions) and pattern.startswith("acs:rolecall:")
        if not own and not never_matches(pattern) and not any(can_be_about(pattern, kind) for kind in kinds):
            yield Remark(
                pointer,
                f"no action of the statement is about a resource such as {quoted(pattern)}",
                f"write a resource such as `acs:ram:*:ACCOUNT_ID:{min(kinds) or 'role/'}NAME`, or other actions",
                changes_meaning=statement.effect is Effect.ALLOW,
            )


_of_unknown_key = unknown_condition_key(is_known, nearest_key)


def _unknown_condition_key(statement: PermissionStatement, context: LintContext) -> Remarks:
    # Other products have keys of their own.
    return _of_unknown_key(statement, context) if is_of_known_products(statement) else iter(())


def _duplicate_value(statement: PermissionStatement, _: LintContext) -> Remarks:
    actions = repeated(items(statement, statement.actions_name), lambda item: fold(item[0]))
    resources = repeated(items(statement, "Resource"), lambda item: item[0])
    for pattern, pointer in chain(actions, resources):
        yield Remark(pointer, f"{quoted(pattern)} is repeated here", "remove one of them")
    yield from repeated_values(statement)


def _contradiction(statement: PermissionStatement, _: LintContext) -> Remarks:
    return contradictions(statement)


def _may_be_absent(_: PermissionStatement, key: str) -> bool:
    return key not in NEVER_ABSENT


RULES: Sequence[Rule[PermissionStatement]] = (
    Rule("any-of-many", "error", _any_of_many),
    Rule("region-in-ram-pattern", "error", _region_in_ram_pattern),
    Rule("everything-allowed", "warning", _everything_allowed),
    Rule("allow-not-action", "warning", _allow_not_action),
    Rule("assume-every-role", "warning", _assume_every_role),
    Rule("pass-every-role", "warning", _pass_every_role),
    Rule("every-oidc-subject", "warning", _every_oidc_subject),
    Rule("unknown-action", "warning", _unknown_action),
    Rule("impossible-resource", "warning", _impossible_resource),
    Rule("never-matches", "warning", _never_matches),
    Rule("masked-account", "warning", _masked_account),
    Rule("short-resource", "note", _short_resource),
    Rule("open-network", "warning", open_network),
    Rule("allow-for-all-values", "warning", allow_for_all_values(never_absent=WRITTEN_TRUST_KEYS)),
    Rule("allow-only-negated", "warning", allow_only_negated),
    Rule("deny-on-absent-key", "warning", deny_on_absent_key(_may_be_absent)),
    Rule("past-date", "warning", past_date),
    Rule("empty-condition", "warning", empty_condition),
    Rule("unquoted-scalar", "note", unquoted_scalar),
    Rule("unknown-condition-key", "warning", _unknown_condition_key),
    Rule("duplicate-value", "note", _duplicate_value),
    Rule("matches-nobody", "warning", _contradiction),
)
"""Every rule. At one place findings come in the order of the rules."""
