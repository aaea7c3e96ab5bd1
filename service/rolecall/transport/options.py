"""Limits of the transport that settings configure, with their defaults; importing them needs no gRPC."""

from __future__ import annotations

from dataclasses import dataclass

AUTO, H2, GRPCIO = "auto", "h2", "grpcio"
TRANSPORTS = (AUTO, H2, GRPCIO)

MAX_CONNECTIONS = 4_000
"""How many connections the transport h2 accepts. Each takes about 8 KB when it is idle, and more with TLS."""

STREAM_IDLE_SECONDS = 60.0
"""How long a stream of checks or an upload may wait for the client's next message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Limits on messages and concurrent calls, and whether reflection is served.

    Each limit on calls counts one kind of calls: `max_concurrent_rpcs` calls with one request and one response, and, each by
    itself, health checks, watches of health, and reflection. Below a limit all callers are admitted; at it each has a share.
    `max_connections` holds for the transport h2; grpc.aio has no such limit.
    `rate_limit` is in questions a second for each caller; 0: no limit.
    """

    max_message_bytes: int = 4 * 1024 * 1024
    max_connections: int = MAX_CONNECTIONS
    max_concurrent_rpcs: int = 1_000
    max_streams: int = 1_000
    max_uploads: int = 100
    max_watches: int = 10_000
    max_deadline_seconds: float = 30.0
    stream_idle_seconds: float = STREAM_IDLE_SECONDS
    rate_limit: float = 0.0
    rate_burst: int = 1_000
    reflection: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """How many roles one upload may declare, and how many bytes all uploads in progress may buffer together."""

    max_roles: int = 100_000
    max_bytes: int = 256 * 1024 * 1024
