"""Channels to the service: balanced over its healthy replicas, with retries of calls that are safe to repeat."""

from __future__ import annotations

import json
from collections.abc import Sequence

import grpc

from rolecall_client.bearer import BearerToken, TokenSource, may_have_token
from rolecall_client.connection.address import target_of
from rolecall_client.methods import METHODS

_RETRY_POLICY = {
    "maxAttempts": 4,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE"],
}

SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
    "methodConfig": [
        {
            "name": [
                {"service": f"rolecall.v1.{method.service}", "method": method.name}
                for method in METHODS
                if method.retried
            ],
            "retryPolicy": _RETRY_POLICY,
        }
    ],
}
"""The gRPC service config of every channel that this package opens."""

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
"""The largest response that is accepted: that of an apply of 100,000 new roles with their documents fits."""

RESOLUTION_SECONDS = 5
"""The least time between two DNS lookups. With gRPC's default of 30 a client would miss new pods for that long."""

OPTIONS: Sequence[tuple[str, str | int]] = (
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.dns_min_time_between_resolutions_ms", RESOLUTION_SECONDS * 1_000),
    # By default a gRPC server closes the connection of a client that pings more often than every five minutes.
    ("grpc.keepalive_time_ms", 310_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # The service runs nearby. `http_proxy` is meant for the web, and would redirect even calls to the loopback address.
    ("grpc.enable_http_proxy", 0),
)


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
