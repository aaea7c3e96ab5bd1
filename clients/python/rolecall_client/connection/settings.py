"""What a client needs to know of a service, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it needs gRPC, which a command without a server does not import
    from rolecall_client.bearer import TokenSource

DEFAULT_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files of a client. They are read again when they change.

    `ca` has the certificates that verify the server, `cert` and `key` the client's own certificate and key: both or neither.
    `server_name` is the name in the server's certificate, if the address does not have it.
    """

    ca: Path
    cert: Path | None = None
    key: Path | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise ValueError("a client certificate and its key are given together")

    def paths(self) -> tuple[Path, ...]:
        """Return the files that there are."""
        return tuple(path for path in (self.ca, self.cert, self.key) if path is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """One service: its address, how it is trusted and how the client identifies itself. `timeout` is in seconds.

    `agent` is the unix socket of an agent on this machine, which is asked first about checks.
    """

    address: str
    tls: TlsFiles | None = None
    token: TokenSource | None = None
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    agent: str | None = None
