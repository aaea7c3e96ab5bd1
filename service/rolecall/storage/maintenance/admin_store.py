"""Stores as the commands for backup, restore, copy and audit use them: read as a whole, and filled when they are empty.

A server uses `rolecall.roles.repository` instead.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from rolecall.roles.errors import StoreUnsupportedError
from rolecall.roles.repository import Head
from rolecall.storage.maintenance.audit_log import Pages
from rolecall.storage.maintenance.sqlite_admin import SqliteAdminStore
from rolecall.storage.open import require_postgres, split_url, sqlite_path


class AdminStore(Protocol):
    """A store that a command maintains. Every method may raise `StoreUnavailableError` and `StoreUnsupportedError`."""

    @property
    def name(self) -> str:
        """Return the name of the store in messages."""
        ...

    @property
    def path(self) -> Path | None:
        """Return the file of the store, None if it is not a file."""
        ...

    def head(self) -> Head:
        """Return the newest revision of the store and its history."""
        ...

    def pages(self) -> AbstractContextManager[Pages]:
        """Yield a function that opens short read transactions; servers may write meanwhile and do not wait for long."""
        ...

    def snapshot_transaction(self) -> AbstractContextManager[Connection]:
        """Yield a transaction that reads one consistent state, to move the store elsewhere.

        Raise `StoreBusyError` if a server has locked the store.
        """
        ...

    def snapshot_transaction_beside(self, path: Path) -> AbstractContextManager[Connection]:
        """Yield a transaction that reads one consistent state while servers write; a temporary copy may be made beside `path`."""
        ...

    def fill_transaction(self) -> AbstractContextManager[Connection]:
        """Yield a write transaction on a store that must be empty, committed at the end; create the store if it does not exist."""
        ...


def open_admin_store(url: str) -> AdminStore:
    """Return the store that `url` names; raise `StoreUnsupportedError` if it is not one that lasts."""
    kind, rest = split_url(url)
    if kind == "memory":
        raise StoreUnsupportedError(
            "a store in memory exists only in its server; give `sqlite:///PATH` or `postgresql://...`"
        )
    if kind == "sqlite":
        return SqliteAdminStore(sqlite_path(rest))
    require_postgres()
    from rolecall.storage.maintenance.postgres_admin import PostgresAdminStore  # noqa: PLC0415 -- needs an optional library

    return PostgresAdminStore(url)
