"""What callers may do: every method has a right, and a caller needs it. The one place where that is decided.

A method that the table does not have is denied to everybody, so that nobody can add one and forget who may call it.
Today whoever the transport let in has every right; rights of single callers are to come in `Permissions.permit`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from grpc.aio import ServicerContext

Context = ServicerContext[Any, Any]


class Right(StrEnum):
    """What a caller needs for a method. Explaining and validating have their own: they tell what policies say."""

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
    "/rolecall.v1.WatchService/WatchRoles": Right.WATCH,
    "/grpc.health.v1.Health/Check": Right.HEALTH,
    "/grpc.health.v1.Health/Watch": Right.HEALTH,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Right.REFLECT,
    "/unknown/unknown": Right.NOTHING,  # whatever else is called; it is told that there is no such method
}


class Permissions:
    """Gives each method its permit."""

    def permit(self, method: str) -> Callable[[Context], bool]:
        """Return what tells whether the caller may make a call of a method."""
        return _anybody if method in RIGHTS else _nobody


def _anybody(context: Context) -> bool:  # noqa: ARG001
    return True


def _nobody(context: Context) -> bool:  # noqa: ARG001
    return False
