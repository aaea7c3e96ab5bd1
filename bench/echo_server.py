"""A bare grpc.aio server on uvloop that returns one prepared response: the minimum cost of an RPC."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import uvloop

from bench.fixture import batch_response, check_response
from rolecall_client.v1 import decision_pb2 as pb


def _handler(request: Any, response: Any) -> grpc.RpcMethodHandler[Any, Any]:
    async def echo(message: Any, context: Any) -> Any:
        return response

    serialize: Callable[[Any], bytes] = type(response).SerializeToString
    return grpc.unary_unary_rpc_method_handler(echo, request.FromString, serialize)


def _stream(response: pb.StreamCheckAssumeRoleResponse) -> grpc.RpcMethodHandler[Any, Any]:
    async def echo(messages: Any, context: Any) -> Any:
        async for _ in messages:
            yield response

    return grpc.stream_stream_rpc_method_handler(
        echo, pb.StreamCheckAssumeRoleRequest.FromString, pb.StreamCheckAssumeRoleResponse.SerializeToString
    )


def _credentials(folder: Path) -> grpc.ServerCredentials:
    key, certificate, authority = ((folder / name).read_bytes() for name in ("key.pem", "cert.pem", "ca.pem"))
    return grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)


async def main(batch: int, certificates: Path | None) -> None:
    """Print a free port of the loopback address and serve on it until killed."""
    server = grpc.aio.server()
    handlers = {
        "StreamCheckAssumeRole": _stream(pb.StreamCheckAssumeRoleResponse(decision=check_response().decision)),
        "CheckAssumeRole": _handler(pb.CheckAssumeRoleRequest, check_response()),
        "BatchCheckAssumeRole": _handler(pb.BatchCheckAssumeRoleRequest, batch_response(batch)),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("rolecall.v1.DecisionService", handlers),))
    if certificates:
        port = server.add_secure_port("127.0.0.1:0", _credentials(certificates))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None))
