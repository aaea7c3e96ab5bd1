"""The limits of connections, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from rolecall.transport.http2.request_memory import RequestMemoryLimits
from rolecall.transport.http2.session import SessionLimits
from rolecall.transport.options import MAX_CONNECTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How much a connection may send, and how long it may last. Times are in seconds.

    1. A client that has not accepted `max_queued_bytes` of answers has its next calls refused.
    2. A connection that is older than `age`, give or take a tenth, gets a GOAWAY, and `age_grace` to finish its calls.
    3. A silent connection is sent a ping after `keepalive`, which it must acknowledge within `keepalive_timeout`.
    4. Of all connections together, those that have accepted least of `max_all_queued_bytes` of answers are closed.
    5. A client may send pings `ping_interval` apart, and `ping_strikes` sooner ones.
    6. Of calls that are refused for their headers, a client may send a burst, and so many a second after it.
    """

    session: SessionLimits = field(default_factory=SessionLimits)
    max_message_bytes: int = 4 * 1024 * 1024
    max_queued_bytes: int = 4 * 1024 * 1024
    max_all_queued_bytes: int = 64 * 1024 * 1024
    request_memory: RequestMemoryLimits = field(default_factory=RequestMemoryLimits)
    max_connections: int = MAX_CONNECTIONS
    max_handshakes: int = 500
    handshake: float = 10.0
    age: float = 300.0
    age_grace: float = 330.0
    keepalive: float = 60.0
    keepalive_timeout: float = 20.0
    ping_interval: float = 30.0
    ping_strikes: int = 2
    refused_headers: tuple[int, float] = (500, 33.0)
