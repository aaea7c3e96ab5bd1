"""Authorization of calls: the right that each method requires, and whether a caller has it.

Today every caller that the listener accepts has every right; rights per caller belong in `permit`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from rolecall.security.identity import CallContext


class Right(StrEnum):
    """What a caller needs for a method. EXPLAIN and VALIDATE are apart from DECIDE: their answers show what policies contain."""

    DECIDE = "decide"
    EXPLAIN = "explain"
    LIST_TRUST = "list_trust"
    READ_ROLES = "read_roles"
    WRITE_ROLES = "write_roles"
    VALIDATE = "validate"
    WATCH = "watch"
    HEALTH = "health"
    REFLECT = "reflect"
    NOTHING = "nothing"


RIGHTS: Mapping[str, Right] = {
    "/rolecall.v1.DecisionService/CheckAssumeRole": Right.DECIDE,
    "/rolecall.v1.DecisionService/BatchCheckAssumeRole": Right.DECIDE,
    "/rolecall.v1.DecisionService/StreamCheckAssumeRole": Right.DECIDE,
    "/rolecall.v1.DecisionService/ExplainAssumeRole": Right.EXPLAIN,
    "/rolecall.v1.DecisionService/ListAssumableRoles": Right.LIST_TRUST,
    "/rolecall.v1.DecisionService/ListTrustedPrincipals": Right.LIST_TRUST,
    "/rolecall.v1.RoleService/CreateRole": Right.WRITE_ROLES,
    "/rolecall.v1.RoleService/GetRole": Right.READ_ROLES,
    "/rolecall.v1.RoleService/ListRoles": Right.READ_ROLES,
    "/rolecall.v1.RoleService/UpdateRole": Right.WRITE_ROLES,
    "/rolecall.v1.RoleService/DeleteRole": Right.WRITE_ROLES,
    "/rolecall.v1.RoleService/ListRoleRevisions": Right.READ_ROLES,
    "/rolecall.v1.RoleService/RollbackRole": Right.WRITE_ROLES,
    "/rolecall.v1.RoleService/ApplyRoles": Right.WRITE_ROLES,
    "/rolecall.v1.PolicyService/ValidateTrustPolicy": Right.VALIDATE,
    "/rolecall.v1.PolicyService/ValidatePermissionPolicy": Right.VALIDATE,
    "/rolecall.v1.WatchService/WatchRoles": Right.WATCH,
    "/grpc.health.v1.Health/Check": Right.HEALTH,
    "/grpc.health.v1.Health/Watch": Right.HEALTH,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Right.REFLECT,
    "/unknown/unknown": Right.NOTHING,  # stands for every unknown method; the answer is UNIMPLEMENTED
}


def permit(method: str) -> Callable[[CallContext], bool]:
    """Return the check that decides whether a caller may call `method`."""
    # A method without a right is denied to every caller: a new one cannot be added and its right forgotten.
    return _allow if method in RIGHTS else _deny


def _allow(context: CallContext) -> bool:  # noqa: ARG001
    return True


def _deny(context: CallContext) -> bool:  # noqa: ARG001
    return False
