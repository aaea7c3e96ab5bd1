"""Decisions about accesses: how actions and resources match, and how statements combine."""

from __future__ import annotations

import pytest

from rolecall.policy.evaluator import Outcome
from rolecall.policy.permission.compiler import StatementOrigin, compile_permissions
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES
from tests.policy.permission.examples import ROLE, compiled, evaluated, policy, statement

ALLOW, IMPLICIT, EXPLICIT = Outcome.ALLOW, Outcome.IMPLICIT_DENY, Outcome.EXPLICIT_DENY


def allows_action(pattern: str, action: str) -> bool:
    return evaluated(compiled(statement(Action=pattern)), action).outcome is ALLOW


def allows_resource(pattern: str, resource: str) -> bool:
    return evaluated(compiled(statement(Resource=pattern)), resource=resource).outcome is ALLOW


def denies_resource(pattern: str, resource: str) -> bool:
    permissions = compiled(statement(), statement(Effect="Deny", Resource=pattern))
    return evaluated(permissions, resource=resource).outcome is EXPLICIT


@pytest.mark.parametrize(
    ("pattern", "action", "matches"),
    [
        ("*", "ram:GetRole", True),
        ("*:*", "ram:GetRole", True),
        ("ram:*", "ram:GetRole", True),
        ("RAM:getrole", "ram:GetRole", True),
        ("ram:Get*", "RAM:GETROLE", True),
        ("ram:Get?ole", "ram:GetRole", True),
        ("r?m:*Role", "ram:GetRole", True),
        ("*:GetRole", "ram:GetRole", True),
        ("ram:Get*", "ram:ListRoles", False),
        ("ram:GetRole", "ram:GetRoles", False),
        ("ra:*", "ram:GetRole", False),
        ("ram:Get?", "ram:Get", False),
    ],
)
def test_an_action_matches_without_regard_to_case(pattern: str, action: str, matches: bool) -> None:
    assert allows_action(pattern, action) is matches


@pytest.mark.parametrize(
    ("pattern", "resource", "matches"),
    [
        ("*", ROLE, True),
        ("*", "*", True),
        ("acs:*", "*", False),
        ("acs:*:*:*:*", "*", False),
        ("acs:*", ROLE, True),
        ("acs:ram:*", ROLE, True),
        ("acs:ram::*", ROLE, True),
        ("acs:ecs::*", ROLE, False),
        ("acs:ram:*:123456789012:role/shop-*", ROLE, True),
        ("acs:ram:*:123456789012:role/shop-*", "acs:ram:*:123456789012:role/shop-1", True),
        ("acs:ram::123456789012:role/shop-?", ROLE, True),
        ("acs:ram:cn-hangzhou:*:*", ROLE, False),
        ("acs:ram:?:*:*", ROLE, False),
        ("acs:ram:*:1234*:role/*", ROLE, True),
        ("acs:ram:*:210987654321:role/*", ROLE, False),
        ("acs:r*:*:*:role/*", ROLE, True),
        ("acs:ram:*:*:ROLE/Shop-1", ROLE, True),
        ("acs:ram:*:*:role/SHOP-*", ROLE, True),
        ("acs:ram:*:*:user/Alice", "acs:ram::1:user/alice", False),
        ("acs:ram:*:*:role/a:*", "acs:ram::1:role/a:b:c", True),
        ("acs:ram:*:*:", "acs:ram::1:", True),
        ("acs:oss:*:*:Role/x", "acs:oss::1:role/x", False),
        ("acs:oss:*:*:*", "acs:oss:cn-hangzhou:1:bucket", True),
        ("acs:oss:cn-*:*:*", "acs:oss:cn-hangzhou:1:bucket", True),
    ],
)
def test_a_resource_matches_part_by_part(pattern: str, resource: str, matches: bool) -> None:
    assert allows_resource(pattern, resource) is matches


@pytest.mark.parametrize(
    ("pattern", "resource", "all_of_them", "one_of_them"),
    [
        ("*", "acs:ram::1:*", True, True),
        ("acs:ram:*:1:*", "acs:ram::1:*", True, True),
        ("acs:ram:*:1:role/*", "acs:ram::1:*", False, True),
        ("acs:ram:*:1:role/shop-*", "acs:ram::1:role/shop-*", True, True),
        ("acs:ram:*:1:role/shop-*", "acs:ram::1:role/SHOP-a*", True, True),
        ("acs:ram:*:1:role/shop-?", "acs:ram::1:role/shop-*", False, True),
        ("acs:ram:*:1:role/*-shop", "acs:ram::1:role/a*", False, True),
        ("acs:ram:*:1:role/Shop", "acs:ram::1:role/s*", False, True),
        ("acs:ram:*:1:role/shop", "acs:ram::1:role/shopping*", False, False),
        ("acs:ram:*:1:role/shop-*", "acs:ram::1:role/store-*", False, False),
        ("acs:ram:*:2:*", "acs:ram::1:*", False, False),
        ("acs:ram::*", "acs:ram::1:role/*", True, True),
    ],
)
def test_several_resources_are_allowed_together_and_denied_by_one(
    pattern: str,
    resource: str,
    all_of_them: bool,
    one_of_them: bool,
) -> None:
    assert allows_resource(pattern, resource) is all_of_them
    assert denies_resource(pattern, resource) is one_of_them


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ram:Get*", ROLE),
        ("GetRole", ROLE),
        ("ram:GetRole:x", ROLE),
        ("", ROLE),
        ("a:" + "b" * 127, ROLE),
        ("ram:GetRole", ""),
        ("ram:GetRole", "acs:ram"),
        ("ram:GetRole", "acs::::"),
        ("ram:GetRole", "acs:ram::1:role/s*p"),
        ("ram:GetRole", "acs:ram::1:role/sho?"),
        ("ram:GetRole", "acs:ram::1:role/sho?*"),
        ("ram:GetRole", "acs:ram::*:role/x"),
        ("ram:GetRole", "acs:oss:*:1:bucket"),
        ("ram:GetRole", "acs:ram::1:role/" + "x" * 2_048),
    ],
)
def test_an_access_that_is_not_written_out_is_denied(action: str, resource: str) -> None:
    permissions = compiled(statement(Action="*"))

    assert evaluated(permissions, action, resource).outcome is IMPLICIT


def test_not_action_is_about_every_other_action() -> None:
    permissions = compiled(statement(Action=..., NotAction=["ram:*", "STS:assume*"]))

    assert evaluated(permissions, "ram:GetRole").outcome is IMPLICIT
    assert evaluated(permissions, "sts:AssumeRole").outcome is IMPLICIT
    assert evaluated(permissions, "oss:GetObject").outcome is ALLOW


def test_a_deny_of_any_policy_overrides_an_allow_of_another() -> None:
    permissions = compile_permissions(
        [
            ("a", policy(statement(), statement(Sid="second"))),
            ("b", policy(statement(Effect="Deny", Resource="acs:ram:*:*:role/shop-*", Sid="shop"))),
        ]
    )

    denied, allowed = evaluated(permissions), evaluated(permissions, resource="acs:ram::1:role/other")

    assert (denied.outcome, denied.determining) == (EXPLICIT, (StatementOrigin("b", 0, "shop"),))
    assert (allowed.outcome, allowed.determining) == (
        ALLOW,
        (StatementOrigin("a", 0, ""), StatementOrigin("a", 1, "second")),
    )


def test_no_policy_denies() -> None:
    assert evaluated(compile_permissions([])).outcome is IMPLICIT


def test_conditions_are_those_of_trust_policies() -> None:
    permissions = compiled(
        statement(Condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}),
        statement(Effect="Deny", Condition={"Bool": {"acs:MFAPresent": "false"}}),
    )

    assert permissions.keys == ("acs:MFAPresent", "acs:SourceIp")
    assert evaluated(permissions, SourceIp=["10.0.0.1"]).outcome is ALLOW
    assert evaluated(permissions, SourceIp=["192.0.2.1"]).outcome is IMPLICIT
    assert evaluated(permissions, SourceIp=["10.0.0.1"], MFAPresent=["false"]).outcome is EXPLICIT
    assert evaluated(permissions, SourceIp=["10.0.0.1"], MFAPresent=["unreadable"]).outcome is EXPLICIT
    assert evaluated(permissions).missing_keys == ("acs:MFAPresent", "acs:SourceIp")


def test_only_statements_about_the_access_have_missing_keys() -> None:
    permissions = compiled(statement(Action="ram:ListRoles", Condition={"StringEquals": {"acs:SourceVpc": "v"}}))

    assert evaluated(permissions).missing_keys == ()


def test_policies_that_do_not_read_the_time_are_not_asked_for_a_window() -> None:
    permissions = compiled(statement(Condition={"Bool": {"acs:MFAPresent": "true"}}))

    answer = evaluated(permissions, MFAPresent=["true"])

    assert not permissions.reads_time
    assert (answer.valid_from, answer.valid_until) == (None, None)


def test_an_answer_is_valid_until_a_condition_on_the_time_changes() -> None:
    permissions = compiled(statement(Condition={"DateLessThan": {"acs:CurrentTime": "1970-01-01T00:00:01Z"}}))
    assert permissions.keys == ()
    assert [c.slot for s in permissions.statements for c in s.conditions] == [-1]

    before, after = evaluated(permissions, now=0), evaluated(permissions, now=1_000_000)

    assert permissions.reads_time
    assert (before.outcome, before.valid_from, before.valid_until) == (ALLOW, None, 1_000_000)
    assert (after.outcome, after.valid_from, after.valid_until) == (IMPLICIT, 1_000_000, None)


@pytest.mark.parametrize(
    ("changes", "reached"),
    [
        ({"Action": "*"}, False),
        ({"Action": "*:*"}, False),
        ({"Action": "rol*:*"}, False),
        ({"Action": "rolecal?:*"}, False),
        ({"Action": "*:CheckAssumeRole"}, False),
        ({"Action": ..., "NotAction": "ram:*"}, False),
        ({"Action": ..., "NotAction": "rolecall:Watch"}, False),
        ({"Action": "rolecall:*"}, True),
        ({"Action": "RoleCall:check*"}, True),
        ({"Action": ["*", "rolecall:CheckAssumeRole"]}, True),
        ({"Action": ["*", "rolecall:Watch"]}, False),
    ],
)
def test_an_allow_reaches_an_action_of_this_service_only_by_its_prefix(
    changes: dict[str, object],
    reached: bool,
) -> None:
    permissions = compiled(statement(**changes), callers_rights=True)

    assert evaluated(permissions, "rolecall:CheckAssumeRole").outcome is (ALLOW if reached else IMPLICIT)


@pytest.mark.parametrize("changes", [{"Action": "*"}, {"Action": "*:check*"}, {"Action": ..., "NotAction": "ram:*"}])
def test_a_deny_reaches_an_action_of_this_service_by_any_pattern(changes: dict[str, object]) -> None:
    permissions = compiled(statement(Action="rolecall:*"), statement(Effect="Deny", **changes), callers_rights=True)

    assert evaluated(permissions, "rolecall:CheckAssumeRole").outcome is EXPLICIT


def test_administrator_access_reaches_every_action_of_this_service_and_its_copy_does_not() -> None:
    administrator = SYSTEM_POLICIES["AdministratorAccess"]
    named = compile_permissions([("AdministratorAccess", administrator)], callers_rights=True)
    copied = compile_permissions([("Mine", administrator)], callers_rights=True)
    other = compile_permissions([("AdministratorAccess", policy(statement(Action="*")))], callers_rights=True)

    assert evaluated(named, "rolecall:Watch").outcome is ALLOW
    assert evaluated(copied, "rolecall:Watch").outcome is IMPLICIT
    assert evaluated(other, "rolecall:Watch").outcome is IMPLICIT
    assert evaluated(copied, "ram:GetRole").outcome is ALLOW
