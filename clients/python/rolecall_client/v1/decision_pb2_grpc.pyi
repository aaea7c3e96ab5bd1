from collections.abc import AsyncIterator, Awaitable
from typing import overload, type_check_only

import grpc
import grpc.aio

from rolecall_client.v1 import decision_pb2

class DecisionServiceStub:
    @overload
    def __new__(cls, channel: grpc.Channel) -> DecisionServiceStub: ...
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> DecisionServiceAsyncStub: ...
    CheckAssumeRole: grpc.UnaryUnaryMultiCallable[decision_pb2.CheckAssumeRoleRequest, decision_pb2.CheckAssumeRoleResponse]
    BatchCheckAssumeRole: grpc.UnaryUnaryMultiCallable[decision_pb2.BatchCheckAssumeRoleRequest, decision_pb2.BatchCheckAssumeRoleResponse]
    StreamCheckAssumeRole: grpc.StreamStreamMultiCallable[decision_pb2.StreamCheckAssumeRoleRequest, decision_pb2.StreamCheckAssumeRoleResponse]
    ExplainAssumeRole: grpc.UnaryUnaryMultiCallable[decision_pb2.ExplainAssumeRoleRequest, decision_pb2.ExplainAssumeRoleResponse]
    ListAssumableRoles: grpc.UnaryUnaryMultiCallable[decision_pb2.ListAssumableRolesRequest, decision_pb2.ListAssumableRolesResponse]
    ListTrustedPrincipals: grpc.UnaryUnaryMultiCallable[decision_pb2.ListTrustedPrincipalsRequest, decision_pb2.ListTrustedPrincipalsResponse]

@type_check_only
class DecisionServiceAsyncStub(DecisionServiceStub):
    CheckAssumeRole: grpc.aio.UnaryUnaryMultiCallable[decision_pb2.CheckAssumeRoleRequest, decision_pb2.CheckAssumeRoleResponse]  # type: ignore[assignment]
    BatchCheckAssumeRole: grpc.aio.UnaryUnaryMultiCallable[decision_pb2.BatchCheckAssumeRoleRequest, decision_pb2.BatchCheckAssumeRoleResponse]  # type: ignore[assignment]
    StreamCheckAssumeRole: grpc.aio.StreamStreamMultiCallable[decision_pb2.StreamCheckAssumeRoleRequest, decision_pb2.StreamCheckAssumeRoleResponse]  # type: ignore[assignment]
    ExplainAssumeRole: grpc.aio.UnaryUnaryMultiCallable[decision_pb2.ExplainAssumeRoleRequest, decision_pb2.ExplainAssumeRoleResponse]  # type: ignore[assignment]
    ListAssumableRoles: grpc.aio.UnaryUnaryMultiCallable[decision_pb2.ListAssumableRolesRequest, decision_pb2.ListAssumableRolesResponse]  # type: ignore[assignment]
    ListTrustedPrincipals: grpc.aio.UnaryUnaryMultiCallable[decision_pb2.ListTrustedPrincipalsRequest, decision_pb2.ListTrustedPrincipalsResponse]  # type: ignore[assignment]

class DecisionServiceServicer:
    def CheckAssumeRole(self, request: decision_pb2.CheckAssumeRoleRequest, context: grpc.aio.ServicerContext[decision_pb2.CheckAssumeRoleRequest, decision_pb2.CheckAssumeRoleResponse], /) -> Awaitable[decision_pb2.CheckAssumeRoleResponse]: ...
    def BatchCheckAssumeRole(self, request: decision_pb2.BatchCheckAssumeRoleRequest, context: grpc.aio.ServicerContext[decision_pb2.BatchCheckAssumeRoleRequest, decision_pb2.BatchCheckAssumeRoleResponse], /) -> Awaitable[decision_pb2.BatchCheckAssumeRoleResponse]: ...
    def StreamCheckAssumeRole(self, request: AsyncIterator[decision_pb2.StreamCheckAssumeRoleRequest], context: grpc.aio.ServicerContext[decision_pb2.StreamCheckAssumeRoleRequest, decision_pb2.StreamCheckAssumeRoleResponse], /) -> AsyncIterator[decision_pb2.StreamCheckAssumeRoleResponse]: ...
    def ExplainAssumeRole(self, request: decision_pb2.ExplainAssumeRoleRequest, context: grpc.aio.ServicerContext[decision_pb2.ExplainAssumeRoleRequest, decision_pb2.ExplainAssumeRoleResponse], /) -> Awaitable[decision_pb2.ExplainAssumeRoleResponse]: ...
    def ListAssumableRoles(self, request: decision_pb2.ListAssumableRolesRequest, context: grpc.aio.ServicerContext[decision_pb2.ListAssumableRolesRequest, decision_pb2.ListAssumableRolesResponse], /) -> Awaitable[decision_pb2.ListAssumableRolesResponse]: ...
    def ListTrustedPrincipals(self, request: decision_pb2.ListTrustedPrincipalsRequest, context: grpc.aio.ServicerContext[decision_pb2.ListTrustedPrincipalsRequest, decision_pb2.ListTrustedPrincipalsResponse], /) -> Awaitable[decision_pb2.ListTrustedPrincipalsResponse]: ...

def add_DecisionServiceServicer_to_server(servicer: DecisionServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
