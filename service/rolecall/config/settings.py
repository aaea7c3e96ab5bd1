"""The settings of one server process.

Each is one field of `Config`: its flag is `--field-name`, its variable `ROLECALL_FIELD_NAME`. A default that belongs to an options
class is written there and read from here.
"""

# ruff: noqa: RUF009  (`_setting` returns a field, as `dataclasses.field` does)

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self, TypeVar

from rolecall.config.sources import ConfigError, flag_of, read_settings, variable_of
from rolecall.config.types import (
    ListenAddress,
    OneOf,
    Seconds,
    WholeNumber,
    read_address,
    read_aliases,
    read_boolean,
    read_one_worker,
    read_pointers,
    read_severities,
    read_share,
    read_tcp_address,
    read_text,
)
from rolecall.engine.consistency import MAX_STALENESS_SECONDS
from rolecall.engine.decision_point import DecisionOptions
from rolecall.observability.decision_log.log import DecisionLogOptions
from rolecall.observability.logs import FORMATS, LEVELS
from rolecall.policy.limits import Limits
from rolecall.policy.lint import Severity
from rolecall.roles.accounts import Accounts
from rolecall.roles.catalog import CatalogOptions
from rolecall.roles.errors import InvalidFieldsError
from rolecall.transport.options import ServerOptions, UploadLimits

DRAIN_DELAY_BEYOND_LOOPBACK = 5.0

T = TypeVar("T")


def _setting(default: T, read: Callable[[str], Any], text: str) -> T:
    """Return a field: its default, how its text is read, and its line in the help."""
    return field(default=default, metadata={"read": read, "help": text})


_LISTEN, _OPS_LISTEN = read_address("127.0.0.1:50051"), read_tcp_address("127.0.0.1:9464")
_STORE = "sqlite:///rolecall.db"
_LIMITS, _CATALOG, _DECISIONS = Limits(), CatalogOptions(), DecisionOptions()
_SERVER, _UPLOADS, _DECISION_LOG = ServerOptions(), UploadLimits(), DecisionLogOptions(target="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one process. The defaults suit a laptop; None stands for a default that depends on other settings."""

    listen: ListenAddress = _setting(_LISTEN, read_address, "Address to serve gRPC on: HOST:PORT or unix:PATH.")
    ops_listen: ListenAddress = _setting(
        _OPS_LISTEN, read_tcp_address, "Address to serve /metrics, /livez and /readyz on, over HTTP."
    )
    store: str = _setting(_STORE, read_text, "URL of the store: sqlite:///PATH, postgresql://... or memory://.")
    store_file: str = _setting(
        "", read_text, "File with the URL of the store, such as a mounted secret; replaces --store."
    )
    poll_seconds: float = _setting(
        1.0, Seconds(0.05, 60), "Interval between polls of the store for new commits, with a jitter of 10 %."
    )
    reconcile_seconds: float = _setting(
        3_600.0, Seconds(0, 604_800), "Interval between comparisons of all roles in memory with the store; 0: never."
    )
    snapshot_file: str = _setting(
        "",
        read_text,
        "File to save the state to, so that a restart does not need the database; requires --snapshot-key-file.",
    )
    snapshot_key_file: str = _setting("", read_text, "File with at least 32 bytes that authenticate the snapshot file.")
    snapshot_seconds: float = _setting(60.0, Seconds(1, 86_400), "Interval between writes of the snapshot file.")
    account_id: str = _setting("", read_text, "Default account of requests that name none: an ID or an alias.")
    account_alias: tuple[tuple[str, str], ...] = _setting((), read_aliases, "Aliases of accounts: NAME=ID,...")
    insecure: bool = _setting(
        default=False, read=read_boolean, text="Accept connections from other machines without authentication."
    )
    tls_cert: str = _setting("", read_text, "Certificate chain of the server (PEM file).")
    tls_key: str = _setting("", read_text, "Private key of --tls-cert (PEM file).")
    tls_client_ca: str = _setting(
        "", read_text, "CA certificates (PEM file) that verify clients; every client must then present a certificate."
    )
    reflection: bool | None = _setting(None, read_boolean, "Serve gRPC reflection (default: on loopback only).")
    log_level: str = _setting("info", OneOf(LEVELS), "Lowest level to log; debug logs every call.")
    log_format: str = _setting("auto", OneOf(FORMATS), "JSON lines or console; auto is console on a terminal.")
    decision_log: str = _setting("", read_text, "Destination of the decision log: `stdout` or a file; empty: off.")
    decision_log_max_bytes: int = _setting(
        _DECISION_LOG.max_bytes, WholeNumber(65_536, 1_099_511_627_776), "Size at which the decision log is rotated."
    )
    decision_log_files: int = _setting(
        _DECISION_LOG.files,
        WholeNumber(0, 1_000),
        "Number of rotated files to keep; 0: do not rotate, an external tool does.",
    )
    decision_log_sample_allow: float = _setting(
        _DECISION_LOG.sample_allow, read_share, "Share of allows to log, from 0 to 1."
    )
    decision_log_sample_deny: float = _setting(
        _DECISION_LOG.sample_deny, read_share, "Share of denies to log, from 0 to 1."
    )
    decision_log_mask: frozenset[str] = _setting(
        _DECISION_LOG.masked, read_pointers, "JSON pointers of values to hash, such as /input/context/acs:SourceIp."
    )
    decision_log_erase: frozenset[str] = _setting(
        _DECISION_LOG.erased, read_pointers, "JSON pointers of values to leave out."
    )
    decision_log_queue_records: int = _setting(
        _DECISION_LOG.queue_records,
        WholeNumber(1, 1_000_000),
        "Maximum number of decisions waiting to be written; further ones are dropped and counted.",
    )
    decision_log_max_event_bytes: int = _setting(
        _DECISION_LOG.max_event_bytes,
        WholeNumber(4_096, 1_048_576),
        "Maximum size of a logged decision; longer ones are cut and list what was cut.",
    )
    cache_entries: int = _setting(
        _DECISIONS.cache_entries, WholeNumber(0, 10_000_000), "Maximum number of cached decisions; 0: no cache."
    )
    compiled_policies: int = _setting(
        _DECISIONS.compiled_policies, WholeNumber(1, 10_000_000), "Maximum number of cached compiled trust policies."
    )
    source_identity_needs_allow: bool = _setting(
        default=_DECISIONS.source_identity_needs_allow,
        read=read_boolean,
        text="Require an Allow of sts:SetSourceIdentity for requests with a source identity.",
    )
    max_batch: int = _setting(1_000, WholeNumber(1, 100_000), "Maximum number of queries in a batch.")
    max_message_bytes: int = _setting(
        _SERVER.max_message_bytes, WholeNumber(65_536, 268_435_456), "Maximum size of a message."
    )
    max_concurrent_rpcs: int = _setting(
        _SERVER.max_concurrent_rpcs, WholeNumber(1, 1_000_000), "Maximum number of concurrent calls."
    )
    max_watches: int = _setting(_SERVER.max_watches, WholeNumber(1, 1_000_000), "Maximum number of open watches.")
    max_deadline_seconds: float = _setting(
        _SERVER.max_deadline_seconds, Seconds(0.1, 3_600), "Maximum duration of a call; ten times that for an upload."
    )
    max_upload_roles: int = _setting(
        _UPLOADS.max_roles, WholeNumber(1, 10_000_000), "Maximum number of roles in one ApplyRoles."
    )
    max_upload_bytes: int = _setting(
        _UPLOADS.max_bytes, WholeNumber(65_536, 17_179_869_184), "Maximum size of all ApplyRoles in progress together."
    )
    max_staleness_seconds: float = _setting(
        MAX_STALENESS_SECONDS,
        Seconds(0, 31_536_000),
        "Maximum staleness of the state that decisions are made from; UNAVAILABLE beyond.",
    )
    drain_delay_seconds: float | None = _setting(
        None,
        Seconds(0, 300),
        "Time to keep accepting calls after SIGTERM, for load balancers to notice (default: 0 on loopback, else 5).",
    )
    drain_grace_seconds: float = _setting(25.0, Seconds(0, 3_600), "Time for calls in progress to finish after that.")
    retention_days: int = _setting(30, WholeNumber(1, 36_500), "Days of history to keep.")
    retention_revisions: int = _setting(
        100_000, WholeNumber(1, 1_000_000_000), "Number of newest revisions to keep, however old."
    )
    max_roles_per_account: int = _setting(
        _CATALOG.max_roles_per_account, WholeNumber(1, 100_000_000), "Maximum number of roles in an account."
    )
    max_document_bytes: int = _setting(
        _LIMITS.max_document_bytes, WholeNumber(64, 1_048_576), "Maximum size of a trust policy."
    )
    max_statements: int = _setting(
        _LIMITS.max_statements, WholeNumber(1, 10_000), "Maximum number of statements in a trust policy."
    )
    max_principals: int = _setting(
        _LIMITS.max_principals, WholeNumber(1, 100_000), "Maximum number of principals in a trust policy."
    )
    max_condition_keys: int = _setting(
        _LIMITS.max_condition_keys, WholeNumber(1, 10_000), "Maximum number of condition keys in a trust policy."
    )
    max_pattern_characters: int = _setting(
        _LIMITS.max_pattern_characters, WholeNumber(1, 16_384), "Maximum length of a pattern."
    )
    max_pattern_stars: int = _setting(
        _LIMITS.max_pattern_stars, WholeNumber(0, 1_000), "Maximum number of `*` in a pattern."
    )
    lint_blocks: frozenset[Severity] = _setting(
        _CATALOG.lint_blocks, read_severities, "Severities of lint findings that reject a write."
    )
    workers: int = _setting(1, read_one_worker, "Number of processes that answer calls; 1 in this version.")

    @classmethod
    def from_mapping(cls, flags: Mapping[str, object], environ: Mapping[str, str]) -> Self:
        """Return the settings from flags (by field name; None or absent: not given) and variables; flags win.

        Raise `ConfigError` with everything that is wrong.
        """
        config = cls(**read_settings(fields(cls), flags, environ))
        config._require_accounts()
        config._require_pairs()
        return config

    @property
    def store_url(self) -> str:
        """Return the URL of the store; raise `ConfigError` when its file cannot be read."""
        if not self.store_file:
            return self.store
        try:
            url = Path(self.store_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ConfigError([f"--store-file: cannot read `{self.store_file}`: {why}"]) from None
        if not url:
            raise ConfigError([f"--store-file: `{self.store_file}` is empty"])
        return url

    @property
    def accounts(self) -> Accounts:
        """Return the default account and the aliases."""
        return Accounts(self.account_id, dict(self.account_alias))

    @property
    def with_reflection(self) -> bool:
        """Return whether gRPC reflection is served."""
        return self.listen.loopback if self.reflection is None else self.reflection

    @property
    def drain_delay(self) -> float:
        """Return how long to keep accepting calls after a signal to stop, in seconds."""
        if self.drain_delay_seconds is not None:
            return self.drain_delay_seconds
        return 0.0 if self.listen.loopback else DRAIN_DELAY_BEYOND_LOOPBACK

    def _require_accounts(self) -> None:
        try:
            _ = self.accounts
        except InvalidFieldsError as error:
            names = {"account_id": "account_id", "account_aliases": "account_alias"}
            raise ConfigError(
                f"{flag_of(names[v.field])} ({variable_of(names[v.field])}): {v.message}" for v in error.violations
            ) from None

    def _require_pairs(self) -> None:
        problems = []
        if self.store_file and self.store != _STORE:
            problems.append("--store and --store-file name two stores; give one of them")
        if bool(self.snapshot_file) != bool(self.snapshot_key_file):
            problems.append("give --snapshot-file and --snapshot-key-file together, or neither")
        if problems:
            raise ConfigError(problems)
