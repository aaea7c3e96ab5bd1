"""Calls of the service, from one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import grpc
import grpc.aio

from rolecall_client.calls import closed_error
from rolecall_client.checks import CallOptions, Metadata
from rolecall_client.errors import error_of_call
from rolecall_client.methods import Method, Request, Response, callables_of


class AsyncCalls:
    """Calls methods on one channel."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata = ()) -> None:
        self._channel, self._metadata, self._is_closed = channel, metadata, False
        self._callables = callables_of(channel)

    async def unary(self, method: Method[Request, Response], request: Request, options: CallOptions) -> Response:
        """Return the response; raise `RolecallError`."""
        return await self._called(method, request, options)

    async def upload(
        self, method: Method[Request, Response], requests: Iterable[Request], options: CallOptions
    ) -> Response:
        """Return the response to a stream of requests; raise `RolecallError`."""
        return await self._called(method, requests, options)

    async def open(self, method: Method[Any, Any], request: Any = None, metadata: Metadata = ()) -> Any:  # noqa: ANN401
        """Open a stream, as a call of gRPC; raise `RolecallError` if the client is closed."""
        if self._is_closed:
            raise closed_error()
        given = () if request is None else (request,)
        return self._callables[method](*given, metadata=self._metadata + metadata)

    async def close(self) -> None:
        """Close the channel; calls in progress fail."""
        self._is_closed = True
        await self._channel.close()

    async def _called(self, method: Method[Any, Response], request: object, options: CallOptions) -> Response:
        if self._is_closed:
            raise closed_error()
        call = self._callables[method](request, timeout=options.timeout, metadata=self._metadata + options.metadata)
        try:
            response: Response = await call
        except grpc.RpcError as error:
            raise error_of_call(error) from error
        except asyncio.CancelledError:
            # gRPC cancels the calls of a channel that is closed as if their task was cancelled.
            if self._is_closed and not is_cancelled():
                raise closed_error() from None
            raise
        return response


def is_cancelled() -> bool:
    """Return whether the task itself was cancelled, and not only a call of gRPC in it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
