"""The store in one SQLite file: the default, for one server at a time (`lock.py`)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool, QueuePool

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.role import Revision
from rolecall.storage.sql.schema import prepare_schema, read_schema, require_every_table, require_rows
from rolecall.storage.sql.store import WRITES, SqlRoleRepository
from rolecall.storage.sqlite.lock import StoreLock
from rolecall.storage.sqlite.new_store import new_store, require_content, store_file

BUSY_TIMEOUT_MS = 5_000
MAX_CONNECTIONS = 16
ROOM_BYTES = 1024 * 1024
"""The free space from which on a store that could not write is tried again."""
FIRST_SAFE_WAL_VERSION = (3, 51, 3)
"""Earlier versions of SQLite can corrupt the write-ahead log; there a rollback journal is used."""


def open_sqlite(path: Path, *, create: bool = True) -> SqlRoleRepository:
    """Open the store in a file; with `create`, make one if there is no file.

    Raise `StoreBusyError` if another server has it open, `StoreUnsupportedError` if it is another program's, has no tables or its
    schema is not supported, `StoreUnavailableError` if it cannot be opened or made.
    """
    path = store_file(path)
    lock = StoreLock(path)
    try:
        if not path.exists():
            _require_creation(path, allowed=create)
            with new_store(path) as fresh:
                create_tables(fresh)
        lock.lock_file()
        return _open_locked(path, lock)
    except BaseException:
        lock.release()
        raise


def migrate_sqlite(path: Path) -> tuple[int, int]:
    """Migrate the schema of a file to this version; return it before and after. Raise as `open_sqlite` does."""
    before = read_sqlite_schema(path)
    open_sqlite(path).close()
    return before, read_sqlite_schema(path)


def read_sqlite_schema(path: Path) -> int:
    """Return the schema of a file, 0 if it does not exist; a server may be using it. Raise as `open_sqlite` does."""
    path = store_file(path)
    if not path.exists():
        return 0
    engine = create_engine("sqlite+pysqlite://", creator=partial(connect_sqlite, path), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return require_tables(connection, path)
    except SQLAlchemyError as error:
        raise sqlite_unavailable_error(path, error) or error from error


def require_tables(connection: Connection, path: Path) -> int:
    """Return the schema of an existing file; raise `StoreUnsupportedError` if it has no tables, or those of another program."""
    schema = read_schema(connection, f"`{path}`")
    require_content(path, schema)
    return schema


def create_tables(path: Path) -> None:
    """Make the tables and the first rows of a store in an empty file."""
    engine = _engine(path)
    try:
        _migrate(engine, path)
    except SQLAlchemyError as error:
        raise sqlite_unavailable_error(path, error) or error from error
    finally:
        engine.dispose()


class SqliteDriver:
    """What is specific to SQLite: the lock file, and what its errors mean."""

    def __init__(self, path: Path, lock: StoreLock) -> None:
        self._path, self._lock = path, lock

    @property
    def exclusive(self) -> bool:
        """Return True: the lock file keeps other servers out."""
        return True

    def notify(self, connection: Connection, revision: Revision) -> None:
        """Do nothing: no other server uses the file."""

    def notifications(self) -> None:
        """Return None: no other server writes."""
        return

    def unavailable_error(self, error: SQLAlchemyError | sqlite3.Error) -> StoreUnavailableError | None:
        """Return the error that the caller gets; None if the error does not come from the file."""
        return sqlite_unavailable_error(self._path, error)

    def require_room(self) -> None:
        """Raise `StoreUnavailableError` if the file system of the store is as good as full."""
        # A small write may fit into the journal, which is reused, when nothing else fits on the disk.
        try:
            system = os.statvfs(self._path.parent)
        except OSError as error:
            raise StoreUnavailableError(f"`{self._path}` cannot be used now: {error.strerror}") from error
        if system.f_bavail * system.f_frsize < ROOM_BYTES:
            raise StoreUnavailableError(f"`{self._path}` has less than {ROOM_BYTES} free bytes on its file system")

    def shorten_timeouts(self) -> None:
        """Do nothing: every operation on a file ends within the busy timeout."""

    def release(self) -> None:
        """Release the lock file."""
        self._lock.release()


def sqlite_unavailable_error(path: Path, error: SQLAlchemyError | sqlite3.Error) -> StoreUnavailableError | None:
    """Return the error that the caller gets; None if the error does not come from the file."""
    if isinstance(error, PoolTimeoutError):
        return StoreUnavailableError(f"`{path}` is in use by {MAX_CONNECTIONS} reads; try again")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.OperationalError | sqlite3.InternalError) or type(cause) is sqlite3.DatabaseError:
        return StoreUnavailableError(f"`{path}` cannot be used now: {cause}")
    return None


def _open_locked(path: Path, lock: StoreLock) -> SqlRoleRepository:
    # On a connection of its own: an open one would keep the journal from being chosen.
    read_sqlite_schema(path)
    engine, driver = _engine(path), SqliteDriver(path, lock)
    try:
        _prepare(engine, path)
        return SqlRoleRepository(engine, driver)
    except (SQLAlchemyError, sqlite3.Error) as error:
        engine.dispose()
        raise driver.unavailable_error(error) or error from error
    except BaseException:
        engine.dispose()
        raise


def _require_creation(path: Path, *, allowed: bool) -> None:
    if not allowed:
        raise StoreUnavailableError(
            f"there is no store `{path}`, and none may be made; put it back, or make a new one with `rolecall migrate` or"
            " `--create-store auto`"
        )


def _engine(path: Path) -> Engine:
    engine = create_engine(
        "sqlite+pysqlite://",
        hide_parameters=True,
        creator=partial(connect_sqlite, path),
        poolclass=QueuePool,
        pool_size=MAX_CONNECTIONS,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_MS / 1_000,
    )
    event.listen(engine, "begin", _begin)
    return engine


def connect_sqlite(path: Path, *, mode: str = "rw") -> sqlite3.Connection:
    """Return a connection to an existing file; `mode` is `ro` or `rw`. The caller begins and ends transactions."""
    # Never `rwc`: a file that was removed is an error, not a new store. No isolation level: `_begin` begins transactions.
    uri = f"file:{quote(str(path))}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    # A write is on disk when it returns. EXTRA is FULL, and also makes the removal of a rollback journal durable.
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA foreign_keys = OFF")
    # A file from elsewhere must not run functions with side effects from its own views and triggers.
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    # IMMEDIATE takes the write lock now, so that the transaction never has to upgrade a read lock, which can fail.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare(engine: Engine, path: Path) -> None:
    _choose_journal(path)
    with engine.connect() as connection:
        require_rows(connection, f"`{path}`")
    _migrate(engine, path)
    with engine.connect() as connection:
        require_every_table(connection, f"`{path}`")


def _migrate(engine: Engine, path: Path) -> None:
    prepare_schema(partial(_write_transaction, engine), f"`{path}`")


@contextmanager
def _write_transaction(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            yield connection


def _choose_journal(path: Path) -> None:
    wanted = "wal" if sqlite3.sqlite_version_info >= FIRST_SAFE_WAL_VERSION else "delete"
    with closing(connect_sqlite(path)) as connection:
        (mode,) = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
    if mode != wanted:
        raise StoreUnavailableError(
            f"`{path}` has the journal mode `{mode}` and cannot change to `{wanted}` now; close other programs that use it"
        )
