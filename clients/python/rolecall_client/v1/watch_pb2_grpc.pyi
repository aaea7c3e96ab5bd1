from collections.abc import AsyncIterator, Awaitable
from typing import overload, type_check_only

import grpc
import grpc.aio

from rolecall_client.v1 import watch_pb2

class WatchServiceStub:
    @overload
    def __new__(cls, channel: grpc.Channel) -> WatchServiceStub: ...
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> WatchServiceAsyncStub: ...
    WatchRoles: grpc.UnaryStreamMultiCallable[watch_pb2.WatchRolesRequest, watch_pb2.WatchRolesResponse]

@type_check_only
class WatchServiceAsyncStub(WatchServiceStub):
    WatchRoles: grpc.aio.UnaryStreamMultiCallable[watch_pb2.WatchRolesRequest, watch_pb2.WatchRolesResponse]  # type: ignore[assignment]

class WatchServiceServicer:
    def WatchRoles(self, request: watch_pb2.WatchRolesRequest, context: grpc.aio.ServicerContext[watch_pb2.WatchRolesRequest, watch_pb2.WatchRolesResponse], /) -> AsyncIterator[watch_pb2.WatchRolesResponse]: ...

def add_WatchServiceServicer_to_server(servicer: WatchServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
