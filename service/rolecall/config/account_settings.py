"""Settings of how requests name accounts."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.config.setting import setting
from rolecall.config.types import read_aliases, read_text


@dataclass(frozen=True, kw_only=True)
class AccountSettings:
    """How requests name accounts."""

    account_id: str = setting("", read_text, "Default account of requests that name none: an ID or an alias.")
    account_alias: tuple[tuple[str, str], ...] = setting((), read_aliases, "Aliases of accounts: NAME=ID,...")
