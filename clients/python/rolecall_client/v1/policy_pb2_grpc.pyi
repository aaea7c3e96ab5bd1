from collections.abc import AsyncIterator, Awaitable
from typing import overload, type_check_only

import grpc
import grpc.aio

from rolecall_client.v1 import policy_pb2

class PolicyServiceStub:
    @overload
    def __new__(cls, channel: grpc.Channel) -> PolicyServiceStub: ...
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> PolicyServiceAsyncStub: ...
    ValidateTrustPolicy: grpc.UnaryUnaryMultiCallable[policy_pb2.ValidateTrustPolicyRequest, policy_pb2.ValidateTrustPolicyResponse]
    ValidatePermissionPolicy: grpc.UnaryUnaryMultiCallable[policy_pb2.ValidatePermissionPolicyRequest, policy_pb2.ValidatePermissionPolicyResponse]

@type_check_only
class PolicyServiceAsyncStub(PolicyServiceStub):
    ValidateTrustPolicy: grpc.aio.UnaryUnaryMultiCallable[policy_pb2.ValidateTrustPolicyRequest, policy_pb2.ValidateTrustPolicyResponse]  # type: ignore[assignment]
    ValidatePermissionPolicy: grpc.aio.UnaryUnaryMultiCallable[policy_pb2.ValidatePermissionPolicyRequest, policy_pb2.ValidatePermissionPolicyResponse]  # type: ignore[assignment]

class PolicyServiceServicer:
    def ValidateTrustPolicy(self, request: policy_pb2.ValidateTrustPolicyRequest, context: grpc.aio.ServicerContext[policy_pb2.ValidateTrustPolicyRequest, policy_pb2.ValidateTrustPolicyResponse], /) -> Awaitable[policy_pb2.ValidateTrustPolicyResponse]: ...
    def ValidatePermissionPolicy(self, request: policy_pb2.ValidatePermissionPolicyRequest, context: grpc.aio.ServicerContext[policy_pb2.ValidatePermissionPolicyRequest, policy_pb2.ValidatePermissionPolicyResponse], /) -> Awaitable[policy_pb2.ValidatePermissionPolicyResponse]: ...

def add_PolicyServiceServicer_to_server(servicer: PolicyServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
