"""The settings of every process that answers calls: of a server, and of an agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self

from rolecall.config.account_settings import AccountSettings
from rolecall.config.limit_settings import LimitSettings
from rolecall.config.listen_settings import ListenSettings
from rolecall.config.log_settings import LogSettings
from rolecall.config.snapshot_settings import SnapshotSettings
from rolecall.config.sources import ConfigError, flag_of, read_settings, variable_of
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError
from rolecall.transport.endpoint import SocketAccess

DRAIN_DELAY_BEYOND_LOOPBACK = 5.0


# Fields of the last base come first.
@dataclass(frozen=True, kw_only=True)
class ServingSettings(LimitSettings, LogSettings, SnapshotSettings, AccountSettings, ListenSettings):
    """What a server and an agent have in common."""

    @classmethod
    def from_mapping(cls, flags: Mapping[str, object], environ: Mapping[str, str]) -> Self:
        """Return the settings from flags (by field name; None or absent: not given) and variables; flags win.

        Raise `ConfigError` with everything that is wrong.
        """
        config = cls(**read_settings(fields(cls), flags, environ))
        config._require_accounts()
        if problems := list(config.contradictions()):
            raise ConfigError(problems)
        return config

    @cached_property
    def accounts(self) -> Accounts:
        """Return the default account and the aliases."""
        return Accounts(self.account_id, dict(self.account_alias))

    @property
    def socket_access(self) -> SocketAccess | None:
        """Return who may connect if the process listens on a Unix socket; None: what its umask allows."""
        return None

    @property
    def drain_delay(self) -> float:
        """Return how long to keep accepting calls after a signal to stop, in seconds."""
        if self.drain_delay_seconds is not None:
            return self.drain_delay_seconds
        return 0.0 if self.listen.loopback else DRAIN_DELAY_BEYOND_LOOPBACK

    def contradictions(self) -> Iterator[str]:
        """Yield what is wrong with settings that depend on each other."""
        if bool(self.snapshot_file) != bool(self.snapshot_key_file):
            yield "give --snapshot-file and --snapshot-key-file together, or neither"
        if self.callers_observe_until is not None and not self.callers:
            yield "--callers-observe-until needs --callers, whose rights are observed"

    def _require_accounts(self) -> None:
        try:
            _ = self.accounts
        except InvalidFieldsError as error:
            names = {"account_id": "account_id", "account_aliases": "account_alias"}
            raise ConfigError(
                f"{flag_of(names[v.field])} ({variable_of(names[v.field])}): {v.message}" for v in error.violations
            ) from None
