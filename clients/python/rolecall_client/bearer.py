"""Sends a token with each call, as `authorization: Bearer TOKEN`."""

# ruff: noqa: ANN401  (the interceptors of grpc have no types)

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

TokenSource = Callable[[], str]
"""Returns the token of the next call: one that is renewed in a file is read again.

It is called often, also in the event loop of an asynchronous client, and must return the token of the same identity to every
thread: checks of several threads travel together.
"""

_THIS_MACHINE = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?|unix:.*", re.ASCII)


@dataclass(frozen=True)
class _Call(grpc.ClientCallDetails):
    """The details of a call, with further metadata."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


class BearerToken(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds the token to the metadata of every call."""

    def __init__(self, token: TokenSource) -> None:
        self._token = token

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Make a call with the token."""
        return continuation(self._with_token(client_call_details), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Make a call with the token."""
        return continuation(self._with_token(client_call_details), request)

    def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        """Make a call with the token."""
        return continuation(self._with_token(client_call_details), request_iterator)

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        """Make a call with the token."""
        return continuation(self._with_token(client_call_details), request_iterator)

    def _with_token(self, call: Any) -> _Call:
        metadata = (*(call.metadata or ()), ("authorization", f"Bearer {self._token()}"))
        return _Call(call.method, call.timeout, metadata, call.credentials, call.wait_for_ready, call.compression)


def may_have_token(address: str, credentials: grpc.ChannelCredentials | None) -> bool:
    """Return whether nobody on the way can read a token: over TLS, or on this machine."""
    return credentials is not None or bool(_THIS_MACHINE.fullmatch(address))
