from collections.abc import AsyncIterator, Awaitable
from typing import overload, type_check_only

import grpc
import grpc.aio

from rolecall_client.v1 import role_pb2

class RoleServiceStub:
    @overload
    def __new__(cls, channel: grpc.Channel) -> RoleServiceStub: ...
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> RoleServiceAsyncStub: ...
    CreateRole: grpc.UnaryUnaryMultiCallable[role_pb2.CreateRoleRequest, role_pb2.CreateRoleResponse]
    GetRole: grpc.UnaryUnaryMultiCallable[role_pb2.GetRoleRequest, role_pb2.GetRoleResponse]
    ListRoles: grpc.UnaryUnaryMultiCallable[role_pb2.ListRolesRequest, role_pb2.ListRolesResponse]
    UpdateRole: grpc.UnaryUnaryMultiCallable[role_pb2.UpdateRoleRequest, role_pb2.UpdateRoleResponse]
    DeleteRole: grpc.UnaryUnaryMultiCallable[role_pb2.DeleteRoleRequest, role_pb2.DeleteRoleResponse]
    UndeleteRole: grpc.UnaryUnaryMultiCallable[role_pb2.UndeleteRoleRequest, role_pb2.UndeleteRoleResponse]
    ListRoleRevisions: grpc.UnaryUnaryMultiCallable[role_pb2.ListRoleRevisionsRequest, role_pb2.ListRoleRevisionsResponse]
    RollbackRole: grpc.UnaryUnaryMultiCallable[role_pb2.RollbackRoleRequest, role_pb2.RollbackRoleResponse]
    ApplyRoles: grpc.StreamUnaryMultiCallable[role_pb2.ApplyRolesRequest, role_pb2.ApplyRolesResponse]
    ListChanges: grpc.UnaryUnaryMultiCallable[role_pb2.ListChangesRequest, role_pb2.ListChangesResponse]

@type_check_only
class RoleServiceAsyncStub(RoleServiceStub):
    CreateRole: grpc.aio.UnaryUnaryMultiCallable[role_pb2.CreateRoleRequest, role_pb2.CreateRoleResponse]  # type: ignore[assignment]
    GetRole: grpc.aio.UnaryUnaryMultiCallable[role_pb2.GetRoleRequest, role_pb2.GetRoleResponse]  # type: ignore[assignment]
    ListRoles: grpc.aio.UnaryUnaryMultiCallable[role_pb2.ListRolesRequest, role_pb2.ListRolesResponse]  # type: ignore[assignment]
    UpdateRole: grpc.aio.UnaryUnaryMultiCallable[role_pb2.UpdateRoleRequest, role_pb2.UpdateRoleResponse]  # type: ignore[assignment]
    DeleteRole: grpc.aio.UnaryUnaryMultiCallable[role_pb2.DeleteRoleRequest, role_pb2.DeleteRoleResponse]  # type: ignore[assignment]
    UndeleteRole: grpc.aio.UnaryUnaryMultiCallable[role_pb2.UndeleteRoleRequest, role_pb2.UndeleteRoleResponse]  # type: ignore[assignment]
    ListRoleRevisions: grpc.aio.UnaryUnaryMultiCallable[role_pb2.ListRoleRevisionsRequest, role_pb2.ListRoleRevisionsResponse]  # type: ignore[assignment]
    RollbackRole: grpc.aio.UnaryUnaryMultiCallable[role_pb2.RollbackRoleRequest, role_pb2.RollbackRoleResponse]  # type: ignore[assignment]
    ApplyRoles: grpc.aio.StreamUnaryMultiCallable[role_pb2.ApplyRolesRequest, role_pb2.ApplyRolesResponse]  # type: ignore[assignment]
    ListChanges: grpc.aio.UnaryUnaryMultiCallable[role_pb2.ListChangesRequest, role_pb2.ListChangesResponse]  # type: ignore[assignment]

class RoleServiceServicer:
    def CreateRole(self, request: role_pb2.CreateRoleRequest, context: grpc.aio.ServicerContext[role_pb2.CreateRoleRequest, role_pb2.CreateRoleResponse], /) -> Awaitable[role_pb2.CreateRoleResponse]: ...
    def GetRole(self, request: role_pb2.GetRoleRequest, context: grpc.aio.ServicerContext[role_pb2.GetRoleRequest, role_pb2.GetRoleResponse], /) -> Awaitable[role_pb2.GetRoleResponse]: ...
    def ListRoles(self, request: role_pb2.ListRolesRequest, context: grpc.aio.ServicerContext[role_pb2.ListRolesRequest, role_pb2.ListRolesResponse], /) -> Awaitable[role_pb2.ListRolesResponse]: ...
    def UpdateRole(self, request: role_pb2.UpdateRoleRequest, context: grpc.aio.ServicerContext[role_pb2.UpdateRoleRequest, role_pb2.UpdateRoleResponse], /) -> Awaitable[role_pb2.UpdateRoleResponse]: ...
    def DeleteRole(self, request: role_pb2.DeleteRoleRequest, context: grpc.aio.ServicerContext[role_pb2.DeleteRoleRequest, role_pb2.DeleteRoleResponse], /) -> Awaitable[role_pb2.DeleteRoleResponse]: ...
    def UndeleteRole(self, request: role_pb2.UndeleteRoleRequest, context: grpc.aio.ServicerContext[role_pb2.UndeleteRoleRequest, role_pb2.UndeleteRoleResponse], /) -> Awaitable[role_pb2.UndeleteRoleResponse]: ...
    def ListRoleRevisions(self, request: role_pb2.ListRoleRevisionsRequest, context: grpc.aio.ServicerContext[role_pb2.ListRoleRevisionsRequest, role_pb2.ListRoleRevisionsResponse], /) -> Awaitable[role_pb2.ListRoleRevisionsResponse]: ...
    def RollbackRole(self, request: role_pb2.RollbackRoleRequest, context: grpc.aio.ServicerContext[role_pb2.RollbackRoleRequest, role_pb2.RollbackRoleResponse], /) -> Awaitable[role_pb2.RollbackRoleResponse]: ...
    def ApplyRoles(self, request: AsyncIterator[role_pb2.ApplyRolesRequest], context: grpc.aio.ServicerContext[role_pb2.ApplyRolesRequest, role_pb2.ApplyRolesResponse], /) -> Awaitable[role_pb2.ApplyRolesResponse]: ...
    def ListChanges(self, request: role_pb2.ListChangesRequest, context: grpc.aio.ServicerContext[role_pb2.ListChangesRequest, role_pb2.ListChangesResponse], /) -> Awaitable[role_pb2.ListChangesResponse]: ...

def add_RoleServiceServicer_to_server(servicer: RoleServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
