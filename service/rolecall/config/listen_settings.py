"""Settings of where a process listens, and of how its callers are identified."""

# ruff: noqa: RUF009  (`setting` returns a field, as `dataclasses.field` does)

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from rolecall.config.setting import setting
from rolecall.config.types import (
    ListenAddress,
    OneOf,
    Seconds,
    read_address,
    read_boolean,
    read_hosts,
    read_tcp_address,
    read_text,
    read_time,
)
from rolecall.security.tokens.key_set import MAX_AGE_SECONDS
from rolecall.transport.options import TRANSPORTS

_LISTEN, _OPS_LISTEN = read_address("127.0.0.1:50051"), read_tcp_address("127.0.0.1:9464")


@dataclass(frozen=True, kw_only=True)
class ListenSettings:
    """Where a process listens, and how its callers are identified."""

    listen: ListenAddress = setting(_LISTEN, read_address, "Address to serve gRPC on: HOST:PORT or unix:PATH.")
    ops_listen: ListenAddress = setting(
        _OPS_LISTEN, read_tcp_address, "Address to serve /metrics, /livez and /readyz on, over HTTP."
    )
    insecure: bool = setting(
        default=False, read=read_boolean, text="Accept connections from other machines without authentication."
    )
    tls_cert: str = setting("", read_text, "Certificate chain of the server (PEM file).")
    tls_key: str = setting(
        "", read_text, "Private key of --tls-cert (PEM file); only its owner and its group may have access."
    )
    tls_client_ca: str = setting(
        "", read_text, "CA certificates (PEM file) that verify clients; every client must then present a certificate."
    )
    callers: str = setting(
        "", read_text, "Callers file (YAML), or a directory of them: who may call, and what each caller may do."
    )
    callers_observe_until: int | None = setting(
        None,
        read_time,
        "Until this date, 30 days ahead at most, log and count calls without a right instead of denying them.",
    )
    admin_socket: str = setting(
        "",
        read_text,
        "Unix socket on which only the user of this process may call, with every right: the way out of a lock-out.",
    )
    jwks_host: tuple[tuple[str, tuple[IPv4Network | IPv6Network, ...]], ...] = setting(
        (),
        read_hosts,
        "Hosts that keys of issuers are fetched from; a private address must be listed with its host.",
    )
    jwks_ca: str = setting("", read_text, "CA certificates (PEM file) that verify those hosts (default: the system's).")
    jwks_max_age_seconds: float = setting(
        MAX_AGE_SECONDS,
        Seconds(60, 31_536_000),
        "Time for which the last good keys of an issuer are used when they cannot be read again.",
    )
    transport: str = setting(
        "auto", OneOf(TRANSPORTS), "What reads HTTP/2: h2, which needs the package ngh2, or grpcio; auto is grpcio."
    )
    reflection: bool | None = setting(None, read_boolean, "Serve gRPC reflection (default: on loopback only).")

    @property
    def with_reflection(self) -> bool:
        """Return whether gRPC reflection is served."""
        return self.listen.loopback if self.reflection is None else self.reflection
