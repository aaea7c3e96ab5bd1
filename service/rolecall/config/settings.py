"""The settings of one server process.

Each is one field of `Config`: its flag is `--field-name`, its variable `ROLECALL_FIELD_NAME`. A default that belongs to an options
class is written there and read from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Self

from rolecall.config.limit_settings import LimitSettings
from rolecall.config.server_settings import DEFAULT_STORE, ServerSettings
from rolecall.config.setting import setting
from rolecall.config.sources import ConfigError, flag_of, read_settings, variable_of
from rolecall.config.types import read_one_worker
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError

DRAIN_DELAY_BEYOND_LOOPBACK = 5.0


# Fields of the last base come first.
@dataclass(frozen=True, kw_only=True)
class Config(LimitSettings, ServerSettings):
    """The settings of one process. The defaults suit a laptop; None stands for a default that depends on other settings."""

    workers: int = setting(1, read_one_worker, "Number of processes that answer calls; 1 in this version.")

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

    @cached_property
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
        if self.store_file and self.store != DEFAULT_STORE:
            problems.append("--store and --store-file name two stores; give one of them")
        if bool(self.snapshot_file) != bool(self.snapshot_key_file):
            problems.append("give --snapshot-file and --snapshot-key-file together, or neither")
        if self.callers_observe_until is not None and not self.callers:
            problems.append("--callers-observe-until needs --callers, whose rights are observed")
        if problems:
            raise ConfigError(problems)
