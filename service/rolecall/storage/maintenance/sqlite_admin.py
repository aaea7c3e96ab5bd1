"""A SQLite file that a command maintains.

Reads beside a running server open the file read-only and need no lock file. Moving or filling the store takes the lock file, as a
server does.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import Head
from rolecall.storage.maintenance.audit_log import Pages
from rolecall.storage.maintenance.store_contents import require_current_schema, require_empty
from rolecall.storage.sql.queries import read_head
from rolecall.storage.sql.schema import read_schema, require_schema
from rolecall.storage.sqlite.driver import connect_sqlite, create_tables, require_tables, sqlite_unavailable_error
from rolecall.storage.sqlite.lock import StoreLock
from rolecall.storage.sqlite.new_store import new_store, require_content, store_file

PAGES_PER_STEP = 1_000
PAUSE_SECONDS = 0.005
MAX_RESTARTS = 10

_READ, _WRITE = "BEGIN", "BEGIN IMMEDIATE"


class SqliteAdminStore:
    """The store in one file."""

    def __init__(self, path: Path) -> None:
        self._path = store_file(path)

    @property
    def name(self) -> str:
        """Return the path, in backticks."""
        return f"`{self._path}`"

    @property
    def path(self) -> Path:
        """Return the file."""
        return self._path

    def head(self) -> Head:
        """Return the newest revision of the store and its history."""
        with _engine(self._path, "ro") as engine, engine.begin() as connection:
            return read_head(connection)

    @contextmanager
    def pages(self) -> Iterator[Pages]:
        """Yield a function that opens short read transactions; each reads a state of its own."""
        self._require_file()
        with _engine(self._path, "ro") as engine:
            with engine.begin() as connection:
                require_tables(connection, self._path)
                require_schema(connection, self.name)
            yield engine.begin

    @contextmanager
    def snapshot_transaction(self) -> Iterator[Connection]:
        """Yield a transaction that holds the lock file."""
        self._require_file()
        with self._locked(), _engine(self._path, "rw") as engine, engine.begin() as connection:
            require_tables(connection, self._path)
            require_current_schema(connection, self.name)
            yield connection

    @contextmanager
    def snapshot_transaction_beside(self, path: Path) -> Iterator[Connection]:
        """Yield a transaction on a temporary copy of the file, which is made in short steps."""
        self._require_file()
        copy = path.with_name(f".{path.name}.copy")
        # A crash may have left a copy there, with its journal.
        _remove(copy)
        try:
            os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
            self._copy_to(copy)
            with _engine(copy, "rw") as engine, engine.begin() as connection:
                require_content(self._path, read_schema(connection, self.name))
                require_current_schema(connection, self.name)
                yield connection
        finally:
            _remove(copy)

    @contextmanager
    def fill_transaction(self) -> Iterator[Connection]:
        """Yield a write transaction that holds the lock file. If there is no file, it appears when the transaction is committed."""
        with (
            self._locked(),
            self._existing_or_new() as file,
            _engine(file, "rw", _WRITE) as engine,
            engine.begin() as connection,
        ):
            require_tables(connection, file)
            require_current_schema(connection, self.name)
            require_empty(connection, self.name)
            yield connection

    @contextmanager
    def _existing_or_new(self) -> Iterator[Path]:
        """Yield the file of the store, or a new one with tables that becomes it at the end."""
        if self._path.exists():
            yield self._path
            return
        with new_store(self._path) as fresh:
            create_tables(fresh)
            yield fresh

    def _require_file(self) -> None:
        if not self._path.is_file():
            raise StoreUnavailableError(f"there is no store {self.name}; give the path of an existing one")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = StoreLock(self._path)
        try:
            if self._path.exists():
                lock.lock_file()
            yield
        finally:
            lock.release()

    def _copy_to(self, copy: Path) -> None:
        try:
            with closing(connect_sqlite(self._path, mode="ro")) as source, closing(connect_sqlite(copy)) as target:
                # The copy is deleted afterwards, so it need not survive a crash.
                target.execute("PRAGMA synchronous = OFF")
                _copy(source, target)
        except sqlite3.Error as error:
            raise _unavailable(self._path, error) or error from error


def _remove(copy: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        Path(f"{copy}{suffix}").unlink(missing_ok=True)


@contextmanager
def _engine(path: Path, mode: str, begin: str = _READ) -> Iterator[Engine]:
    # One connection, used by one thread: transactions are serial.
    creator = partial(connect_sqlite, path, mode=mode)
    engine = create_engine("sqlite+pysqlite://", creator=creator, poolclass=StaticPool, hide_parameters=True)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    try:
        yield engine
    except SQLAlchemyError as error:
        raise _unavailable(path, error) or error from error
    finally:
        engine.dispose()


def _unavailable(path: Path, error: SQLAlchemyError | sqlite3.Error) -> StoreUnavailableError | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_ROLLBACK:
        return StoreUnavailableError(
            f"`{path}` has an unfinished write, which a read-only connection cannot roll back;"
            " start its server, or run `rolecall migrate`"
        )
    return sqlite_unavailable_error(path, error)


class _RestartedError(Exception):
    """Writes have restarted the copying too often."""


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy a database in steps, between which servers may write; a write restarts the copying.

    After `MAX_RESTARTS` it is copied in one step, for which writers wait.
    """
    left: int | None = None
    restarts = 0

    def watch(_status: int, remaining: int, _total: int) -> None:
        nonlocal left, restarts
        # A step after which as much remains as before was restarted, or found the file locked.
        if left is not None and remaining >= left:
            restarts += 1
        left = remaining
        if restarts > MAX_RESTARTS:
            raise _RestartedError

    try:
        source.backup(target, pages=PAGES_PER_STEP, progress=watch, sleep=PAUSE_SECONDS)
    except _RestartedError:
        source.backup(target)
