"""The shop: calls an orders service over mTLS, by gRPC or by HTTPS, with its own certificate."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Protocol

import grpc
from google.protobuf.wrappers_pb2 import StringValue

SECONDS = 20


class OrdersService(Protocol):
    """An orders service, in whatever language and over whatever protocol."""

    def call(self, action: str, order: str) -> str:
        """Return what the service answers, or why it refuses the call."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class GrpcOrders:
    """The methods of `/orders.v1.Orders/`."""

    def __init__(self, address: str, certificates: Path) -> None:
        read = {name: (certificates / name).read_bytes() for name in ("ca.pem", "shop.key", "shop.pem")}
        credentials = grpc.ssl_channel_credentials(read["ca.pem"], read["shop.key"], read["shop.pem"])
        self._channel = grpc.secure_channel(address, credentials)

    def call(self, action: str, order: str) -> str:
        """Call one method."""
        method = self._channel.unary_unary(
            f"/orders.v1.Orders/{action.capitalize()}",
            request_serializer=StringValue.SerializeToString,
            response_deserializer=StringValue.FromString,
        )
        try:
            return method(StringValue(value=order), timeout=SECONDS).value
        except grpc.RpcError as error:
            return f"{error.code().name}: {error.details()}"

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


class HttpOrders:
    """`GET /orders/ORDER`, `POST /orders/ORDER/refund` and `POST /orders/ORDER/cancel`."""

    def __init__(self, address: str, certificates: Path) -> None:
        context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
        context.load_cert_chain(certificates / "shop.pem", certificates / "shop.key")
        self._connection = http.client.HTTPSConnection(address, context=context, timeout=SECONDS)

    def call(self, action: str, order: str) -> str:
        """Send one request, on the connection that stays open."""
        if action == "get":
            self._connection.request("GET", f"/orders/{order}")
        else:
            self._connection.request("POST", f"/orders/{order}/{action}")
        response = self._connection.getresponse()
        text = response.read().decode().strip()
        if response.status == http.HTTPStatus.OK:
            return text
        return f"{response.status} {response.reason}: decision `{json.loads(text).get('decision_id')}`"

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


CALLERS: dict[str, type[GrpcOrders | HttpOrders]] = {"grpc": GrpcOrders, "https": HttpOrders}
