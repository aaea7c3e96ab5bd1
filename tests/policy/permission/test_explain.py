"""Explanations of accesses: each statement's result, in agreement with the decision, and near misses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from rolecall.policy.permission.compiler import compile_permissions
from rolecall.policy.permission.explain import PermissionTrace, explain_access
from rolecall.policy.permission.near_miss import near_misses_of_access
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES
from tests.policy.permission.examples import ROLE, JsonValue, policy, statement


def traces(
    *statements: JsonValue,
    action: str = "ram:GetRole",
    resource: str = ROLE,
    callers_rights: bool = False,
    values: Mapping[str, Sequence[str]] | None = None,
) -> tuple[PermissionTrace, ...]:
    policies = [("custom", policy(*statements))]
    compiled = compile_permissions(policies, callers_rights=callers_rights)
    given = [tuple((values or {}).get(key.removeprefix("acs:"), ())) for key in compiled.keys]
    return explain_access(policies, compiled, action, resource, given, 0)


def misses(
    *statements: JsonValue, action: str = "ram:GetRole", resource: str = ROLE, **values: Sequence[str]
) -> list[str]:
    found = near_misses_of_access(
        traces(*statements, action=action, resource=resource, values=values), action, resource
    )
    return [miss.suggestion for miss in found]


def test_a_trace_names_the_patterns_that_match() -> None:
    (trace,) = traces(
        statement(
            Action=["ram:List*", "ram:Get*", "*"],
            Resource=["acs:ram:*:*:user/*", "acs:ram:*:*:role/SHOP-*", "*"],
            Condition={"Bool": {"acs:MFAPresent": "true"}, "StringEquals": {"acs:SourceVpc": "v"}},
        ),
        values={"MFAPresent": ["true"]},
    )

    assert (trace.action_matched, trace.action_pattern) == (True, "ram:Get*")
    assert (trace.resource_matched, trace.resource_pattern) == (True, "acs:ram:*:*:role/SHOP-*")
    assert [(c.condition.key, c.present, c.holds) for c in trace.conditions] == [
        ("acs:MFAPresent", True, True),
        ("acs:SourceVpc", False, False),
    ]
    assert not trace.applies


def test_a_statement_about_another_access_has_no_patterns() -> None:
    (trace,) = traces(statement(Action="ram:List*", Resource="acs:oss:*:*:*"))

    assert (trace.action_matched, trace.action_pattern) == (False, "")
    assert (trace.resource_matched, trace.resource_pattern) == (False, "")
    assert not trace.out_of_reach


def test_the_pattern_under_not_action_is_the_one_that_excludes() -> None:
    excluded, about = traces(
        statement(Action=..., NotAction=["sts:*", "ram:*"]), statement(Action=..., NotAction="sts:*")
    )

    assert (excluded.action_matched, excluded.action_pattern, excluded.applies) == (False, "ram:*", False)
    assert (about.action_matched, about.action_pattern, about.applies) == (True, "", True)


def test_an_action_of_this_service_that_a_wildcard_does_not_reach_is_out_of_reach() -> None:
    wide, inverse, own = traces(
        statement(Action="*"),
        statement(Action=..., NotAction="ram:*"),
        statement(Action=["*", "rolecall:*"]),
        action="rolecall:Watch",
        callers_rights=True,
    )

    assert (wide.action_matched, wide.out_of_reach) == (False, True)
    assert (inverse.action_matched, inverse.out_of_reach) == (False, True)
    assert (own.action_matched, own.out_of_reach, own.action_pattern) == (True, False, "rolecall:*")


def test_the_statements_of_all_policies_are_traced_in_order() -> None:
    policies = [("a", policy(statement())), ("RolecallAuditor", SYSTEM_POLICIES["RolecallAuditor"])]

    found = explain_access(policies, compile_permissions(policies), "ram:GetRole", ROLE, (), 0)

    assert [trace.origin.policy for trace in found] == ["a", "RolecallAuditor"]
    assert all(trace.applies for trace in found)


def test_an_access_that_is_not_written_out_cannot_be_explained() -> None:
    with pytest.raises(ValueError, match="is not written out"):
        traces(statement(), action="ram:Get*")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Action": "ram:ListRoles"}, "name `ram:GetRole` in /Statement/0/Action"),
        ({"Action": ..., "NotAction": "ram:*"}, "`ram:*` at /Statement/0/NotAction excludes it"),
        (
            {"Resource": "acs:ram:*:1:role/*"},
            f"name `{ROLE}` in /Statement/0/Resource (`acs:ram:*:1:role/*` differs in the account)",
        ),
        ({"Resource": "acs:ram:*:*:user/x"}, "differs in the relative id"),
        ({"Resource": "acs:oss:*:1:x"}, f"name `{ROLE}` in /Statement/0/Resource"),
        ({"Condition": {"Bool": {"acs:MFAPresent": "true"}}}, "send `acs:MFAPresent` for which Bool `true` holds"),
    ],
)
def test_the_closest_allow_says_what_to_change(changes: dict[str, JsonValue], words: str) -> None:
    (suggestion,) = misses(statement(**changes))

    assert suggestion.startswith("to be allowed by /Statement/0 of policy `custom`, ")
    assert words in suggestion


def test_the_closest_allow_has_the_fewest_failed_elements_and_the_right_action() -> None:
    found = traces(
        statement(Action="ram:ListRoles", Resource="acs:oss:*:*:*"),
        statement(Action="ram:ListRoles"),
        statement(Resource="acs:oss:*:*:*"),
    )

    (miss,) = near_misses_of_access(found, "ram:GetRole", ROLE)

    assert miss.elements == ("/Statement/2/Resource",)


def test_a_call_without_a_resource_needs_a_star() -> None:
    (suggestion,) = misses(statement(Resource="acs:ram:*:*:*"), resource="*")

    assert "does not match a call that names no resource, which only `*` does" in suggestion


def test_a_resource_that_differs_in_several_parts_has_no_hint() -> None:
    (suggestion,) = misses(statement(Resource=["acs:oss:*:1:x", "acs:ram:*"]), resource="acs:ecs::1:y")

    assert suggestion.endswith("name `acs:ecs::1:y` in /Statement/0/Resource")


def test_a_resource_that_differs_in_case_is_said_to() -> None:
    (suggestion,) = misses(statement(Resource="acs:ram::1:user/Alice"), resource="acs:ram::1:user/alice")

    assert "(`acs:ram::1:user/Alice` differs in the case)" in suggestion


def test_a_deny_is_listed_with_its_way_out_before_the_closest_allow() -> None:
    condition, always, closest = misses(
        statement(Action="ram:ListRoles"),
        statement(Effect="Deny", Condition={"Bool": {"acs:MFAPresent": "false"}}),
        statement(Effect="Deny", Sid="always"),
        MFAPresent=["false"],
    )

    assert condition == (
        "the Deny at /Statement/1 of policy `custom` applies: send a `acs:MFAPresent` for which Bool `false` does not hold,"
        " or change that statement"
    )
    assert always == (
        "the Deny at /Statement/2 of policy `custom` applies: it denies the access without conditions, or change that statement"
    )
    assert closest == "to be allowed by /Statement/0 of policy `custom`, name `ram:GetRole` in /Statement/0/Action"


def test_an_access_that_is_allowed_has_no_near_miss() -> None:
    assert misses(statement()) == []


def test_a_policy_that_only_denies_has_only_its_denies() -> None:
    assert misses(statement(Effect="Deny", Action="sts:*")) == []


def test_a_pattern_out_of_reach_is_explained() -> None:
    found = traces(statement(Action="*"), action="rolecall:Watch", callers_rights=True)

    (miss,) = near_misses_of_access(found, "rolecall:Watch", ROLE)

    assert "only by a pattern that begins with `rolecall:`" in miss.suggestion
