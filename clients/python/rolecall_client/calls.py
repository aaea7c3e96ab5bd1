"""Calls of the service, from any thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc

from rolecall_client.checks import CallOptions, Metadata
from rolecall_client.errors import RolecallError, error_of_call
from rolecall_client.methods import Method, Request, Response, callables_of


class Calls:
    """Calls methods on one channel."""

    def __init__(self, channel: grpc.Channel, metadata: Metadata = ()) -> None:
        self._channel, self._metadata, self._is_closed = channel, metadata, False
        self._callables = callables_of(channel)

    def unary(self, method: Method[Request, Response], request: Request, options: CallOptions) -> Response:
        """Return the response; raise `RolecallError`."""
        return self._called(method, request, options)

    def upload(self, method: Method[Request, Response], requests: Iterator[Request], options: CallOptions) -> Response:
        """Return the response to a stream of requests; raise `RolecallError`."""
        return self._called(method, requests, options)

    def open(self, method: Method[Request, Any], request: Any, metadata: Metadata = ()) -> Any:  # noqa: ANN401
        """Open a stream, as a call of gRPC; raise `RolecallError` if the client is closed."""
        self._require_open()
        try:
            return self._callables[method](request, metadata=self._metadata + metadata)
        except ValueError as error:
            raise self._error_of(error) from error

    def close(self) -> None:
        """Close the channel; calls in progress fail."""
        self._is_closed = True
        self._channel.close()

    def _called(self, method: Method[Any, Response], request: object, options: CallOptions) -> Response:
        self._require_open()
        try:
            response: Response = self._callables[method](
                request, timeout=options.timeout, metadata=self._metadata + options.metadata
            )
        except grpc.RpcError as error:
            raise error_of_call(error) from error
        except ValueError as error:
            raise self._error_of(error) from error
        return response

    def _require_open(self) -> None:
        if self._is_closed:
            raise closed_error()

    def _error_of(self, error: ValueError) -> Exception:
        # Another thread may have closed the client in between.
        return closed_error() if self._is_closed else error


def closed_error() -> RolecallError:
    """Return the error of a call of a closed client."""
    return RolecallError("FAILED_PRECONDITION", "the client is closed")
