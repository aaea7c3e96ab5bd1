"""Calls of the service, from one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic

import grpc
import grpc.aio

from rolecall_client.checks import CallOptions, Metadata
from rolecall_client.connection.call_status import CallStatus
from rolecall_client.connection.credential import Credential
from rolecall_client.connection.replaceable import OneChannel, ReplaceableChannel
from rolecall_client.errors import RolecallError, closed_error, error_of_call, replaced_error
from rolecall_client.methods import Method, Request, Response
from rolecall_client.tracing import Ended, Spans

Awaited = Callable[[Any], Awaitable[Any]]
"""Waits for a call of gRPC and returns its response."""


class ClosingChannels:
    """Closes channels in tasks of the event loop."""

    def __init__(self) -> None:
        # The loop has only a weak reference to a task.
        self._tasks: set[asyncio.Future[None]] = set()

    def close(self, channel: grpc.aio.Channel) -> None:
        """Start to close a channel."""
        self._tasks.add(task := asyncio.ensure_future(channel.close()))
        task.add_done_callback(self._tasks.discard)

    async def wait(self) -> None:
        """Return when every channel is closed."""
        await asyncio.gather(*self._tasks)


class AsyncCalls:
    """Calls methods with the credential of the client."""

    def __init__(
        self,
        channel: ReplaceableChannel[grpc.aio.Channel],
        credential: Credential,
        spans: Spans,
        closing: ClosingChannels,
    ) -> None:
        self._channel, self._credential, self._spans, self._closing = channel, credential, spans, closing

    async def unary(self, method: Method[Request, Response], request: Request, options: CallOptions) -> Response:
        """Return the response; raise `RolecallError`."""
        return await self._called(method, request, options, _as_seen)

    async def upload(
        self, method: Method[Request, Response], requests: Iterable[Request], options: CallOptions
    ) -> Response:
        """Return the response to a stream of requests; raise `RolecallError`."""
        return await self._called(method, requests, options, _as_the_server_says)

    async def open(
        self, method: Method[Any, Response], request: object, metadata: Metadata = ()
    ) -> AsyncStream[Response]:
        """Open a stream; raise `RolecallError`."""
        sent = await self._credential.metadata_later() + metadata
        used = self._channel.use()
        traced, ended = self._spans.of_stream(method)
        call = used.callables[method](request, metadata=sent + traced)
        return AsyncStream(call, used, self._channel, self._credential, ended)

    async def close(self) -> None:
        """Close the channels; calls in progress fail."""
        for channel in self._channel.close():
            self._closing.close(channel)
        await self._closing.wait()

    async def _called(
        self, method: Method[Any, Response], request: object, options: CallOptions, awaited: Awaited
    ) -> Response:
        with self._spans.of_call(method) as traced:
            metadata = await self._credential.metadata_later() + options.metadata + traced
            used = self._channel.use()
            try:
                call = used.callables[method](request, timeout=options.timeout, metadata=metadata)
                response: Response = await awaited(call)
            except grpc.RpcError as error:
                raise self._credential.seen(error_of_call(error)) from error
            except asyncio.CancelledError:
                # gRPC cancels the calls of a channel that is closed as if their task was cancelled.
                if self._channel.is_closed and not is_cancelled():
                    raise closed_error() from None
                raise
            finally:
                self._channel.done(used)
            return response


class AsyncStream(Generic[Response]):
    """An open stream of responses, which ends with an error, with `cancel`, or when every response was read."""

    def __init__(
        self,
        call: Any,  # noqa: ANN401 - gRPC's calls have no public type
        used: OneChannel[grpc.aio.Channel],
        channel: ReplaceableChannel[grpc.aio.Channel],
        credential: Credential,
        ended: Ended,
    ) -> None:
        self._call, self._used, self._channel, self._credential = call, used, channel, credential
        # After a failed write `call.read` returns no more messages, and the status of the server comes after all of them.
        self._messages = aiter(call)
        self._ended, self._is_replaced, self._status = ended, False, CallStatus(call)
        used.streams[self] = self._replace

    async def read(self) -> Response | None:
        """Return the next response, None at the end; raise `RolecallError`."""
        try:
            response: Response | None = await anext(self._messages, None)
        except grpc.aio.AioRpcError as error:
            raise self._failed(error_of_call(await self._status.error(error))) from error
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise self._failed(RolecallError("CANCELLED", "the stream was cancelled")) from None
        if response is None:
            self._end(None)
        return response

    def cancel(self) -> None:
        """End the stream."""
        self._call.cancel()
        self._end(None)

    def _failed(self, error: RolecallError) -> RolecallError:
        seen = replaced_error() if self._is_replaced else self._credential.seen(error)
        self._end(seen)
        return seen

    def _replace(self) -> None:
        """End the stream because its channel was replaced: its owner opens it again on the new one."""
        self._is_replaced = True
        self._call.cancel()
        self._end(None)

    def _end(self, error: RolecallError | None) -> None:
        if self._used.streams.pop(self, None) is not None:
            self._channel.done(self._used)
            self._ended(error)


async def _as_seen(call: Any) -> Any:  # noqa: ANN401 - gRPC's calls have no public type
    return await call


async def _as_the_server_says(call: Any) -> Any:  # noqa: ANN401
    status = CallStatus(call)
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise await status.error(error) from error


def is_cancelled() -> bool:
    """Return whether the task itself was cancelled, and not only a call of gRPC in it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
