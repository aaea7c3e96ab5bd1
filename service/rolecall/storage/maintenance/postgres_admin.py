"""A PostgreSQL database that a command maintains.

Everything is read in one transaction, which blocks no writer. Statements may take longer than those of a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import Head
from rolecall.storage.maintenance.audit_log import Pages
from rolecall.storage.maintenance.store_contents import require_current_schema, require_empty
from rolecall.storage.open import migrate, schema_of
from rolecall.storage.postgres.driver import STORE_NAME, one_transaction
from rolecall.storage.postgres.url import parse_url
from rolecall.storage.sql.queries import read_head
from rolecall.storage.sql.schema import require_schema

_LIMITS = """
SELECT set_config('lock_timeout', '10s', true),
    set_config('statement_timeout', '30min', true),
    set_config('idle_in_transaction_session_timeout', '30min', true)
"""
_READ = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_LIMITS}"
_WRITE = f"BEGIN ISOLATION LEVEL READ COMMITTED; {_LIMITS}, set_config('synchronous_commit', 'on', true)"


class PostgresAdminStore:
    """The store in a database. No message contains any part of its URL."""

    def __init__(self, url: str) -> None:
        self._url, self._parameters = url, parse_url(url)

    @property
    def name(self) -> str:
        """Return the name of the store in messages."""
        return STORE_NAME

    @property
    def path(self) -> None:
        """Return None: it is not a file."""
        return

    def head(self) -> Head:
        """Return the newest revision of the store and its history."""
        with one_transaction(self._parameters, _READ) as connection:
            _require_primary(connection)
            return read_head(connection)

    @contextmanager
    def pages(self) -> Iterator[Pages]:
        """Yield a function that returns the same transaction for every page, so that all of them read one state."""
        with one_transaction(self._parameters, _READ) as connection:
            require_schema(connection, self.name)
            yield lambda: nullcontext(connection)

    @contextmanager
    def snapshot_transaction(self) -> Iterator[Connection]:
        """Yield a transaction; servers may write meanwhile, which it does not see."""
        with self._whole() as connection:
            _require_primary(connection)
            yield connection

    @contextmanager
    def snapshot_transaction_beside(self, path: Path) -> Iterator[Connection]:  # noqa: ARG002  (a database needs no temporary copy)
        """Yield a transaction as `snapshot_transaction` does, also on a standby, which may lack the newest writes."""
        with self._whole() as connection:
            yield connection

    @contextmanager
    def fill_transaction(self) -> Iterator[Connection]:
        """Yield a write transaction, for which every other writer waits; create the tables if there are none."""
        if not schema_of(self._url):
            migrate(self._url)
        with one_transaction(self._parameters, _WRITE) as connection:
            require_current_schema(connection, self.name)
            require_empty(connection, self.name)
            yield connection

    @contextmanager
    def _whole(self) -> Iterator[Connection]:
        with one_transaction(self._parameters, _READ) as connection:
            require_current_schema(connection, self.name)
            yield connection


def _require_primary(connection: Connection) -> None:
    """Raise `StoreUnavailableError` on a standby: it may lack acknowledged writes, which the copied history would lose."""
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
        raise StoreUnavailableError(f"{STORE_NAME} is a standby; give the address of the primary")
