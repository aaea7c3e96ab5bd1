"""A PostgreSQL database that a command looks after.

Reading is one transaction that sees one moment and keeps no writer waiting. Statements may take longer here than those of a server.
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
from rolecall.storage.opening import migrate, schema_of
from rolecall.storage.postgres.driver import STORE_NAME, one_transaction
from rolecall.storage.postgres.url import parse_url
from rolecall.storage.sql.queries import read_head
from rolecall.storage.sql.schema import require_schema

_BOUNDS = """
SELECT set_config('lock_timeout', '10s', true),
    set_config('statement_timeout', '30min', true),
    set_config('idle_in_transaction_session_timeout', '30min', true)
"""
_READ = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_BOUNDS}"
_WRITE = f"BEGIN ISOLATION LEVEL READ COMMITTED; {_BOUNDS}, set_config('synchronous_commit', 'on', true)"


class PostgresAdminStore:
    """The store in a database. No message shows anything of its URL."""

    def __init__(self, url: str) -> None:
        self._url, self._parameters = url, parse_url(url)

    @property
    def name(self) -> str:
        """Return what it is called."""
        return STORE_NAME

    @property
    def path(self) -> None:
        """Return nothing: it is no file."""
        return

    def head(self) -> Head:
        """Return where the store stands now."""
        with one_transaction(self._parameters, _READ) as connection:
            _require_primary(connection)
            return read_head(connection)

    @contextmanager
    def pages(self) -> Iterator[Pages]:
        """Give one transaction for all pages: together they see one moment."""
        with one_transaction(self._parameters, _READ) as connection:
            require_schema(connection, self.name)
            yield lambda: nullcontext(connection)

    @contextmanager
    def snapshot_transaction(self) -> Iterator[Connection]:
        """Give a transaction; servers may go on writing after the moment that it sees."""
        with self._whole() as connection:
            _require_primary(connection)
            yield connection

    @contextmanager
    def snapshot_transaction_beside(self, path: Path) -> Iterator[Connection]:  # noqa: ARG002  (the database needs no place of ours)
        """Give a transaction, as `snapshot_transaction` does, also on a standby, which may lack the last writes."""
        with self._whole() as connection:
            yield connection

    @contextmanager
    def fill_transaction(self) -> Iterator[Connection]:
        """Give a write transaction, for which every other writer waits; the tables are made if they are not there."""
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
    """Raise `StoreUnavailableError` if what is read may lack acknowledged writes: the history would go on without them."""
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
        raise StoreUnavailableError(f"{STORE_NAME} is a standby; give the address of the primary")
