"""Changing the schema of a PostgreSQL database: in one transaction, under a lock that makes a second one wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, event, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from rolecall.storage.postgres import STORE_NAME, connecting, postgres_engine, require_encoding
from rolecall.storage.postgres_faults import unavailable
from rolecall.storage.postgres_url import parse_url
from rolecall.storage.queries import touch_counter
from rolecall.storage.schema import prepare_schema, read_schema
from rolecall.storage.tables import counter

_ADVISORY_LOCK = 0x726F_6C65_6361_6C6C
"""Any number that nobody else takes will do: this one spells the name of the service."""

_BEGIN = """
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT set_config('lock_timeout', '300s', true), set_config('statement_timeout', '0', true)
"""


def migrate_postgres(url: str) -> tuple[int, int]:
    """Bring the schema of a database to this version; return it before and after.

    Servers at work go on: their transactions wait for this one, or this one for theirs, none of which is long.
    """
    with _changing(url) as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        require_encoding(connection.exec_driver_sql("SELECT current_setting('server_encoding')").scalar_one())
        if inspect(connection).has_table(counter.name):
            # As writers do, so that this transaction and theirs do not wait for each other crosswise.
            touch_counter(connection)
        return prepare_schema(connection, STORE_NAME)


def read_postgres_schema(url: str) -> int:
    """Return the schema of a database, 0 if there are no tables."""
    with _changing(url) as connection:
        return read_schema(connection, STORE_NAME)


@contextmanager
def _changing(url: str) -> Iterator[Connection]:
    engine = postgres_engine(NullPool(connecting(parse_url(url))))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(_BEGIN))
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        told = unavailable(error, connections=1)
        if told is None:
            raise
        raise told from error
    finally:
        engine.dispose()
