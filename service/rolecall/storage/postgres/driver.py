"""The store in a PostgreSQL database, which several servers may share.

Connections are made when they are first needed. No setting outlives a transaction, so a pooler may lend a connection for each
transaction. The schema is never changed from here (see `schema.py`).
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

# One round trip sets the limits of the transaction and asks whether this is a standby. A write does not say READ WRITE, so that
# `default_transaction_read_only` of the database applies.
_BEGIN = """
BEGIN ISOLATION LEVEL {};
SELECT pg_is_in_recovery(),
    current_setting('server_encoding'),
    set_config('lock_timeout', '{}', true),
    set_config('idle_in_transaction_session_timeout', '{}', true),
    set_config('statement_timeout', '{}', true)
"""
# An acknowledged commit is on disk, also where the database would not wait for that by default.
_DURABLY = """,
    set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true)
"""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The limits of a transaction, in milliseconds.

    The database enforces `lock` (waiting for another writer), `idle` (between two statements) and `statement` (running one). If it
    sends nothing for `response`, the connection is given up.
    """

    lock: int = 3_000
    idle: int = 5_000
    statement: int = 30_000
    response: int = 35_000


TIMEOUTS = Timeouts()


def open_postgres(url: str, timeouts: Timeouts = TIMEOUTS) -> SqlRoleRepository:
    """Return the store in a database, without connecting to it; raise `StoreUnsupportedError` if the URL does not parse.

    Every method raises `StoreUnavailableError` while the database cannot be reached or is a standby. The first one also raises
    `StoreUnsupportedError` if this version does not support the schema.
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
            # Otherwise the first reads after a restart of the database would fail on the old connections.
            pre_ping=True,
        )
    )
    event.listen(engine, "begin", driver.begin)
    return SqlRoleRepository(engine, driver)


def postgres_engine(pool: Pool) -> Engine:
    """Return the engine of a database. Its own URL is empty, so that it cannot leak: only the pool knows the parameters."""
    return create_engine("postgresql+psycopg://", pool=pool, hide_parameters=True, use_native_hstore=False)


def connector(
    parameters: ConnectionParameters, response_timeout: ResponseTimeout | None = None
) -> Callable[[], DBAPIConnection]:
    """Return the function with which a pool connects; without a `response_timeout` a statement may take any time."""
    return cast("Callable[[], DBAPIConnection]", partial(connect, parameters, response_timeout=response_timeout))


@contextmanager
def one_transaction(parameters: ConnectionParameters, begin: str) -> Iterator[Connection]:
    """Yield a transaction on a connection of its own, started by the SQL text `begin`; raise `StoreUnavailableError`.

    There is no response timeout: the text sets the limits.
    """
    engine = postgres_engine(NullPool(connector(parameters)))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        unavailable = unavailable_error(error, connections=1)
        if unavailable is None:
            raise
        raise unavailable from error


class PostgresDriver:
    """What is specific to PostgreSQL: how a transaction begins, how a commit is announced, and what its errors mean."""

    def __init__(self, parameters: ConnectionParameters, timeouts: Timeouts) -> None:
        self._parameters, self.response_timeout = parameters, ResponseTimeout(timeouts.response / 1_000)
        times = timeouts.lock, timeouts.idle, timeouts.statement
        self._begin_read = _BEGIN.format("REPEATABLE READ READ ONLY", *times)
        self._begin_write = _BEGIN.format("READ COMMITTED", *times) + _DURABLY
        self._schema_is_known = False

    @property
    def exclusive(self) -> bool:
        """Return False: other servers may write, too."""
        return False

    def begin(self, connection: Connection) -> None:
        """Begin a transaction; refuse a standby, and on the first transaction an unsupported schema or encoding."""
        standby, encoding = self._execute_begin(connection)
        if standby:
            # After a failover a new connection may reach the primary, so none of the old ones is reused.
            connection.invalidate()
            connection.engine.dispose()
            raise StoreUnavailableError(f"{STORE_NAME} is a standby; give the address of the primary")
        if not self._schema_is_known:
            require_encoding(encoding)
            require_schema(connection, STORE_NAME)
            self._schema_is_known = True

    def notify(self, connection: Connection, revision: Revision) -> None:
        """Notify the listening servers when the transaction commits."""
        connection.execute(select(func.pg_notify(CHANNEL, str(revision))))

    def notifications(self) -> PostgresNotifications:
        """Return the notifications of commits; their connection has a response timeout of its own."""
        response_timeout = ResponseTimeout(self.response_timeout.seconds)
        return PostgresNotifications(
            partial(connect, self._parameters, response_timeout=response_timeout), response_timeout
        )

    def unavailable_error(self, error: SQLAlchemyError) -> StoreUnavailableError | None:
        """Return the error that the caller gets; None if the error is a programming mistake of ours."""
        return unavailable_error(error, connections=MAX_CONNECTIONS)

    def require_room(self) -> None:
        """Do nothing: only the database knows its disk."""

    def shorten_timeouts(self) -> None:
        """Give up connections that stay silent for `CLOSING_SECONDS`."""
        self.response_timeout.shorten()

    def release(self) -> None:
        """Do nothing: the connections belong to the engine."""

    def _execute_begin(self, connection: Connection) -> tuple[bool, str]:
        writes = connection.get_execution_options().get(WRITES, False)
        try:
            return _begin_and_read(connection, self._begin_write if writes else self._begin_read)
        except psycopg.Error as error:
            connection.invalidate(error)
            unavailable = unavailable_error(error, connections=MAX_CONNECTIONS)
            if unavailable is None:
                raise
            raise unavailable from error


def require_encoding(encoding: str) -> None:
    """Raise `StoreUnsupportedError` if the database cannot store every text."""
    if encoding != "UTF8":
        raise StoreUnsupportedError(f"{STORE_NAME} has the encoding {encoding}; create one with ENCODING 'UTF8'")


def _begin_and_read(connection: Connection, statement: str) -> tuple[bool, str]:
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(statement)
        cursor.nextset()
        ((standby, encoding, *_),) = cursor.fetchall()
    return standby, encoding
