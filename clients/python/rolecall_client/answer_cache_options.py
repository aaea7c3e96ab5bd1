"""What a client may keep of the answers to its checks, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rolecall_client.v1 import watch_pb2 as w

_ACCOUNT_ID = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCacheOptions:
    """The limits of an answer cache; raise `ValueError` for a value that is not allowed.

    A cached answer is returned while no change of its role has arrived and the state that the watch follows is at most
    `max_staleness_seconds` old. Without a watch, or when its state is older, an answer is returned until its own age is
    `unwatched_seconds`. So no answer is older than the larger of the two. After `max_age_seconds` the server is asked in any
    case, because the rights of the client, or settings of the server, may have changed. `account_ids` limits the watch to these
    accounts; roles of others are treated as unwatched.
    """

    max_bytes: int = 16 * 1024 * 1024
    max_entries: int = 10_000
    max_staleness_seconds: float = 10.0
    unwatched_seconds: float = 5.0
    max_age_seconds: float = 60.0
    account_ids: tuple[str, ...] = ()
    watch: bool = True

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_entries", "max_staleness_seconds", "unwatched_seconds", "max_age_seconds"):
            # Written so that NaN is refused, too.
            if not getattr(self, name) >= 0:
                raise ValueError(f"`{name}` must be at least 0, not {getattr(self, name)}")
        if isinstance(self.account_ids, str):
            raise ValueError(f"`account_ids` must be several ids, not one text; write `({self.account_ids!r},)`")  # noqa: TRY004
        for account_id in self.account_ids:
            # Not an alias: only the server knows which account that is.
            if not _ACCOUNT_ID.fullmatch(account_id):
                raise ValueError(f"`account_ids` must be account ids of 1 to 20 digits, not `{account_id}`")

    def watch_request(self) -> w.WatchRolesRequest:
        """Return the request of the watch: changes from now on."""
        return w.WatchRolesRequest(account_ids=self.account_ids)
