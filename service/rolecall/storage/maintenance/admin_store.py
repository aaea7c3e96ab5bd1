"""Stores as the commands see them that look after them: they are read whole, and filled when they are empty.

A server uses `rolecall.roles.repository` instead, which does neither.
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
from rolecall.storage.opening import require_postgres, split_url, sqlite_path


class AdminStore(Protocol):
    """A store that a command looks after. Every method may raise `StoreUnavailableError` and `StoreUnsupportedError`."""

    @property
    def name(self) -> str:
        """Return what messages call it."""
        ...

    @property
    def path(self) -> Path | None:
        """Return the file that it is, None where it is none."""
        ...

    def head(self) -> Head:
        """Return where it stands now."""
        ...

    def pages(self) -> AbstractContextManager[Pages]:
        """Give what reads it while servers write to it; no writer waits for long."""
        ...

    def snapshot_transaction(self) -> AbstractContextManager[Connection]:
        """Give a transaction that sees one moment of the store, to move it from here.

        A store that one server has for itself raises `StoreBusyError` while one has it.
        """
        ...

    def snapshot_transaction_beside(self, path: Path) -> AbstractContextManager[Connection]:
        """Give a transaction that sees one moment of the store while servers go on; what that takes lies beside `path`."""
        ...

    def fill_transaction(self) -> AbstractContextManager[Connection]:
        """Give a write transaction, committed at the end, on a store that must be empty; it is made if it is not there."""
        ...


def open_admin_store(url: str) -> AdminStore:
    """Return the store that `url` names; raise `StoreUnsupportedError` if there is nothing to look after."""
    kind, rest = split_url(url)
    if kind == "memory":
        raise StoreUnsupportedError(
            "a store in memory is its server's alone; give `sqlite:///PATH` or `postgresql://...`"
        )
    if kind == "sqlite":
        return SqliteAdminStore(sqlite_path(rest))
    require_postgres()
    from rolecall.storage.maintenance.postgres_admin import PostgresAdminStore  # noqa: PLC0415 -- needs an optional library

    return PostgresAdminStore(url)
