"""Passes calls to the followed server as bytes, with the token of their caller.

1. Without a token of the caller a call is not passed: the rights of this process are never lent to its callers.
2. The server is asked first whom it takes the caller for. If it does not look at tokens, it would take the call for one of this
   process, so the call is not passed.
3. Of the metadata only the token and the request id are passed; of the answer the message, the status and its details.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from rolecall.transport.errors import NotPassedError, PassedStatusError, TooManyCallsError, UpstreamUnavailableError
from rolecall.transport.rpc.call_context import REQUEST_ID_KEY, CallContext, request_id
from rolecall_client.v1 import caller_pb2

MAX_PASSED_CALLS = 32
"""The most calls that are passed at a time."""

Sent: TypeAlias = tuple[tuple[str, str], ...]
"""Metadata that is sent with a call."""

TokenOf: TypeAlias = Callable[[CallContext], str]
"""Returns the value of `authorization` that is passed with a call; raises `NotPassedError`."""

_STATUS_DETAILS = "grpc-status-details-bin"
_WHO_AM_I = f"/{caller_pb2.DESCRIPTOR.services_by_name['CallerService'].full_name}/WhoAmI"
_BY_TOKEN = (caller_pb2.CREDENTIAL_KIND_OIDC, caller_pb2.CREDENTIAL_KIND_TOKEN)


class PassingConnection(Protocol):
    """Calls methods of the followed server by their paths, without a token of this process. Both raise `grpc.aio.AioRpcError`."""

    async def unary(self, path: str, message: bytes, metadata: Sent, seconds: float | None) -> bytes:
        """Return the response to one message, within `seconds` if they are given."""
        ...

    async def upload(self, path: str, messages: AsyncIterator[bytes], metadata: Sent, seconds: float | None) -> bytes:
        """Return the response to a stream of messages. They are read as fast as the server accepts them."""
        ...


class PassedCalls:
    """Passes calls over `connection`. `token_of` returns what identifies their callers."""

    def __init__(self, connection: PassingConnection, token_of: TokenOf) -> None:
        self._connection, self._token_of = connection, token_of
        self._under_way = 0

    def handlers(self, service: ServiceDescriptor) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        """Return the handlers of all methods of a service, which pass each call. Streams to the caller are not passed."""
        return {method.name: self._handler(method) for method in service.methods if not method.server_streaming}

    def _handler(self, method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
        path = f"/{method.containing_service.full_name}/{method.name}"

        async def unary(message: bytes, context: CallContext) -> bytes:
            return await self._passed(path, context, self._connection.unary, message)

        async def upload(messages: AsyncIterator[bytes], context: CallContext) -> bytes:
            return await self._passed(path, context, self._connection.upload, messages)

        if method.client_streaming:
            return grpc.stream_unary_rpc_method_handler(upload)
        return grpc.unary_unary_rpc_method_handler(unary)

    async def _passed(
        self, path: str, context: CallContext, call: Callable[..., Awaitable[bytes]], given: object
    ) -> bytes:
        metadata = (("authorization", self._token_of(context)), (REQUEST_ID_KEY, request_id(context)))
        with self._counted():
            await self._require_token_accepted(metadata, context)
            with _as_passed():
                return await call(path, given, metadata, context.time_remaining())

    async def _require_token_accepted(self, metadata: Sent, context: CallContext) -> None:
        with _as_passed():
            answer = await self._connection.unary(_WHO_AM_I, b"", metadata, context.time_remaining())
        try:
            kind = caller_pb2.WhoAmIResponse.FromString(answer).credential_kind
        except DecodeError:
            kind = caller_pb2.CREDENTIAL_KIND_UNSPECIFIED
        if kind not in _BY_TOKEN:
            raise NotPassedError("the server that it follows does not identify callers by tokens on this connection")

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._under_way >= MAX_PASSED_CALLS:
            raise TooManyCallsError("calls that are passed on", MAX_PASSED_CALLS, MAX_PASSED_CALLS)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1


@contextmanager
def _as_passed() -> Iterator[None]:
    """Raise the status of the server as `PassedStatusError`."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise _failure(error) from error
    except asyncio.CancelledError:
        # gRPC cancels the calls of a channel that is closed as if their task was cancelled.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise _unavailable() from None


def _failure(error: grpc.aio.AioRpcError) -> PassedStatusError | UpstreamUnavailableError:
    code, details = error.code().value[0], _details_of(error)
    if details is not None and details.code == code:
        return PassedStatusError(details)
    # Not from the server: its text names addresses of the network, which are not for callers.
    if code == code_pb2.UNAVAILABLE:
        return _unavailable()
    return PassedStatusError(Status(code=code, message=error.details() or ""))


def _unavailable() -> UpstreamUnavailableError:
    return UpstreamUnavailableError("the call is one for that server", freshness=False)


def _details_of(error: grpc.aio.AioRpcError) -> Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == _STATUS_DETAILS and isinstance(value, bytes):
            try:
                return Status.FromString(value)
            except DecodeError:
                return None
    return None
