"""The system policies allow what their names say, and no more."""

from __future__ import annotations

import pytest

from rolecall.policy.evaluator import Outcome
from rolecall.policy.permission.compiler import compile_permissions
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES, is_administrator_access
from tests.policy.permission.examples import evaluated

ROLE_ACTIONS = ("ram:GetRole", "ram:ListRoles", "ram:CreateRole", "ram:DeleteRole", "ram:UpdateRole")
OWN_ACTIONS = (
    "rolecall:CheckAssumeRole",
    "rolecall:ListAssumableRoles",
    "rolecall:AskFor",
    "rolecall:ExplainAssumeRole",
    "rolecall:ListTrustedPrincipals",
    "rolecall:ReadHistory",
    "rolecall:ValidatePolicy",
    "rolecall:Watch",
    "rolecall:AssertFederated",
)
ACTIONS = ("sts:AssumeRole", *ROLE_ACTIONS, *OWN_ACTIONS)
SELF_DECIDER = {"rolecall:CheckAssumeRole", "rolecall:ListAssumableRoles"}


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("AdministratorAccess", set(ACTIONS)),
        ("AliyunSTSAssumeRoleAccess", {"sts:AssumeRole"}),
        ("AliyunRAMFullAccess", set(ROLE_ACTIONS)),
        ("AliyunRAMReadOnlyAccess", {"ram:GetRole", "ram:ListRoles"}),
        ("RolecallSelfDecider", SELF_DECIDER),
        ("RolecallChecker", {"rolecall:CheckAssumeRole", "rolecall:AskFor"}),
        ("RolecallDecider", SELF_DECIDER | {"rolecall:AskFor"}),
        ("RolecallAuditor", {"ram:GetRole", "ram:ListRoles", *OWN_ACTIONS} - {"rolecall:AssertFederated"}),
    ],
)
def test_a_system_policy_allows_exactly_these_actions(name: str, allowed: set[str]) -> None:
    permissions = compile_permissions([(name, SYSTEM_POLICIES[name])], callers_rights=True)

    assert {action for action in ACTIONS if evaluated(permissions, action).outcome is Outcome.ALLOW} == allowed


def test_there_are_eight_system_policies_and_one_is_that_of_administrators() -> None:
    administrators = [name for name, policy in SYSTEM_POLICIES.items() if is_administrator_access(name, policy)]

    assert len(SYSTEM_POLICIES) == 8
    assert administrators == ["AdministratorAccess"]
