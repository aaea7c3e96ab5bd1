"""The linter of permission policies: what each rule finds, and what it does not."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given, strategies as st

from rolecall.policy.linting.findings import Severity
from rolecall.policy.permission.document import PermissionPolicy
from rolecall.policy.permission.keys import is_known, nearest_key
from rolecall.policy.permission.known_actions import KNOWN_ACTIONS, actions_of
from rolecall.policy.permission.lint import lint_permissions
from rolecall.policy.permission.lint_rules import RULES
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES
from rolecall.transport.rights.methods import NEEDS
from tests.policy.permission.examples import JsonValue, policy, statement

NOW = 1_780_000_000_000_000
ONE_ROLE = "acs:ram:*:123456789012:role/shop"


def findings(linted: PermissionPolicy) -> list[tuple[str, str]]:
    return [(f.id, f.pointer.removeprefix("/Statement/0")) for f in lint_permissions(linted, now=NOW)]


def of(**changes: JsonValue) -> list[tuple[str, str]]:
    """Return the findings of a statement about one role, with changes."""
    return findings(policy(statement(**{"Resource": ONE_ROLE, **changes})))


def when(condition: Mapping[str, JsonValue], **changes: JsonValue) -> list[tuple[str, str]]:
    return of(Condition=condition, **changes)


def test_an_ordinary_statement_has_no_finding() -> None:
    assert when({"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}}, Action=["ram:GetRole", "ram:List*"]) == []


EVERY_ROLE = ["*", "acs:*", "acs:ram:*", "acs:ram::*", "acs:ram:*:*:*", "acs:ram:*:*:role/*", "acs:*:*:*:**"]


@pytest.mark.parametrize("resource", EVERY_ROLE)
@pytest.mark.parametrize(
    ("action", "finding"),
    [
        ("*", "everything-allowed"),
        ("*:*", "everything-allowed"),
        ("sts:AssumeRole", "assume-every-role"),
        ("sts:*", "assume-every-role"),
        ("ram:PassRole", "pass-every-role"),
        ("ram:Pass*", "pass-every-role"),
    ],
)
def test_a_right_on_every_role_is_found_however_it_is_written(resource: str, action: str, finding: str) -> None:
    found = [found for found in of(Action=action, Resource=resource) if found[0] != "short-resource"]

    assert found == [(finding, "/Action")]


@pytest.mark.parametrize(
    "resource", [ONE_ROLE, "acs:ram:*:1*:role/*", "acs:ram:*:??*:role/*", "acs:ram:*:*:role/a*", "acs:oss:*:*:*"]
)
@pytest.mark.parametrize("action", ["*", "sts:AssumeRole", "ram:PassRole"])
def test_a_right_on_some_roles_is_not(resource: str, action: str) -> None:
    found = {name for name, _ in of(Action=action, Resource=resource)}

    assert found <= {"impossible-resource"}


def test_a_deny_of_everything_is_no_finding() -> None:
    assert of(Effect="Deny", Action="*", Resource="*") == []
    assert of(Effect="Deny", Action=..., NotAction="ram:*", Resource="*") == []


def test_passing_a_role_may_be_limited_to_a_service() -> None:
    limited = {"StringEquals": {"acs:Service": "ecs.aliyuncs.com"}}
    of_a_family = {"StringLike": {"acs:Service": "*.ecs.aliyuncs.com"}}
    not_limited = (
        {"StringNotEquals": {"acs:Service": "ecs.aliyuncs.com"}},
        {"ForAllValues:StringEquals": {"acs:Service": "ecs.aliyuncs.com"}},
        {"StringLike": {"acs:Service": ["ecs.aliyuncs.com", "*"]}},
        {"StringLike": {"acs:Service": "**"}},
    )

    assert when(limited, Action="ram:PassRole", Resource="*") == []
    assert when(of_a_family, Action="ram:PassRole", Resource="*") == []
    for condition in not_limited:
        assert ("pass-every-role", "/Action") in when(condition, Action="ram:PassRole", Resource="*")


@pytest.mark.parametrize(
    "action",
    [
        "ram:CreateOIDCProvider",
        "ram:UpdateOIDC*",
        "ram:*OIDCProvider",
        "ram:AddClientIdToOIDCProvider",
        "RAM:addfingerprint*",
    ],
)
def test_to_write_every_oidc_provider_is_the_right_to_be_every_subject(action: str) -> None:
    assert of(Action=action, Resource="*") == [("every-oidc-subject", "/Action")]
    assert of(Action=action, Resource="acs:ram:*:*:oidc-provider/*") == [("every-oidc-subject", "/Action")]
    assert of(Action=action, Resource="acs:ram:*:*:oidc-provider/corp") == []


@pytest.mark.parametrize("key", ["ram:TrustedPrincipalTypes", "ram:ServiceNames", "rolecall:TrustedAccounts"])
def test_one_of_many_trusted_values_is_not_enough_to_allow(key: str) -> None:
    found = when({"StringEquals": {key: "x"}, "ForAnyValue:StringLike": {key: "y"}}, Action="ram:CreateRole")

    assert found == [
        ("any-of-many", f"/Condition/StringEquals/{key}"),
        ("any-of-many", f"/Condition/ForAnyValue:StringLike/{key}"),
    ]
    other = when({"ForAnyValue:StringNotEquals": {key: "x"}}, Action="ram:CreateRole")
    assert ("any-of-many", f"/Condition/ForAnyValue:StringNotEquals/{key}") in other
    assert when({"ForAllValues:StringEquals": {key: "x"}}, Action="ram:CreateRole") == []
    assert when({"StringEquals": {key: "x"}}, Action="ram:CreateRole", Effect="Deny") == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"Action": ..., "NotAction": "ram:*"}, ("allow-not-action", "/NotAction")),
        ({"Resource": "acs:ram:cn-hangzhou:1:role/x"}, ("region-in-ram-pattern", "/Resource")),
        ({"Resource": "acs:ram:cn-*:1:role/x"}, ("region-in-ram-pattern", "/Resource")),
        ({"Resource": "acs:ram:?:*"}, ("region-in-ram-pattern", "/Resource")),
        ({"Resource": "acs:ram:*:${account}:role/x"}, ("never-matches", "/Resource")),
        ({"Resource": "acs:ram:*::role/x"}, ("never-matches", "/Resource")),
        ({"Resource": "acs:ram:*:1:role/{name}"}, ("never-matches", "/Resource")),
        ({"Resource": "acs:ram:*:1:"}, ("never-matches", "/Resource")),
        ({"Resource": "acs:ram:*:123456789012****:role/x"}, ("masked-account", "/Resource")),
        ({"Resource": "acs:ram:*:*:user/x"}, ("impossible-resource", "/Resource")),
        ({"Resource": "acs:oss:*:*:role/x"}, ("impossible-resource", "/Resource")),
        ({"Action": "sts:AssumeRole", "Resource": "acs:sts:*:*:assumed-role/x"}, ("impossible-resource", "/Resource")),
        ({"Action": "ram:AddUserToGroup", "Resource": "acs:ram:*:*:role/x"}, ("impossible-resource", "/Resource")),
        ({"Action": "rolecall:CheckAssumeRole", "Resource": "acs:oss:*:*:x"}, ("impossible-resource", "/Resource")),
        ({"Action": "ram:GetRoles"}, ("unknown-action", "/Action")),
        ({"Action": "sts:TagSession"}, ("unknown-action", "/Action")),
        ({"Action": ["rolecall:Check*", "rolecall:Nothing*"]}, ("unknown-action", "/Action/1")),
        ({"Action": ["ram:GetRole", "RAM:getrole"]}, ("duplicate-value", "/Action/1")),
        ({"Resource": [ONE_ROLE, ONE_ROLE]}, ("duplicate-value", "/Resource/1")),
        ({"Condition": {}}, ("empty-condition", "/Condition")),
        (
            {"Condition": {"IpAddress": {"acs:SourceIp": "0.0.0.0/0"}}},
            ("open-network", "/Condition/IpAddress/acs:SourceIp"),
        ),
        (
            {"Condition": {"ForAllValues:StringEquals": {"acs:SourceVpc": "v"}}},
            ("allow-for-all-values", "/Condition/ForAllValues:StringEquals/acs:SourceVpc"),
        ),
        ({"Condition": {"NotIpAddress": {"acs:SourceIp": "192.0.2.0/24"}}}, ("allow-only-negated", "/Condition")),
        (
            {"Effect": "Deny", "Condition": {"Bool": {"acs:MFAPresent": "false"}}},
            ("deny-on-absent-key", "/Condition/Bool/acs:MFAPresent"),
        ),
        (
            {"Condition": {"DateLessThan": {"acs:CurrentTime": "2020-01-01T00:00:00Z"}}},
            ("past-date", "/Condition/DateLessThan/acs:CurrentTime"),
        ),
        ({"Condition": {"Bool": {"acs:MFAPresent": True}}}, ("unquoted-scalar", "/Condition/Bool/acs:MFAPresent")),
        (
            {"Condition": {"StringEquals": {"ram:TrustedPrincipalType": "x"}}},
            ("unknown-condition-key", "/Condition/StringEquals/ram:TrustedPrincipalType"),
        ),
        (
            {"Condition": {"StringEquals": {"acs:SourceVpc": ["v", "v"]}}},
            ("duplicate-value", "/Condition/StringEquals/acs:SourceVpc/1"),
        ),
        (
            {"Condition": {"StringEquals": {"acs:PrincipalARN": "a"}, "StringNotEquals": {"acs:PrincipalARN": "a"}}},
            ("matches-nobody", "/Condition/StringNotEquals/acs:PrincipalARN"),
        ),
    ],
)
def test_a_mistake_is_found(changes: dict[str, JsonValue], finding: tuple[str, str]) -> None:
    assert of(**changes) in ([finding], [finding, ("short-resource", "/Resource")])


@pytest.mark.parametrize(
    "changes",
    [
        {"Action": "ram:*Role*", "Resource": "acs:ram:*:1:role/*"},
        {"Action": "oss:GetObjects", "Resource": "acs:oss:cn-hangzhou:1:bucket/${name}"},
        {"Action": ["ram:GetRole", "oss:Get*"], "Resource": "acs:oss:*:1:bucket"},
        {"Action": ["oss:Get*"], "Resource": "*", "Condition": {"StringEquals": {"oss:Prefix": "x"}}},
        {"Action": "ram:AttachPolicyToRole", "Resource": ["acs:ram:*:1:role/x", "acs:ram:*:1:policy/x"]},
        {"Action": "ram:CreateServiceLinkedRole", "Condition": {"StringEquals": {"ram:ServiceName": "x"}}},
        {"Action": "ram:ListAccessKeys", "Resource": "acs:ram:*:1:user/x"},
        {"Action": "ram:TagResources", "Resource": "acs:ram:*:1:user/x"},
        {"Action": "ram:GetResourceGroup", "Resource": "acs:ram:*:1:resourcegroup/x"},
        {"Action": "ram:SetPasswordPolicy", "Resource": "acs:ram:*:1:x"},
        {"Action": "ram:CreateVirtualMFADevice", "Resource": "acs:ram:*:1:mfa/x"},
        {"Action": "rolecall:AskFor", "Resource": "acs:rolecall::1:service/orders.internal"},
        {"Action": "rolecall:CheckAssumeRole", "Condition": {"StringEquals": {"rolecall:Caller": "x"}}},
        {"Effect": "Deny", "Condition": {"StringEquals": {"rolecall:Caller": "x", "ram:ServiceNames": "y"}}},
    ],
)
def test_what_is_in_order_is_not_found(changes: dict[str, JsonValue]) -> None:
    assert of(**changes) == []


def test_an_action_of_no_product_has_the_nearest_in_its_fix() -> None:
    (near,) = lint_permissions(policy(statement(Action="ram:GetRoles", Resource=ONE_ROLE)), now=NOW)
    (far,) = lint_permissions(policy(statement(Action="ram:Xyzzy", Resource=ONE_ROLE)), now=NOW)

    assert near.fix == "did you mean `ram:GetRole`?"
    assert far.fix == "check its spelling, or remove it"


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("ram:servicenames", "ram:ServiceNames"),
        ("ram:TrustedPrincipalType", "ram:TrustedPrincipalTypes"),
        ("ram:ServiceNam", "ram:ServiceName"),
        ("acs:SourceIP", "acs:SourceIp"),
        ("acs:SourceVp", "acs:SourceVpc"),
        ("x" * 65, None),
        ("team", None),
    ],
)
def test_an_unknown_key_has_a_nearest_one(key: str, near: str | None) -> None:
    assert not is_known(key)
    assert nearest_key(key) == near


def test_system_policies_have_no_findings() -> None:
    assert [lint_permissions(system, now=NOW) for system in SYSTEM_POLICIES.values()] == [()] * len(SYSTEM_POLICIES)


def test_the_known_actions_contain_those_of_the_system_policies() -> None:
    literal = {a for p in SYSTEM_POLICIES.values() for s in p.statements for a in s.actions if "*" not in a}

    assert literal
    assert [action for action in literal if action not in KNOWN_ACTIONS.values() or not actions_of(action)] == []


def test_the_known_actions_contain_every_action_of_this_service() -> None:
    served = {need.action for needs in NEEDS.values() for need in needs}

    assert served
    assert [action for action in served if action not in KNOWN_ACTIONS.values() or not actions_of(action)] == []


def test_every_rule_has_its_severity() -> None:
    severities = {rule.id: Severity(rule.severity) for rule in RULES}
    found = lint_permissions(policy(statement(Action="*", Resource=["*", "*"])), now=NOW)

    assert {finding.id: finding.severity for finding in found} == {
        "everything-allowed": Severity.WARNING,
        "duplicate-value": Severity.NOTE,
    }
    assert {i for i, s in severities.items() if s is Severity.ERROR} == {"any-of-many", "region-in-ram-pattern"}
    assert {i for i, s in severities.items() if s is Severity.NOTE} == {
        "short-resource",
        "unquoted-scalar",
        "duplicate-value",
    }
    assert len(severities) == len(RULES) == 22


PATTERNS = st.text("*?:raolesctm", max_size=9)
ACTIONS = st.builds(
    lambda product, name: f"{product}:{name}",
    st.sampled_from(["ram", "sts", "rolecall", "*", "oss"]),
    st.text("*?GetRol", min_size=1, max_size=6),
)
RESOURCES = st.just("*") | st.builds(
    "acs:{}:{}:{}:{}".format, st.sampled_from(["ram", "*", "r?m", "oss"]), PATTERNS, PATTERNS, PATTERNS
)


@given(
    st.lists(ACTIONS, min_size=1, max_size=4), st.lists(RESOURCES, min_size=1, max_size=4), st.booleans(), st.booleans()
)
def test_no_valid_policy_makes_the_linter_raise(
    actions: list[str], resources: list[str], allows: bool, excludes: bool
) -> None:
    written = statement(
        Effect="Allow" if allows else "Deny",
        Action=... if excludes else actions,
        NotAction=actions if excludes else ...,
        Resource=resources,
    )
    text = json.dumps({"Version": "1", "Statement": [written]}, indent=1)

    for finding in lint_permissions(parse_permission_policy(text), now=NOW):
        assert finding.line >= 1
        assert finding.message.isprintable()
        assert finding.fix.isprintable()
