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

@type_check_only
class PolicyServiceAsyncStub(PolicyServiceStub):
    ValidateTrustPolicy: grpc.aio.UnaryUnaryMultiCallable[policy_pb2.ValidateTrustPolicyRequest, policy_pb2.ValidateTrustPolicyResponse]  # type: ignore[assignment]

class PolicyServiceServicer:
    def ValidateTrustPolicy(self, request: policy_pb2.ValidateTrustPolicyRequest, context: grpc.aio.ServicerContext[policy_pb2.ValidateTrustPolicyRequest, policy_pb2.ValidateTrustPolicyResponse], /) -> Awaitable[policy_pb2.ValidateTrustPolicyResponse]: ...

def add_PolicyServiceServicer_to_server(servicer: PolicyServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
