"""The system policies: shipped with the service and read-only. The last four are for the callers of this service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from rolecall.policy.permission.document import PermissionPolicy
from rolecall.policy.permission.parser import parse_permission_policy

ADMINISTRATOR_ACCESS = "AdministratorAccess"

_CHECKS = ("rolecall:CheckAssumeRole", "rolecall:ListAssumableRoles")
# A list of assumable roles has only roles that may be checked, and an explanation is about a principal that may be asked for.
_READS = (
    *_CHECKS,
    "ram:Get*",
    "ram:List*",
    "rolecall:AskFor",
    "rolecall:ExplainAssumeRole",
    "rolecall:ExplainIdentity",
    "rolecall:ListTrustedPrincipals",
    "rolecall:ReadHistory",
    "rolecall:ValidatePolicy",
    "rolecall:Watch",
)

_ACTIONS = {
    ADMINISTRATOR_ACCESS: ("*",),
    "AliyunSTSAssumeRoleAccess": ("sts:AssumeRole",),
    "AliyunRAMFullAccess": ("ram:*",),
    "AliyunRAMReadOnlyAccess": ("ram:Get*", "ram:List*"),
    "RolecallDecider": (*_CHECKS, "rolecall:AskFor"),
    "RolecallSelfDecider": _CHECKS,
    "RolecallChecker": ("rolecall:CheckAssumeRole", "rolecall:AskFor"),
    "RolecallAuditor": _READS,
}


def _policies() -> Iterator[tuple[str, PermissionPolicy]]:
    for name, actions in _ACTIONS.items():
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        yield name, parse_permission_policy(json.dumps({"Version": "1", "Statement": [statement]}))


SYSTEM_POLICIES: Mapping[str, PermissionPolicy] = MappingProxyType(dict(_policies()))
"""Every system policy by its name."""


def is_administrator_access(name: str, policy: PermissionPolicy) -> bool:
    """Return whether a policy is the system policy AdministratorAccess, and not another document of the same content."""
    return name == ADMINISTRATOR_ACCESS and policy == SYSTEM_POLICIES[ADMINISTRATOR_ACCESS]
