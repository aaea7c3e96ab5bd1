"""The settings of one server process: from flags, then from `ROLECALL_*` variables, then the defaults of a laptop.

Every setting is one field of `Config`; its flag is `--field-name`, its variable `ROLECALL_FIELD_NAME`. A variable that
names no setting stops the start, since whoever set it believes that it does something.
"""

# ruff: noqa: RUF009  (`_setting` returns a field, as `dataclasses.field` does)

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

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
from rolecall.observability.decision_log.log import DecisionLogOptions
from rolecall.observability.logs import FORMATS, LEVELS
from rolecall.policy.limits import Limits
from rolecall.policy.lint import Severity
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError

PREFIX = "ROLECALL_"
CLIENT_VARIABLES = frozenset({"ROLECALL_ADDRESS"})
"""Variables of the client commands, which a server passes over."""

DRAIN_DELAY_BEYOND_LOOPBACK = 5.0

T = TypeVar("T")


class ConfigError(Exception):
    """One or more settings cannot be used; all of them, each named by its flag and variable."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def _setting(default: T, read: Callable[[str], Any], text: str) -> T:
    """Return a field: its default, how its text is read, and its line in the help."""
    return field(default=default, metadata={"read": read, "help": text})


_LISTEN = ListenAddress("127.0.0.1:50051", "127.0.0.1", 50051)
_OPS_LISTEN = ListenAddress("127.0.0.1:9464", "127.0.0.1", 9464)
_LIMITS = Limits()
_STORE = "sqlite:///rolecall.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one process. None stands for a default that depends on other settings."""

    listen: ListenAddress = _setting(_LISTEN, read_address, "Where to take calls: HOST:PORT or unix:PATH.")
    ops_listen: ListenAddress = _setting(
        _OPS_LISTEN, read_tcp_address, "Where to serve /metrics, /livez and /readyz over HTTP."
    )
    store: str = _setting(_STORE, read_text, "Where roles are kept: sqlite:///PATH, postgresql://... or memory://.")
    store_file: str = _setting("", read_text, "File that holds the store's URL, instead of --store: a mounted secret.")
    poll_seconds: float = _setting(
        1.0, Seconds(0.05, 60), "How often to ask the store for changes of others, give or take a tenth."
    )
    reconcile_seconds: float = _setting(
        3_600.0, Seconds(0, 604_800), "How often to compare every role in memory with the store; 0: never."
    )
    snapshot_file: str = _setting(
        "", read_text, "File to keep the state in, so that a restart needs no database; needs --snapshot-key-file."
    )
    snapshot_key_file: str = _setting("", read_text, "File with at least 32 bytes that authenticate the snapshot file.")
    snapshot_seconds: float = _setting(60.0, Seconds(1, 86_400), "How often to renew the snapshot file.")
    account_id: str = _setting("", read_text, "Account of requests that name none: an id or an alias.")
    account_alias: tuple[tuple[str, str], ...] = _setting((), read_aliases, "Names for accounts: NAME=ID,...")
    insecure: bool = _setting(
        default=False, read=read_boolean, text="Take calls from beyond this machine without authentication."
    )
    tls_cert: str = _setting("", read_text, "PEM file: the server's certificate chain.")
    tls_key: str = _setting("", read_text, "PEM file: the key of --tls-cert.")
    tls_client_ca: str = _setting(
        "", read_text, "PEM file: who signs clients' certificates; clients must then show one."
    )
    reflection: bool | None = _setting(
        None, read_boolean, "Let clients ask for the API's description (on loopback: true)."
    )
    log_level: str = _setting("info", OneOf(LEVELS), "From which level on to log; debug tells of every call.")
    log_format: str = _setting("auto", OneOf(FORMATS), "JSON lines or console; auto is console on a terminal.")
    decision_log: str = _setting("", read_text, "Where to log decisions: `stdout` or a file; empty: nowhere.")
    decision_log_max_bytes: int = _setting(
        104_857_600, WholeNumber(65_536, 1_099_511_627_776), "How large the file may be before it is put aside."
    )
    decision_log_files: int = _setting(
        5,
        WholeNumber(0, 1_000),
        "How many full ones to keep beside it; 0: never put aside, something else rotates it.",
    )
    decision_log_sample_allow: float = _setting(1.0, read_share, "Which share of allows to log, from 0 to 1.")
    decision_log_sample_deny: float = _setting(1.0, read_share, "Which share of denies to log, from 0 to 1.")
    decision_log_mask: frozenset[str] = _setting(
        frozenset(), read_pointers, "JSON pointers of what to hash, such as /input/context/acs:SourceIp."
    )
    decision_log_erase: frozenset[str] = _setting(frozenset(), read_pointers, "JSON pointers of what to leave out.")
    decision_log_queue_records: int = _setting(
        10_000, WholeNumber(1, 1_000_000), "How many decisions may wait to be written; more are dropped and counted."
    )
    decision_log_max_event_bytes: int = _setting(
        32_768, WholeNumber(4_096, 1_048_576), "How long a logged decision may be; longer ones are cut, and say so."
    )
    cache_entries: int = _setting(50_000, WholeNumber(0, 10_000_000), "How many decisions to remember; 0: none.")
    compiled_policies: int = _setting(
        10_000, WholeNumber(1, 10_000_000), "How many trust policies to hold in compiled form."
    )
    source_identity_needs_allow: bool = _setting(
        default=False,
        read=read_boolean,
        text="Require an Allow of sts:SetSourceIdentity for requests with a source identity.",
    )
    max_batch: int = _setting(1_000, WholeNumber(1, 100_000), "How many queries a batch may hold.")
    max_message_bytes: int = _setting(4_194_304, WholeNumber(65_536, 268_435_456), "How large a message may be.")
    max_concurrent_rpcs: int = _setting(1_000, WholeNumber(1, 1_000_000), "How many calls to answer at once.")
    max_watches: int = _setting(10_000, WholeNumber(1, 1_000_000), "How many change feeds may be open at once.")
    max_deadline_seconds: float = _setting(
        30.0, Seconds(0.1, 3_600), "How long a call may take; an upload ten times that."
    )
    max_upload_roles: int = _setting(100_000, WholeNumber(1, 10_000_000), "How many roles one ApplyRoles may declare.")
    max_upload_bytes: int = _setting(
        268_435_456, WholeNumber(65_536, 17_179_869_184), "How much all ApplyRoles under way may hold."
    )
    max_staleness_seconds: float = _setting(
        300.0, Seconds(0, 31_536_000), "How old the state may be that decisions are made from; UNAVAILABLE beyond."
    )
    drain_delay_seconds: float | None = _setting(
        None,
        Seconds(0, 300),
        "How long to go on after SIGTERM, so that callers hear of it (on loopback: 0, else 5).",
    )
    drain_grace_seconds: float = _setting(25.0, Seconds(0, 3_600), "How long calls under way may take to finish then.")
    retention_days: int = _setting(30, WholeNumber(1, 36_500), "How long to keep history.")
    retention_revisions: int = _setting(
        100_000, WholeNumber(1, 1_000_000_000), "How many revisions to keep even if older."
    )
    max_roles_per_account: int = _setting(1_000_000, WholeNumber(1, 100_000_000), "How many roles an account may have.")
    max_document_bytes: int = _setting(
        _LIMITS.max_document_bytes, WholeNumber(64, 1_048_576), "How long a trust policy may be."
    )
    max_statements: int = _setting(_LIMITS.max_statements, WholeNumber(1, 10_000), "How many statements it may have.")
    max_principals: int = _setting(_LIMITS.max_principals, WholeNumber(1, 100_000), "How many principals it may name.")
    max_condition_keys: int = _setting(
        _LIMITS.max_condition_keys, WholeNumber(1, 10_000), "How many conditions it may have."
    )
    max_pattern_characters: int = _setting(
        _LIMITS.max_pattern_characters, WholeNumber(1, 16_384), "How long a pattern may be."
    )
    max_pattern_stars: int = _setting(
        _LIMITS.max_pattern_stars, WholeNumber(0, 1_000), "How many `*` a pattern may have."
    )
    lint_blocks: frozenset[Severity] = _setting(
        frozenset(), read_severities, "Severities of findings that refuse a write."
    )
    workers: int = _setting(1, read_one_worker, "How many processes answer calls; 1 in this version.")

    @classmethod
    def from_mapping(cls, flags: Mapping[str, object], environ: Mapping[str, str]) -> Config:
        """Return the settings that flags (by field name; None or absent: not given) and variables make; flags win.

        Raise `ConfigError` with everything that is wrong.
        """
        problems = _unknown_variables(environ)
        values: dict[str, Any] = {}
        for setting in fields(cls):
            try:
                values |= _given(setting, flags, environ)
            except ValueError as error:
                problems.append(f"{flag_of(setting.name)} ({variable_of(setting.name)}) {error}")
        if problems:
            raise ConfigError(problems)
        config = cls(**values)
        config._require_accounts()
        config._require_pairs()
        return config

    @property
    def store_url(self) -> str:
        """Return where roles are kept; raise `ConfigError` when the file that says it cannot be read."""
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
    def limits(self) -> Limits:
        """Return how much a trust policy may hold."""
        return Limits(
            max_document_bytes=self.max_document_bytes,
            max_statements=self.max_statements,
            max_principals=self.max_principals,
            max_condition_keys=self.max_condition_keys,
            max_pattern_characters=self.max_pattern_characters,
            max_pattern_stars=self.max_pattern_stars,
        )

    @property
    def decision_logging(self) -> DecisionLogOptions | None:
        """Return how to log decisions; None: not at all."""
        if not self.decision_log:
            return None
        return DecisionLogOptions(
            target=self.decision_log,
            max_bytes=self.decision_log_max_bytes,
            files=self.decision_log_files,
            queue_records=self.decision_log_queue_records,
            max_event_bytes=self.decision_log_max_event_bytes,
            masked=self.decision_log_mask,
            erased=self.decision_log_erase,
            sample_allow=self.decision_log_sample_allow,
            sample_deny=self.decision_log_sample_deny,
        )

    @property
    def accounts(self) -> Accounts:
        """Return the accounts that the server knows by name."""
        return Accounts(self.account_id, dict(self.account_alias))

    @property
    def with_reflection(self) -> bool:
        """Tell whether clients may ask for the API's description."""
        return self.listen.loopback if self.reflection is None else self.reflection

    @property
    def drain_delay(self) -> float:
        """Return how long to go on after a signal to stop."""
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
            problems.append("--snapshot-file and --snapshot-key-file come together")
        if problems:
            raise ConfigError(problems)


def flag_of(name: str) -> str:
    """Return the flag of a setting."""
    return f"--{name.replace('_', '-')}"


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def _given(setting: Field[Any], flags: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    value = flags.get(setting.name)
    if value is None or value == []:
        value = environ.get(variable_of(setting.name))
    return {} if value is None else {setting.name: setting.metadata["read"](_as_text(value))}


def _as_text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    known = {variable_of(setting.name) for setting in fields(Config)} | CLIENT_VARIABLES
    return [_unknown(name, known) for name in sorted(environ) if name.startswith(PREFIX) and name not in known]


def _unknown(name: str, known: Iterable[str]) -> str:
    # The prefix that all share would make everything look alike.
    suffixes = [other.removeprefix(PREFIX) for other in known]
    nearest = get_close_matches(name.removeprefix(PREFIX), suffixes, n=1, cutoff=0.6)
    hint = f"did you mean {PREFIX}{nearest[0]}" if nearest else "unset it"
    return f"{name} names no setting; {hint}"
