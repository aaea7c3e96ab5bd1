"""Settings of the process: where it listens and stores, its certificate, its logs."""

# ruff: noqa: RUF009  (`setting` returns a field, as `dataclasses.field` does)

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from rolecall.config.setting import setting
from rolecall.config.types import (
    ListenAddress,
    OneOf,
    Seconds,
    WholeNumber,
    read_address,
    read_aliases,
    read_boolean,
    read_hosts,
    read_pointers,
    read_share,
    read_tcp_address,
    read_text,
    read_time,
)
from rolecall.observability.decision_log.log import DecisionLogOptions
from rolecall.observability.logs import FORMATS, LEVELS
from rolecall.security.tokens.key_set import MAX_AGE_SECONDS
from rolecall.transport.options import TRANSPORTS

DEFAULT_STORE = "sqlite:///rolecall.db"

_LISTEN, _OPS_LISTEN = read_address("127.0.0.1:50051"), read_tcp_address("127.0.0.1:9464")
_DECISION_LOG = DecisionLogOptions(target="")


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Where a process listens, what it stores, how it is identified, and what it logs."""

    listen: ListenAddress = setting(_LISTEN, read_address, "Address to serve gRPC on: HOST:PORT or unix:PATH.")
    ops_listen: ListenAddress = setting(
        _OPS_LISTEN, read_tcp_address, "Address to serve /metrics, /livez and /readyz on, over HTTP."
    )
    store: str = setting(
        DEFAULT_STORE, read_text, "URL of the store: sqlite:///PATH, postgresql://... or memory://.", secret=True
    )
    store_file: str = setting(
        "", read_text, "File with the URL of the store, such as a mounted secret; replaces --store."
    )
    poll_seconds: float = setting(
        1.0, Seconds(0.05, 60), "Interval between polls of the store for new commits, with a jitter of 10 %."
    )
    reconcile_seconds: float = setting(
        3_600.0, Seconds(0, 604_800), "Interval between comparisons of all roles in memory with the store; 0: never."
    )
    snapshot_file: str = setting(
        "",
        read_text,
        "File to save the state to, so that a restart does not need the database; requires --snapshot-key-file.",
    )
    snapshot_key_file: str = setting("", read_text, "File with at least 32 bytes that authenticate the snapshot file.")
    snapshot_seconds: float = setting(60.0, Seconds(1, 86_400), "Interval between writes of the snapshot file.")
    account_id: str = setting("", read_text, "Default account of requests that name none: an ID or an alias.")
    account_alias: tuple[tuple[str, str], ...] = setting((), read_aliases, "Aliases of accounts: NAME=ID,...")
    insecure: bool = setting(
        default=False, read=read_boolean, text="Accept connections from other machines without authentication."
    )
    tls_cert: str = setting("", read_text, "Certificate chain of the server (PEM file).")
    tls_key: str = setting("", read_text, "Private key of --tls-cert (PEM file).")
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
    log_level: str = setting("info", OneOf(LEVELS), "Lowest level to log; debug logs every call.")
    log_format: str = setting("auto", OneOf(FORMATS), "JSON lines or console; auto is console on a terminal.")
    decision_log: str = setting("", read_text, "Destination of the decision log: `stdout` or a file; empty: off.")
    decision_log_max_bytes: int = setting(
        _DECISION_LOG.max_bytes, WholeNumber(65_536, 1_099_511_627_776), "Size at which the decision log is rotated."
    )
    decision_log_files: int = setting(
        _DECISION_LOG.files,
        WholeNumber(0, 1_000),
        "Number of rotated files to keep; 0: do not rotate, an external tool does.",
    )
    decision_log_sample_allow: float = setting(
        _DECISION_LOG.sample_allow, read_share, "Share of allows to log, from 0 to 1."
    )
    decision_log_sample_deny: float = setting(
        _DECISION_LOG.sample_deny, read_share, "Share of denies to log, from 0 to 1."
    )
    decision_log_mask: frozenset[str] = setting(
        _DECISION_LOG.masked, read_pointers, "JSON pointers of values to hash, such as /input/context/acs:SourceIp."
    )
    decision_log_erase: frozenset[str] = setting(
        _DECISION_LOG.erased, read_pointers, "JSON pointers of values to leave out."
    )
    decision_log_queue_records: int = setting(
        _DECISION_LOG.queue_records,
        WholeNumber(1, 1_000_000),
        "Maximum number of decisions waiting to be written; further ones are dropped and counted.",
    )
    decision_log_max_event_bytes: int = setting(
        _DECISION_LOG.max_event_bytes,
        WholeNumber(4_096, 1_048_576),
        "Maximum size of a logged decision; longer ones are cut and list what was cut.",
    )
