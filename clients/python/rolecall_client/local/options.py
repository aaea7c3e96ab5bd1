"""What a client decides in its own process, and with what limits."""

from __future__ import annotations

import re
from dataclasses import dataclass

CACHE_BYTES = 64 * 1024 * 1024
MAX_ACCOUNTS = 100
"""The most accounts that one watch may name; it may also follow all of them."""

_ACCOUNT_ID = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """Which roles a client follows, and when it decides itself.

    `account_ids` are the accounts to follow; none: all of them. When the roles may be staler than `max_staleness_seconds` the
    server is asked. With `asserted_claims` federated identities with claims are decided, too: only for a client from which the
    server accepts whatever it asserts. `default_account` is the server's, the account of a role that is named without one; empty:
    the server is asked about such a role. A decision that the time of day changes within `max_clock_error_seconds` is left to
    the server, whose clock may differ by that. `cache_bytes` is the memory of requests, decisions and compiled policies together,
    beside that of the roles. Raise `ValueError` for a value that is not allowed.
    """

    account_ids: tuple[str, ...] = ()
    max_staleness_seconds: float = 10.0
    asserted_claims: bool = False
    default_account: str = ""
    max_clock_error_seconds: float = 10.0
    cache_bytes: int = CACHE_BYTES

    def __post_init__(self) -> None:
        _require_accounts(self.account_ids)
        if self.default_account:
            _require_id("default_account", self.default_account)
        for name in ("max_staleness_seconds", "max_clock_error_seconds", "cache_bytes"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"`{name}` must be a number of at least 0, not {value}")


def _require_accounts(account_ids: tuple[str, ...]) -> None:
    if isinstance(account_ids, str):
        raise ValueError(f"`account_ids` must be several ids, not one text; write `({account_ids!r},)`")  # noqa: TRY004
    if len(account_ids) > MAX_ACCOUNTS:
        raise ValueError(
            f"`account_ids` may have {MAX_ACCOUNTS} entries, not {len(account_ids)}; leave it out to follow all"
        )
    for account_id in account_ids:
        _require_id("account_ids", account_id)


def _require_id(name: str, account_id: str) -> None:
    # Not an alias: only the server knows which account that is.
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise ValueError(f"`{name}` must be an account id of 1 to 20 digits, not `{account_id}`")
