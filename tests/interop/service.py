"""The test service of gRPC's interop tests, on the HTTP/2 transport alone: without the middleware of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from rolecall.transport.endpoint import Endpoint
from rolecall.transport.http2 import receiving
from rolecall.transport.http2.framing import MessageReader
from rolecall.transport.http2.methods import Methods
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.server import Http2Server
from tests.interop.messages import (
    InputRequest,
    InputResponse,
    OutputRequest,
    OutputResponse,
    Payload,
    SimpleRequest,
    SimpleResponse,
)

INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"


class FlaggedReader(MessageReader):
    """Puts the compressed flag in front of each message, since some cases are about it; methods do not need it otherwise."""

    def _message(self, flag: int, data: bytes) -> bytes:
        return bytes([flag]) + super()._message(flag, data)


async def empty_call(requests: Any, context: Any) -> bytes:
    await anext(requests)
    await echo_metadata(context)
    return b""


async def unary_call(requests: Any, context: Any) -> bytes:
    request = await read(SimpleRequest, await anext(requests), context)
    compress(context, request.response_compressed.value)
    await echo_metadata(context)
    await end_with(request.response_status, context)
    return encoded(SimpleResponse(payload=zeros(request.response_size)))


async def input_call(requests: Any, context: Any) -> bytes:
    total = 0
    async for data in requests:
        total += len((await read(InputRequest, data, context)).payload.body)
    return encoded(InputResponse(aggregated_payload_size=total))


async def output_call(requests: Any, context: Any) -> AsyncIterator[bytes]:
    async for data in requests:
        request = OutputRequest.FromString(data[1:])
        if any(wanted.compressed.value for wanted in request.response_parameters):
            # The headers name the encoding, whether the first message is compressed or not.
            compress(context, wanted=True)
        await echo_metadata(context)
        await end_with(request.response_status, context)
        for wanted in request.response_parameters:
            await asyncio.sleep(wanted.interval_us / 1_000_000)
            compress(context, wanted.compressed.value)
            yield encoded(OutputResponse(payload=zeros(wanted.size)))


async def half_duplex_call(requests: Any, context: Any) -> AsyncIterator[bytes]:
    received = [data async for data in requests]

    async def again() -> AsyncIterator[bytes]:
        for data in received:
            yield data

    async for answer in output_call(again(), context):
        yield answer


async def unimplemented(requests: Any, context: Any) -> bytes:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "unknown method")
    return b""


async def read(message: Any, data: bytes, context: Any) -> Any:
    """Return a message; refuse one that is not compressed although it says that it is."""
    request = message.FromString(data[1:])
    if request.HasField("expect_compressed") and request.expect_compressed.value != bool(data[0]):
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is not compressed as it says")
    return request


async def echo_metadata(context: Any) -> None:
    sent = dict(context.invocation_metadata())
    if TRAILING in sent:
        context.set_trailing_metadata([(TRAILING, sent[TRAILING])])
    await context.send_initial_metadata([(INITIAL, sent[INITIAL])] if INITIAL in sent else [])


async def end_with(status: Any, context: Any) -> None:
    if status.code:
        code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
        await context.abort(code, status.message)


def compress(context: Any, wanted: bool) -> None:
    context.set_compression(grpc.Compression.Gzip if wanted else grpc.Compression.NoCompression)


def zeros(size: int) -> Any:
    return Payload(body=bytes(size))


def encoded(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data


METHODS: Mapping[str, grpc.RpcMethodHandler[Any, Any]] = {
    "EmptyCall": grpc.stream_unary_rpc_method_handler(empty_call),
    "UnaryCall": grpc.stream_unary_rpc_method_handler(unary_call),
    "StreamingInputCall": grpc.stream_unary_rpc_method_handler(input_call),
    "StreamingOutputCall": grpc.stream_stream_rpc_method_handler(output_call),
    "FullDuplexCall": grpc.stream_stream_rpc_method_handler(output_call),
    "HalfDuplexCall": grpc.stream_stream_rpc_method_handler(half_duplex_call),
}
UNKNOWN: grpc.RpcMethodHandler[Any, Any] = grpc.stream_unary_rpc_method_handler(unimplemented)


def method_at(path: str) -> grpc.RpcMethodHandler[Any, Any]:
    service, _, method = path.lstrip("/").partition("/")
    return METHODS.get(method, UNKNOWN) if service == "grpc.testing.TestService" else UNKNOWN


@asynccontextmanager
async def running_test_service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Serve on a free port; give the port."""
    monkeypatch.setattr(receiving, "MessageReader", FlaggedReader)
    server = Http2Server(Methods(method_at, {}), ConnectionOptions())
    port = server.bind(Endpoint("127.0.0.1:0", "127.0.0.1", 0), None)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(grace=0)
