"""Channels to the service: balanced over its healthy replicas, with retries of calls that are safe to repeat."""

from __future__ import annotations

import grpc

from rolecall_client.bearer import BearerToken, TokenSource, may_have_token
from rolecall_client.channel_options import (
    MAX_MESSAGE_BYTES,
    RESOLUTION_SECONDS,
    ChannelOptions,
    options_of,
    service_config,
)
from rolecall_client.connection.address import target_of
from rolecall_client.methods import METHODS

__all__ = ["MAX_MESSAGE_BYTES", "OPTIONS", "RESOLUTION_SECONDS", "SERVICE_CONFIG", "open_channel"]

SERVICE_CONFIG = service_config(
    {"service": f"rolecall.v1.{method.service}", "method": method.name} for method in METHODS if method.retried
)
"""The gRPC service config of every channel of a client."""

OPTIONS: ChannelOptions = options_of(SERVICE_CONFIG)


def open_channel(
    address: str, credentials: grpc.ChannelCredentials | None = None, token: str | TokenSource | None = None
) -> grpc.Channel:
    """Return a channel to `address` (as `target_of` reads it); without credentials it is plaintext.

    Raise `ValueError` for what is no address, and if a token would be sent in plain text to another machine.
    """
    if token is None:
        return _open(address, credentials)
    if not may_have_token(address, credentials):
        raise ValueError(f"a token is sent over TLS, or to this machine; give credentials for `{address}`")
    source = (lambda: token) if isinstance(token, str) else token
    return grpc.intercept_channel(_open(address, credentials), BearerToken(source))


def _open(address: str, credentials: grpc.ChannelCredentials | None) -> grpc.Channel:
    target = target_of(address)
    if credentials is None:
        return grpc.insecure_channel(target, options=OPTIONS)
    return grpc.secure_channel(target, credentials, options=OPTIONS)
