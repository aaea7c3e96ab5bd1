"""The options of gRPC for a channel to the service: balanced over healthy replicas, with retries of safe calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

ChannelOptions = Sequence[tuple[str, str | int]]

_RETRY_POLICY = {
    "maxAttempts": 4,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE"],
}

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
"""The largest response that is accepted: that of an apply of 100,000 new roles with their documents fits."""

RESOLUTION_SECONDS = 5
"""The least time between two DNS lookups. With gRPC's default of 30 a client would miss new pods for that long."""


def service_config(retried: Iterable[Mapping[str, str]]) -> Mapping[str, object]:
    """Return gRPC's service config. `retried` are the names of methods, or of services, whose calls are repeated."""
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
        "methodConfig": [{"name": list(retried), "retryPolicy": _RETRY_POLICY}],
    }


def options_of(config: Mapping[str, object]) -> ChannelOptions:
    """Return the options of a channel with a service config."""
    return (
        ("grpc.service_config", json.dumps(config)),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.dns_min_time_between_resolutions_ms", RESOLUTION_SECONDS * 1_000),
        # By default a gRPC server closes the connection of a client that pings more often than every five minutes.
        ("grpc.keepalive_time_ms", 310_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # The service runs nearby. `http_proxy` is meant for the web, and would redirect even calls to the loopback address.
        ("grpc.enable_http_proxy", 0),
    )


def with_server_name(options: ChannelOptions, server_name: str | None) -> ChannelOptions:
    """Return options with the name that the certificate of the server must have; None: that of its address."""
    return options if server_name is None else (*options, ("grpc.ssl_target_name_override", server_name))
