"""The store in one SQLite file: the default, for one server.

A write begins IMMEDIATE and is on the disk when it returns (`synchronous`). The write-ahead log is used only from SQLite 3.51.3 on,
since earlier versions can corrupt it; before that a rollback journal is. The file is its owner's alone (0600), and belongs to one
server at a time (`lock.py`).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool, QueuePool

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.role import Revision
from rolecall.storage.sql.schema import prepare_schema, read_schema
from rolecall.storage.sql.store import WRITES, SqlRoleRepository
from rolecall.storage.sqlite.lock import StoreLock

BUSY_TIMEOUT_MS = 5_000
MAX_CONNECTIONS = 16
FIRST_SAFE_WAL_VERSION = (3, 51, 3)


def open_sqlite(path: Path) -> SqlRoleRepository:
    """Open the store in a file, which is made if it is not there.

    Raise `StoreBusyError` if another server has it, `StoreUnsupportedError` if it is something else's or a later version's,
    `StoreUnavailableError` if it cannot be opened.
    """
    path = path.resolve()
    _require_directory(path)
    lock = StoreLock(path)
    try:
        return _opened(path, lock)
    except BaseException:
        lock.release()
        raise


def migrate_sqlite(path: Path) -> tuple[int, int]:
    """Bring the schema of a file to this version, as opening it does; return it before and after. Raise what opening raises."""
    before = read_sqlite_schema(path)
    open_sqlite(path).close()
    return before, read_sqlite_schema(path)


def read_sqlite_schema(path: Path) -> int:
    """Return the schema of a file, 0 if it is not there or empty; a server may be at work on it."""
    path = path.resolve()
    if not path.exists():
        return 0
    engine = create_engine("sqlite+pysqlite://", creator=partial(connect_sqlite, path), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return read_schema(connection, f"`{path}`")
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise sqlite_unavailable_error(path, error) or error from error


class SqliteDriver:
    """How SQLite fails, and what is held while its file is open."""

    def __init__(self, path: Path, lock: StoreLock) -> None:
        self._path, self._lock = path, lock

    @property
    def exclusive(self) -> bool:
        """Tell that nobody else can write: the lock file is held."""
        return True

    def notify(self, connection: Connection, revision: Revision) -> None:
        """Send no word, since there is nobody to read it."""

    def notifications(self) -> None:
        """Return nothing: nobody else writes."""
        return

    def unavailable_error(self, error: SQLAlchemyError | sqlite3.Error) -> StoreUnavailableError | None:
        """Return the sentence for a file that cannot be used now; None for what no file causes."""
        return sqlite_unavailable_error(self._path, error)

    def shorten_timeouts(self) -> None:
        """Do nothing: a file answers, or fails by itself after the busy time."""

    def release(self) -> None:
        """Let another server have the file."""
        self._lock.release()


def sqlite_unavailable_error(path: Path, error: SQLAlchemyError | sqlite3.Error) -> StoreUnavailableError | None:
    """Return the sentence for a file that cannot be used now; None for what no file causes."""
    if isinstance(error, PoolTimeoutError):
        return StoreUnavailableError(f"`{path}` has {MAX_CONNECTIONS} reads under way; try again")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.OperationalError | sqlite3.InternalError) or type(cause) is sqlite3.DatabaseError:
        return StoreUnavailableError(f"`{path}` cannot be used now: {cause}")
    return None


def _opened(path: Path, lock: StoreLock) -> SqlRoleRepository:
    _make_file(path)
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


def _require_directory(path: Path) -> None:
    if not path.parent.is_dir():
        raise StoreUnavailableError(f"there is no directory `{path.parent}` for the store; make it first")
    if path.exists() and not path.is_file():
        raise StoreUnavailableError(f"`{path}` is not a file")


def _make_file(path: Path) -> None:
    # Before SQLite does, which would let the umask decide who may read the token key.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnavailableError(f"cannot open `{path}` for writing: {error.strerror}") from error


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
    """Return a connection to a file that is there; `mode` is `ro` or `rw`. Transactions are begun and ended by hand."""
    # `rw`: a file that has gone is an error, not a new store. No isolation level: `_begin` begins transactions, not the driver.
    uri = f"file:{quote(str(path))}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    # EXTRA is FULL that also makes the end of a rollback journal durable.
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare(engine: Engine, path: Path) -> None:
    _choose_journal(path)
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            prepare_schema(connection, f"`{path}`")


def _choose_journal(path: Path) -> None:
    wanted = "wal" if sqlite3.sqlite_version_info >= FIRST_SAFE_WAL_VERSION else "delete"
    with closing(connect_sqlite(path)) as connection:
        (mode,) = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
    if mode != wanted:
        raise StoreUnavailableError(f"`{path}` keeps its journal as `{mode}` and cannot change to `{wanted}` now")
