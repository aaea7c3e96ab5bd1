"""A service that is guarded: one method of each kind, over TLS with client certificates, in threads or in an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent import futures
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from cryptography import x509
from google.protobuf.wrappers_pb2 import StringValue

from rolecall_client.guards import AioGrpcGuard, AsyncGuard, GrpcGuard, Guard, TrustedProxy
from tests.security.certificates import Authority

SERVICE = "orders.v1.Orders"
METHODS = {
    f"/{SERVICE}/Get": ("unary", "unary"),
    f"/{SERVICE}/List": ("unary", "stream"),
    f"/{SERVICE}/Upload": ("stream", "unary"),
    f"/{SERVICE}/Talk": ("stream", "stream"),
}
GET = f"/{SERVICE}/Get"
CART = "spiffe://prod.example/ns/shop/sa/cart"
THIEF = "spiffe://prod.example/ns/shop/sa/thief"


class Called(NamedTuple):
    """What a call of the service led to: its code and details, its trailing metadata, or the texts that were answered."""

    code: grpc.StatusCode
    details: str
    metadata: dict[str, Any]
    texts: list[str]


class Orders:
    """The service, with the names of the methods that ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def threaded(self) -> grpc.GenericRpcHandler:
        """Return the methods as plain functions and generators."""

        def one(request: Any, context: Any) -> StringValue:
            self.ran.append("one")
            return StringValue(value="answer")

        def many(request: Any, context: Any) -> Iterator[StringValue]:
            self.ran.append("many")
            yield StringValue(value="first")
            yield StringValue(value="second")

        return handlers(one, many)

    def awaited(self) -> grpc.GenericRpcHandler:
        """Return the methods as coroutine functions and asynchronous generators."""

        async def one(request: Any, context: Any) -> StringValue:
            self.ran.append("one")
            return StringValue(value="answer")

        async def many(request: Any, context: Any) -> AsyncIterator[StringValue]:
            self.ran.append("many")
            yield StringValue(value="first")
            yield StringValue(value="second")

        return handlers(one, many)

    def written(self) -> grpc.GenericRpcHandler:
        """Return the methods as coroutine functions, of which those that stream write to the context."""

        async def one(request: Any, context: Any) -> StringValue:
            self.ran.append("one")
            return StringValue(value="answer")

        async def many(request: Any, context: Any) -> None:
            self.ran.append("many")
            await context.write(StringValue(value="first"))
            await context.write(StringValue(value="second"))

        return handlers(one, many)


def handlers(one: Any, many: Any) -> grpc.GenericRpcHandler:
    codec: dict[str, Any] = {
        "request_deserializer": StringValue.FromString,
        "response_serializer": StringValue.SerializeToString,
    }
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "Get": grpc.unary_unary_rpc_method_handler(one, **codec),
            "List": grpc.unary_stream_rpc_method_handler(many, **codec),
            "Upload": grpc.stream_unary_rpc_method_handler(one, **codec),
            "Talk": grpc.stream_stream_rpc_method_handler(many, **codec),
        },
    )


def server_credentials(authority: Authority) -> grpc.ServerCredentials:
    folder = authority.folder
    pair = ((folder / "key.pem").read_bytes(), (folder / "cert.pem").read_bytes())
    return grpc.ssl_server_credentials([pair], authority.pem, require_client_auth=True)


@contextmanager
def threaded_service(
    guard: Guard, authority: Authority, orders: Orders, proxy: TrustedProxy | None = None
) -> Iterator[str]:
    """Serve with threads; give the address."""
    server = grpc.server(futures.ThreadPoolExecutor(4), interceptors=[GrpcGuard(guard, proxy=proxy)])
    server.add_generic_rpc_handlers((orders.threaded(),))
    port = server.add_secure_port("127.0.0.1:0", server_credentials(authority))
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        server.stop(None).wait()
        guard.close()


@asynccontextmanager
async def aio_service(
    guard: AsyncGuard, authority: Authority, methods: grpc.GenericRpcHandler, proxy: TrustedProxy | None = None
) -> AsyncIterator[str]:
    """Serve in this event loop; give the address."""
    server = grpc.aio.server(futures.ThreadPoolExecutor(4), interceptors=[AioGrpcGuard(guard, proxy=proxy)])
    server.add_generic_rpc_handlers((methods,))
    port = server.add_secure_port("127.0.0.1:0", server_credentials(authority))
    await server.start()
    try:
        yield f"localhost:{port}"
    finally:
        await server.stop(None)
        await guard.close()


def uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


def call(address: str, authority: Authority, method: str, *names: x509.GeneralName, metadata: Any = ()) -> Called:
    """Call a method with a new certificate that has these names."""
    certificate, key = authority.issue(*names)
    credentials = grpc.ssl_channel_credentials(authority.pem, key, certificate)
    sends, receives = METHODS.get(method, ("unary", "unary"))
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(address, credentials, options) as channel:
        stub = getattr(channel, f"{sends}_{receives}")(
            method, request_serializer=StringValue.SerializeToString, response_deserializer=StringValue.FromString
        )
        message = StringValue(value="42")
        request = iter([message]) if sends == "stream" else message
        return _called(stub, request, metadata, streams=receives == "stream")


async def acall(
    address: str, authority: Authority, method: str, *names: x509.GeneralName, metadata: Any = ()
) -> Called:
    """Call a method of a service in this event loop."""
    return await asyncio.to_thread(call, address, authority, method, *names, metadata=metadata)


def _called(stub: Any, request: Any, metadata: Any, *, streams: bool) -> Called:
    try:
        if streams:
            answers = [answer.value for answer in stub(request, timeout=30, metadata=metadata)]
        else:
            answers = [stub(request, timeout=30, metadata=metadata).value]
    except grpc.RpcError as error:
        failed: Any = error
        return Called(failed.code(), failed.details(), dict(failed.trailing_metadata() or ()), [])
    return Called(grpc.StatusCode.OK, "", {}, answers)


class Waiting:
    """A client whose decisions wait until they are released."""

    def __init__(self) -> None:
        self.released, self.asked = threading.Event(), 0

    def check(self, query: Any, *, timeout: float | None = None) -> Any:
        self.asked += 1
        self.released.wait(timeout=60)
        raise AssertionError("released without an answer")


def folder_of(path: Path) -> Authority:
    return Authority(path / "authority")
