"""Calls of the service, from any thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic

import grpc

from rolecall_client.checks import CallOptions, Metadata
from rolecall_client.connection.credential import Credential
from rolecall_client.connection.replaceable import OneChannel, ReplaceableChannel
from rolecall_client.errors import RolecallError, closed_error, error_of_call, replaced_error
from rolecall_client.methods import Method, Request, Response
from rolecall_client.tracing import Ended, Spans


class Calls:
    """Calls methods with the credential of the client."""

    def __init__(self, channel: ReplaceableChannel[grpc.Channel], credential: Credential, spans: Spans) -> None:
        self._channel, self._credential, self._spans = channel, credential, spans

    def unary(self, method: Method[Request, Response], request: Request, options: CallOptions) -> Response:
        """Return the response; raise `RolecallError`."""
        return self._called(method, request, options)

    def upload(self, method: Method[Request, Response], requests: Iterator[Request], options: CallOptions) -> Response:
        """Return the response to a stream of requests; raise `RolecallError`."""
        return self._called(method, requests, options)

    def open(self, method: Method[Any, Response], request: object, metadata: Metadata = ()) -> Stream[Response]:
        """Open a stream; raise `RolecallError`."""
        sent = self._credential.metadata() + metadata
        used = self._channel.use()
        traced, ended = self._spans.of_stream(method)
        try:
            call = used.callables[method](request, metadata=sent + traced)
        except ValueError as error:
            self._channel.done(used)
            ended(closed_error())
            raise _error_of(error, self._channel) from error
        return Stream(call, used, self._channel, self._credential, ended)

    def close(self) -> None:
        """Close the channels; calls in progress fail."""
        for channel in self._channel.close():
            channel.close()

    def _called(self, method: Method[Any, Response], request: object, options: CallOptions) -> Response:
        with self._spans.of_call(method) as traced:
            metadata = self._credential.metadata() + options.metadata + traced
            used = self._channel.use()
            try:
                response: Response = used.callables[method](request, timeout=options.timeout, metadata=metadata)
            except grpc.RpcError as error:
                raise self._credential.seen(error_of_call(error)) from error
            except ValueError as error:
                raise _error_of(error, self._channel) from error
            finally:
                self._channel.done(used)
            return response


class Stream(Generic[Response]):
    """An open stream of responses, which ends with an error, with `cancel`, or when every response was read."""

    def __init__(
        self,
        call: Any,  # noqa: ANN401 - gRPC's calls have no public type
        used: OneChannel[grpc.Channel],
        channel: ReplaceableChannel[grpc.Channel],
        credential: Credential,
        ended: Ended,
    ) -> None:
        self._call, self._used, self._channel, self._credential = call, used, channel, credential
        self._ended, self._is_replaced = ended, False
        used.streams[self] = self._replace
        if not channel.is_current(used):
            self._replace()

    def __iter__(self) -> Iterator[Response]:
        return self

    def __next__(self) -> Response:
        try:
            response: Response = next(self._call)
        except StopIteration:
            self._end(None)
            raise
        except grpc.RpcError as error:
            seen = replaced_error() if self._is_replaced else self._credential.seen(error_of_call(error))
            self._end(seen)
            raise seen from error
        return response

    def cancel(self) -> None:
        """End the stream."""
        self._call.cancel()
        self._end(None)

    def _replace(self) -> None:
        """End the stream because its channel was replaced: its owner opens it again on the new one."""
        self._is_replaced = True
        self._call.cancel()
        self._end(None)

    def _end(self, error: RolecallError | None) -> None:
        if self._used.streams.pop(self, None) is not None:
            self._channel.done(self._used)
            self._ended(error)


def _error_of(error: ValueError, channel: ReplaceableChannel[grpc.Channel]) -> Exception:
    # gRPC raises it for a channel that another thread has closed.
    return closed_error() if channel.is_closed else error
