"""The right that each method needs. `docs/security.md` shows this table, and tests compare both with the served methods.

Most rights name a role or an account, and are judged by the method itself, which reads them from the request. A right on `*` is
judged before the method is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from rolecall.transport.errors import PermissionDeniedError, UnlistedMethodError
from rolecall.transport.rights.actions import (
    ASK_FOR,
    ASSERT_FEDERATED,
    CHECK_ASSUME_ROLE,
    CREATE_ROLE,
    DELETE_ROLE,
    EXPLAIN_ASSUME_ROLE,
    GET_ROLE,
    LIST_ASSUMABLE_ROLES,
    LIST_ROLES,
    LIST_TRUSTED_PRINCIPALS,
    READ_HISTORY,
    REFLECT,
    UPDATE_ROLE,
    VALIDATE_POLICY,
    WATCH,
)
from rolecall.transport.rights.resources import ANY
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.call_origin import Identify
from rolecall.transport.rpc.middleware import Permit


@dataclass(frozen=True, slots=True)
class Need:
    """One right that a method needs: an action, and the resource in words."""

    action: str
    resource: str


MethodNeeds: TypeAlias = tuple[Need, ...]

_IDENTITY = (
    Need(ASK_FOR, "the identity, unless it is the caller's own `principal`"),
    Need(ASSERT_FEDERATED, "the provider, if claims are asserted"),
)
_CHECK = (Need(CHECK_ASSUME_ROLE, "the role"), *_IDENTITY)
_UPDATE = (
    Need(UPDATE_ROLE, "the role"),
    Need(GET_ROLE, "the role, if the answer is to show its content"),
)
_EVERYTHING = f"`{ANY}`"

NEEDS: Mapping[str, MethodNeeds] = {
    "/rolecall.v1.DecisionService/CheckAssumeRole": _CHECK,
    "/rolecall.v1.DecisionService/BatchCheckAssumeRole": _CHECK,
    "/rolecall.v1.DecisionService/StreamCheckAssumeRole": _CHECK,
    "/rolecall.v1.DecisionService/ExplainAssumeRole": (
        Need(EXPLAIN_ASSUME_ROLE, "the role"),
        *_IDENTITY,
        Need(READ_HISTORY, "the role, with `at_revision`"),
    ),
    "/rolecall.v1.DecisionService/ListAssumableRoles": (
        Need(LIST_ASSUMABLE_ROLES, "`acs:ram::ID:role/*` of the account; without one `*`"),
        *_IDENTITY,
        Need(CHECK_ASSUME_ROLE, "each role that is listed; others are left out"),
    ),
    "/rolecall.v1.DecisionService/ListTrustedPrincipals": (Need(LIST_TRUSTED_PRINCIPALS, "the role"),),
    "/rolecall.v1.RoleService/CreateRole": (Need(CREATE_ROLE, "the role"),),
    "/rolecall.v1.RoleService/GetRole": (Need(GET_ROLE, "the role"),),
    "/rolecall.v1.RoleService/ListRoles": (
        Need(LIST_ROLES, "`acs:ram::ID:role/PREFIX*` of the account and the `name_prefix`"),
        Need(GET_ROLE, "each role that is listed; others are left out"),
    ),
    "/rolecall.v1.RoleService/UpdateRole": _UPDATE,
    "/rolecall.v1.RoleService/DeleteRole": (Need(DELETE_ROLE, "the role"),),
    "/rolecall.v1.RoleService/UndeleteRole": (
        Need(CREATE_ROLE, "the role"),
        Need(GET_ROLE, "the role, if the answer is to show its content"),
    ),
    "/rolecall.v1.RoleService/ListRoleRevisions": (Need(READ_HISTORY, "the role"),),
    "/rolecall.v1.RoleService/RollbackRole": _UPDATE,
    "/rolecall.v1.RoleService/ApplyRoles": (
        Need(CREATE_ROLE, "each declared role that does not exist"),
        Need(UPDATE_ROLE, "each declared role that exists"),
        Need(DELETE_ROLE, "each role that is pruned"),
        Need(GET_ROLE, "each role whose diff is shown; others are left out"),
    ),
    "/rolecall.v1.RoleService/ListChanges": (
        Need(
            READ_HISTORY,
            "the role; without one `acs:ram::ID:role/PREFIX*` of each account and the `name_prefix`; without these `*`",
        ),
        Need(READ_HISTORY, "each role whose changes are listed; others are left out"),
    ),
    "/rolecall.v1.PolicyService/ValidateTrustPolicy": (Need(VALIDATE_POLICY, _EVERYTHING),),
    "/rolecall.v1.PolicyService/ValidatePermissionPolicy": (Need(VALIDATE_POLICY, _EVERYTHING),),
    "/rolecall.v1.WatchService/WatchRoles": (Need(WATCH, "`acs:ram::ID:*` of each account; without any `*`"),),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": (Need(REFLECT, _EVERYTHING),),
    # A valid credential suffices.
    "/rolecall.v1.CallerService/WhoAmI": (),
    "/rolecall.v1.CallerService/CanI": (),
    "/grpc.health.v1.Health/Check": (),
    "/grpc.health.v1.Health/Watch": (),
    "/unknown/unknown": (),  # stands for every unknown method; the answer is UNIMPLEMENTED
}


class MethodRights:
    """Judges the rights of methods that name no resource."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify

    def permit(self, method: str) -> Permit | None:
        """Return what judges a call of `method` before it is answered; None if the method itself does."""
        needs = NEEDS.get(method)
        # A method without a row is denied to every caller: a new one cannot be added and its right forgotten.
        if needs is None:
            return _denial(method)
        actions = [need.action for need in needs if need.resource == _EVERYTHING]
        return self._judging(actions) if actions else None

    def _judging(self, actions: list[str]) -> Permit:
        def permit(context: CallContext) -> None:
            caller = self._identify(context)
            for action in actions:
                if not caller.allows(action, ANY):
                    raise PermissionDeniedError(action, ANY)

        return permit


def _denial(method: str) -> Permit:
    def permit(context: CallContext) -> None:  # noqa: ARG001
        raise UnlistedMethodError(method)

    return permit
