"""How many connections are open, were refused, and were closed by the server, by the reason."""

from __future__ import annotations

from collections.abc import Sized
from enum import StrEnum


class ConnectionRefusal(StrEnum):
    """Why a connection never became one that may have calls."""

    FULL = "full"
    """The server has as many connections as it may, and all of them have calls."""
    HANDSHAKES = "handshakes"
    """Too many TLS handshakes were in progress, and this one had lasted longest."""
    SLOW_HANDSHAKE = "slow_handshake"
    """The TLS handshake did not end in time."""
    CERTIFICATE = "certificate"
    """The client has no certificate, or one that the client CA does not verify."""
    REJECTED_BY_CLIENT = "rejected_by_client"
    """The client ended the TLS handshake with an alert: most often it does not trust the server's certificate."""
    TLS = "tls"
    """What the client sent is not TLS, or of a version or with ciphers that the server does not use."""
    ALPN = "alpn"
    """The client did not choose HTTP/2 in the TLS handshake."""
    LEFT = "left"
    """The client closed the connection during the TLS handshake, as probes of a port do, or clients that distrust the server."""


class ConnectionClosure(StrEnum):
    """Why the server closed a connection that it had accepted, other than because it stops or the client has left."""

    ROOM = "room"
    """The server was full, and this connection without calls was idle longest."""
    SETUP = "setup"
    """The preface and the settings of the client did not arrive in time."""
    SILENCE = "silence"
    """The client did not acknowledge a ping in time."""
    PARTIAL_FRAME = "partial_frame"
    """Too many connections had an incomplete frame, and this one had waited longest."""
    UNACCEPTED_ANSWERS = "unaccepted_answers"
    """All clients together accepted too little of what was sent, and this one had most."""
    PINGS = "pings"
    """The client sent too many pings."""
    HEADERS = "headers"
    """The client sent too many calls that are refused for their headers."""
    PROTOCOL = "protocol"
    """The client broke the protocol, or a limit on resets, settings, continuations or suspicious frames."""
    AGE = "age"
    """The calls of an old connection did not end within their grace."""


class ConnectionCounts:
    """Counters of one server, for its metrics. `memory_ended` counts calls that ended because requests took too much memory."""

    __slots__ = ("_connections", "closed", "memory_ended", "refused")

    def __init__(self, connections: Sized) -> None:
        self._connections = connections
        self.refused = {str(reason): 0 for reason in ConnectionRefusal}
        self.closed = {str(reason): 0 for reason in ConnectionClosure}
        self.memory_ended = 0

    @property
    def open(self) -> int:
        """Return how many connections are open."""
        return len(self._connections)
