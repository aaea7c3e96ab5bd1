"""Permission policies that the tests are about."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.permission.compiler import CompiledPermissions, compile_permissions
from rolecall.policy.permission.document import PermissionPolicy
from rolecall.policy.permission.evaluator import AccessEvaluation, evaluate_access
from rolecall.policy.permission.parser import parse_permission_policy

JsonValue = object

ROLE = "acs:ram::123456789012:role/shop-1"


def statement(**changes: JsonValue) -> dict[str, JsonValue]:
    """Return a statement that allows to get roles, with changes; `...` removes a member."""
    whole = {"Effect": "Allow", "Action": "ram:GetRole", "Resource": "*", **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def document(*statements: JsonValue, **changes: JsonValue) -> str:
    """Return a document with statements."""
    whole = {"Version": "1", "Statement": list(statements) or [statement()], **changes}
    return json.dumps({name: value for name, value in whole.items() if value is not ...})


def policy(*statements: JsonValue) -> PermissionPolicy:
    """Return a policy with statements."""
    return parse_permission_policy(document(*statements))


def compiled(*statements: JsonValue, callers_rights: bool = False) -> CompiledPermissions:
    """Return the compiled form of one policy, named `custom`."""
    return compile_permissions([("custom", policy(*statements))], callers_rights=callers_rights)


def evaluated(
    permissions: CompiledPermissions,
    action: str = "ram:GetRole",
    resource: str = ROLE,
    now: int = 0,
    **values: Sequence[str],
) -> AccessEvaluation:
    """Return the evaluation of an access; a key is given by the part of its name after `acs:`."""
    given: list[RequestedValues] = [tuple(values.get(key.removeprefix("acs:"), ())) for key in permissions.keys]
    return evaluate_access(permissions, action, resource, given, now)
