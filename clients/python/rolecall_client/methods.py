"""The methods of the contract, and which of them are safe to repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rolecall_client.v1 import (
    caller_pb2 as c,
    caller_pb2_grpc,
    decision_pb2 as d,
    decision_pb2_grpc,
    policy_pb2 as p,
    policy_pb2_grpc,
    role_pb2 as r,
    role_pb2_grpc,
    watch_pb2 as w,
    watch_pb2_grpc,
)

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True, slots=True, eq=False)
class Method(Generic[Request, Response]):
    """One method of the contract. `retried`: a call that failed because the service was unavailable is repeated."""

    stub: Callable[[Any], Any]
    service: str
    name: str
    request: type[Request]
    response: type[Response]
    retried: bool = True

    @property
    def full_name(self) -> str:
        """Return the name with the package and the service."""
        return f"rolecall.v1.{self.service}/{self.name}"


def _decision(name: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return Method(decision_pb2_grpc.DecisionServiceStub, "DecisionService", name, request, response)


def _policy(name: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return Method(policy_pb2_grpc.PolicyServiceStub, "PolicyService", name, request, response)


def _role(name: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    # The clients send a request id with each write, so the server answers a repeated one with the first result.
    return Method(role_pb2_grpc.RoleServiceStub, "RoleService", name, request, response)


def _caller(name: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return Method(caller_pb2_grpc.CallerServiceStub, "CallerService", name, request, response)


CHECK = _decision("CheckAssumeRole", d.CheckAssumeRoleRequest, d.CheckAssumeRoleResponse)
BATCH_CHECK = _decision("BatchCheckAssumeRole", d.BatchCheckAssumeRoleRequest, d.BatchCheckAssumeRoleResponse)
EXPLAIN = _decision("ExplainAssumeRole", d.ExplainAssumeRoleRequest, d.ExplainAssumeRoleResponse)
LIST_ASSUMABLE_ROLES = _decision("ListAssumableRoles", d.ListAssumableRolesRequest, d.ListAssumableRolesResponse)
LIST_TRUSTED_PRINCIPALS = _decision(
    "ListTrustedPrincipals", d.ListTrustedPrincipalsRequest, d.ListTrustedPrincipalsResponse
)
VALIDATE_TRUST_POLICY = _policy("ValidateTrustPolicy", p.ValidateTrustPolicyRequest, p.ValidateTrustPolicyResponse)
VALIDATE_PERMISSION_POLICY = _policy(
    "ValidatePermissionPolicy", p.ValidatePermissionPolicyRequest, p.ValidatePermissionPolicyResponse
)
WHO_AM_I = _caller("WhoAmI", c.WhoAmIRequest, c.WhoAmIResponse)
CAN_I = _caller("CanI", c.CanIRequest, c.CanIResponse)
GET_ROLE = _role("GetRole", r.GetRoleRequest, r.GetRoleResponse)
LIST_ROLES = _role("ListRoles", r.ListRolesRequest, r.ListRolesResponse)
LIST_ROLE_REVISIONS = _role("ListRoleRevisions", r.ListRoleRevisionsRequest, r.ListRoleRevisionsResponse)
CREATE_ROLE = _role("CreateRole", r.CreateRoleRequest, r.CreateRoleResponse)
UPDATE_ROLE = _role("UpdateRole", r.UpdateRoleRequest, r.UpdateRoleResponse)
DELETE_ROLE = _role("DeleteRole", r.DeleteRoleRequest, r.DeleteRoleResponse)
UNDELETE_ROLE = _role("UndeleteRole", r.UndeleteRoleRequest, r.UndeleteRoleResponse)
LIST_CHANGES = _role("ListChanges", r.ListChangesRequest, r.ListChangesResponse)
ROLLBACK_ROLE = _role("RollbackRole", r.RollbackRoleRequest, r.RollbackRoleResponse)
APPLY_ROLES = _role("ApplyRoles", r.ApplyRolesRequest, r.ApplyRolesResponse)

# Streams are continued by the clients themselves, which know where to continue.
STREAM_CHECK = Method(
    decision_pb2_grpc.DecisionServiceStub,
    "DecisionService",
    "StreamCheckAssumeRole",
    d.StreamCheckAssumeRoleRequest,
    d.StreamCheckAssumeRoleResponse,
    retried=False,
)
WATCH_ROLES = Method(
    watch_pb2_grpc.WatchServiceStub,
    "WatchService",
    "WatchRoles",
    w.WatchRolesRequest,
    w.WatchRolesResponse,
    retried=False,
)
METHODS: tuple[Method[Any, Any], ...] = (
    CHECK,
    BATCH_CHECK,
    EXPLAIN,
    LIST_ASSUMABLE_ROLES,
    LIST_TRUSTED_PRINCIPALS,
    VALIDATE_TRUST_POLICY,
    VALIDATE_PERMISSION_POLICY,
    WHO_AM_I,
    CAN_I,
    GET_ROLE,
    LIST_ROLES,
    LIST_ROLE_REVISIONS,
    LIST_CHANGES,
    CREATE_ROLE,
    UPDATE_ROLE,
    DELETE_ROLE,
    UNDELETE_ROLE,
    ROLLBACK_ROLE,
    APPLY_ROLES,
    STREAM_CHECK,
    WATCH_ROLES,
)
"""Every method of the contract."""


def callables_of(channel: object) -> dict[Method[Any, Any], Any]:
    """Return what calls each method on a channel of gRPC, or of its asynchronous variant."""
    # All at once: making one on a channel that is closed in the meantime ends the process (grpcio 1.80).
    stubs = {method.stub: method.stub(channel) for method in METHODS}
    return {method: getattr(stubs[method.stub], method.name) for method in METHODS}
