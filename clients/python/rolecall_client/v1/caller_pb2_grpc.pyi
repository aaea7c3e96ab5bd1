from collections.abc import AsyncIterator, Awaitable
from typing import overload, type_check_only

import grpc
import grpc.aio

from rolecall_client.v1 import caller_pb2

class CallerServiceStub:
    @overload
    def __new__(cls, channel: grpc.Channel) -> CallerServiceStub: ...
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> CallerServiceAsyncStub: ...
    WhoAmI: grpc.UnaryUnaryMultiCallable[caller_pb2.WhoAmIRequest, caller_pb2.WhoAmIResponse]
    CanI: grpc.UnaryUnaryMultiCallable[caller_pb2.CanIRequest, caller_pb2.CanIResponse]

@type_check_only
class CallerServiceAsyncStub(CallerServiceStub):
    WhoAmI: grpc.aio.UnaryUnaryMultiCallable[caller_pb2.WhoAmIRequest, caller_pb2.WhoAmIResponse]  # type: ignore[assignment]
    CanI: grpc.aio.UnaryUnaryMultiCallable[caller_pb2.CanIRequest, caller_pb2.CanIResponse]  # type: ignore[assignment]

class CallerServiceServicer:
    def WhoAmI(self, request: caller_pb2.WhoAmIRequest, context: grpc.aio.ServicerContext[caller_pb2.WhoAmIRequest, caller_pb2.WhoAmIResponse], /) -> Awaitable[caller_pb2.WhoAmIResponse]: ...
    def CanI(self, request: caller_pb2.CanIRequest, context: grpc.aio.ServicerContext[caller_pb2.CanIRequest, caller_pb2.CanIResponse], /) -> Awaitable[caller_pb2.CanIResponse]: ...

def add_CallerServiceServicer_to_server(servicer: CallerServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
