"""The orders service: gRPC over mTLS, each method protected by a role.

A service of your own has its generated code in place of `methods`. The guard is the part between the two lines.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import grpc
from google.protobuf.wrappers_pb2 import StringValue

from rolecall_client import AsyncRolecallClient
from rolecall_client.guards import AioGrpcGuard, AsyncGuard, RoleMap, SpiffePrincipals

ADDRESS = os.environ.get("ORDERS_ADDRESS", "localhost:50061")
CERTIFICATES = Path(os.environ.get("CERTIFICATES", "certificates"))

# --- the guard -------------------------------------------------------------------------------------------------------

ROLES = RoleMap(
    {
        "/orders.v1.Orders/Refund": "orders.refund",
        "/orders.v1.Orders/Cancel": "orders.cancel",
        "/orders.v1.Orders/*": "orders.read",
    },
    public=["/grpc.health.v1.Health/*"],
)
CALLERS = SpiffePrincipals({"spiffe://demo.example/ns/shop/sa/shop": "123456789012@shop.internal"})


def guarded_server(rolecall: AsyncRolecallClient) -> grpc.aio.Server:
    """Return a server whose methods only callers with the right role reach."""
    return grpc.aio.server(interceptors=[AioGrpcGuard(AsyncGuard(rolecall, ROLES, CALLERS))])


# ---------------------------------------------------------------------------------------------------------------------


async def main() -> None:
    """Serve until the process is interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # the guard logs why it refuses a call
    async with AsyncRolecallClient.from_env() as rolecall:
        server = guarded_server(rolecall)
        server.add_generic_rpc_handlers((methods(),))
        port = server.add_secure_port(ADDRESS, credentials())
        await server.start()
        print(f"orders is listening on {ADDRESS.rpartition(':')[0]}:{port}", flush=True)
        await server.wait_for_termination()


def credentials() -> grpc.ServerCredentials:
    """Return credentials that require the certificate of the client."""
    read = {name: (CERTIFICATES / name).read_bytes() for name in ("orders.key", "orders.pem", "ca.pem")}
    pair = (read["orders.key"], read["orders.pem"])
    return grpc.ssl_server_credentials([pair], read["ca.pem"], require_client_auth=True)


def methods() -> grpc.GenericRpcHandler:
    """Return the methods of the service."""
    return grpc.method_handlers_generic_handler(
        "orders.v1.Orders",
        {"Get": method("is open"), "Refund": method("is refunded"), "Cancel": method("is cancelled")},
    )


def method(what: str) -> grpc.RpcMethodHandler[StringValue, StringValue]:
    """Return a method that answers with what happened to an order."""

    async def answer(order: StringValue, context: grpc.aio.ServicerContext[StringValue, StringValue]) -> StringValue:  # noqa: ARG001
        return StringValue(value=f"order {order.value} {what}")

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=StringValue.FromString, response_serializer=StringValue.SerializeToString
    )


if __name__ == "__main__":
    asyncio.run(main())
