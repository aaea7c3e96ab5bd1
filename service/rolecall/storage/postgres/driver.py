"""The store in a PostgreSQL database: for several servers over one state.

A connection is made when it is first needed. Every transaction begins with one statement that bounds how long it may wait and
refuses a standby, and nothing is kept in a session, so poolers may lend connections for a transaction. A write is READ COMMITTED:
it updates the counter row first, and what it reads after that was committed by the writers before it. The schema is never changed
from here (`postgres_schema.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool, Pool, QueuePool

from rolecall.roles.errors import StoreUnavailableError, StoreUnsupportedError
from rolecall.roles.role import Revision
from rolecall.storage.postgres.errors import unavailable_error
from rolecall.storage.postgres.notifications import CHANNEL, PostgresNotifications
from rolecall.storage.postgres.timeouts import ResponseTimeout
from rolecall.storage.postgres.url import ConnectionParameters, connect, parse_url
from rolecall.storage.sql.schema import require_schema
from rolecall.storage.sql.store import WRITES, SqlRoleRepository

MAX_CONNECTIONS = 8
POOL_TIMEOUT_SECONDS = 5

STORE_NAME = "the database"

# One round trip. A write leaves open whether it may write: the database's default says it.
_BEGIN = """
BEGIN ISOLATION LEVEL {};
SELECT pg_is_in_recovery(),
    current_setting('server_encoding'),
    set_config('lock_timeout', '{}', true),
    set_config('idle_in_transaction_session_timeout', '{}', true),
    set_config('statement_timeout', '{}', true)
"""
# A commit that is acknowledged is on the disk, also where the database would by default not wait for that.
_DURABLY = """,
    set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true)
"""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a transaction may wait, in milliseconds: for a writer, between two of its statements, for one of them.

    The database itself ends what takes longer; if it has said nothing at all for `response_timeout`, it is given up.
    """

    lock: int = 3_000
    idle: int = 5_000
    statement: int = 30_000
    response: int = 35_000


TIMEOUTS = Timeouts()


def open_postgres(url: str, timeouts: Timeouts = TIMEOUTS) -> SqlRoleRepository:
    """Open the store in a database: only the URL is looked at, raising `StoreUnsupportedError`.

    Every use raises `StoreUnavailableError` while the database cannot be reached or is a standby; the first one also raises
    `StoreUnsupportedError` if its schema is not one that this version works on.
    """
    parameters = parse_url(url)
    driver = PostgresDriver(parameters, timeouts)
    engine = postgres_engine(
        QueuePool(
            connector(parameters, driver.response_timeout),
            pool_size=MAX_CONNECTIONS,
            max_overflow=0,
            timeout=POOL_TIMEOUT_SECONDS,
            use_lifo=True,
            # Otherwise the first uses after a restart of the database would fail on the connections from before.
            pre_ping=True,
        )
    )
    event.listen(engine, "begin", driver.begin)
    return SqlRoleRepository(engine, driver)


def postgres_engine(pool: Pool) -> Engine:
    """Return the engine of a database. Its URL holds nothing: where it leads only the pool knows."""
    return create_engine("postgresql+psycopg://", pool=pool, hide_parameters=True, use_native_hstore=False)


def connector(
    parameters: ConnectionParameters, response_timeout: ResponseTimeout | None = None
) -> Callable[[], DBAPIConnection]:
    """Return the function with which a pool connects; without `response_timeout`, statements may take as long as they will."""
    return cast("Callable[[], DBAPIConnection]", partial(connect, parameters, response_timeout=response_timeout))


@contextmanager
def one_transaction(parameters: ConnectionParameters, begin: str) -> Iterator[Connection]:
    """Give a transaction on a connection of its own, begun by `begin`, whose statements may take as long as they will.

    Raise `StoreUnavailableError`.
    """
    engine = postgres_engine(NullPool(connector(parameters)))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        told = unavailable_error(error, connections=1)
        if told is None:
            raise
        raise told from error
    finally:
        engine.dispose()


class PostgresDriver:
    """How PostgreSQL begins, notifies and fails."""

    def __init__(self, parameters: ConnectionParameters, timeouts: Timeouts) -> None:
        self._parameters, self.response_timeout = parameters, ResponseTimeout(timeouts.response / 1_000)
        times = timeouts.lock, timeouts.idle, timeouts.statement
        self._begin_read = _BEGIN.format("REPEATABLE READ READ ONLY", *times)
        self._begin_write = _BEGIN.format("READ COMMITTED", *times) + _DURABLY
        self._schema_is_known = False

    @property
    def exclusive(self) -> bool:
        """Tell that others may write, too."""
        return False

    def begin(self, connection: Connection) -> None:
        """Begin a transaction; refuse a standby, and before the first one a schema that this version does not work on."""
        standby, encoding = self._execute_begin(connection)
        if standby:
            # Another connection may lead to the primary, after a failover.
            connection.invalidate()
            connection.engine.dispose()
            raise StoreUnavailableError(f"{STORE_NAME} is a standby; give the address of the primary")
        if not self._schema_is_known:
            require_encoding(encoding)
            require_schema(connection, STORE_NAME)
            self._schema_is_known = True

    def notify(self, connection: Connection, revision: Revision) -> None:
        """Notify those that listen when the transaction commits."""
        connection.execute(select(func.pg_notify(CHANNEL, str(revision))))

    def notifications(self) -> PostgresNotifications:
        """Return word of the commits of others."""
        response_timeout = ResponseTimeout(self.response_timeout.seconds)
        return PostgresNotifications(
            partial(connect, self._parameters, response_timeout=response_timeout), response_timeout
        )

    def unavailable_error(self, error: SQLAlchemyError) -> StoreUnavailableError | None:
        """Return the sentence for a database that cannot be used now; None for a mistake of ours."""
        return unavailable_error(error, connections=MAX_CONNECTIONS)

    def shorten_timeouts(self) -> None:
        """Give the database up soon where it says nothing."""
        self.response_timeout.shorten()

    def release(self) -> None:
        """Do nothing: the connections are the engine's."""

    def _execute_begin(self, connection: Connection) -> tuple[bool, str]:
        writes = connection.get_execution_options().get(WRITES, False)
        try:
            return _begin_and_read(connection, self._begin_write if writes else self._begin_read)
        except psycopg.Error as error:
            connection.invalidate(error)
            told = unavailable_error(error, connections=MAX_CONNECTIONS)
            if told is None:
                raise
            raise told from error


def require_encoding(encoding: str) -> None:
    """Raise `StoreUnsupportedError` if the database cannot keep every text as it is."""
    if encoding != "UTF8":
        raise StoreUnsupportedError(f"{STORE_NAME} has the encoding {encoding}; make one with ENCODING 'UTF8'")


def _begin_and_read(connection: Connection, statement: str) -> tuple[bool, str]:
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(statement)
        cursor.nextset()
        ((standby, encoding, *_),) = cursor.fetchall()
    return standby, encoding
