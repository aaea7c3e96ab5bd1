"""The shop: calls the orders service over mTLS. It reads `get ORDER`, `refund ORDER` and `cancel ORDER` from its input."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import grpc
from google.protobuf.wrappers_pb2 import StringValue

ADDRESS = os.environ.get("ORDERS_ADDRESS", "localhost:50061")
CERTIFICATES = Path(os.environ.get("CERTIFICATES", "certificates"))


def main() -> None:
    """Do what each line of the input says, over one connection."""
    with grpc.secure_channel(ADDRESS, credentials()) as channel:
        for line in sys.stdin:
            action, _, order = line.strip().partition(" ")
            print(called(channel, action, order), flush=True)


def called(channel: grpc.Channel, action: str, order: str) -> str:
    """Call one method of the orders service; return its answer, or why there is none."""
    call = channel.unary_unary(
        f"/orders.v1.Orders/{action.capitalize()}",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )
    try:
        return call(StringValue(value=order), timeout=10).value
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"


def credentials() -> grpc.ChannelCredentials:
    """Return the credentials of the shop."""
    read = {name: (CERTIFICATES / name).read_bytes() for name in ("ca.pem", "shop.key", "shop.pem")}
    return grpc.ssl_channel_credentials(read["ca.pem"], read["shop.key"], read["shop.pem"])


if __name__ == "__main__":
    main()
