"""Migration of a PostgreSQL database, in transactions under a lock for which a second migration waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import Connection, inspect

from rolecall.storage.postgres.driver import STORE_NAME, one_transaction, require_encoding
from rolecall.storage.postgres.url import ConnectionParameters, parse_url
from rolecall.storage.sql.queries import lock_counter
from rolecall.storage.sql.schema import prepare_schema, read_schema
from rolecall.storage.sql.tables import counter

_ADVISORY_LOCK = 0x726F_6C65_6361_6C6C
"""An arbitrary number that only this service uses: its name in ASCII."""

_BEGIN = """
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT set_config('lock_timeout', '300s', true), set_config('statement_timeout', '0', true)
"""


def migrate_postgres(url: str) -> tuple[int, int]:
    """Migrate the schema of a database to this version; return it before and after.

    Servers may keep running: their transactions and this one wait for each other, briefly.
    """
    return prepare_schema(partial(_exclusive_transaction, parse_url(url)), STORE_NAME)


@contextmanager
def _exclusive_transaction(parameters: ConnectionParameters) -> Iterator[Connection]:
    with one_transaction(parameters, _BEGIN) as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        require_encoding(connection.exec_driver_sql("SELECT current_setting('server_encoding')").scalar_one())
        if inspect(connection).has_table(counter.name):
            # The lock that every writer takes first: otherwise this transaction and a write could deadlock.
            lock_counter(connection)
        yield connection


def read_postgres_schema(url: str) -> int:
    """Return the schema of a database, 0 if there are no tables."""
    with one_transaction(parse_url(url), _BEGIN) as connection:
        return read_schema(connection, STORE_NAME)
