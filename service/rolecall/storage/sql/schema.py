"""The schema of a SQL store: created when it is new, migrated when it is older, left as it is when it is newer.

A schema has the number of its newest migration. `counter.compatible_from` is the oldest schema that a version must support to work
on it. So this version works on schemas from `OLDEST_SCHEMA` up to any later one that still allows it.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, insert, inspect, select

from rolecall.roles.canonical_json import FIRST_HASH
from rolecall.roles.digest import EMPTY_DIGEST
from rolecall.roles.errors import StoreUnsupportedError
from rolecall.storage.memory_transaction import FIRST_ROLE_ID
from rolecall.storage.sql.first_digest import add_next_roles
from rolecall.storage.sql.tables import (
    COMPATIBLE_FROM,
    METADATA,
    OLDEST_SCHEMA,
    ONE_ROW,
    SCHEMA,
    UNFINISHED_SCHEMA,
    counter,
    floor,
    meta,
)

Transactions: TypeAlias = Callable[[], AbstractContextManager[Connection]]
"""Returns a context manager that yields a connection in a write transaction, which is committed at the end."""

_VERSION_TABLE = "alembic_version"
_DAMAGED = "another program has changed it: restore a backup into a new store"


def read_schema(connection: Connection, store: str) -> int:
    """Return the number of the schema, 0 if there are no tables; raise `StoreUnsupportedError` if they are another program's.

    `store` names the store in messages.
    """
    inspector = inspect(connection)
    tables = {*inspector.get_table_names(), *inspector.get_view_names()}
    if not tables:
        return 0
    found = MigrationContext.configure(connection).get_current_heads() if _VERSION_TABLE in tables else ()
    if not {meta.name, counter.name} <= tables or len(found) != 1 or not found[0].isdecimal():
        raise StoreUnsupportedError(f"{store} contains the tables of another program; give a database of its own")
    return int(found[0])


def require_schema(connection: Connection, store: str) -> None:
    """Raise `StoreUnsupportedError` if this version does not support the schema."""
    found = read_schema(connection, store)
    if found == 0:
        raise StoreUnsupportedError(f"{store} has no tables yet; run `rolecall migrate` once")
    if found < OLDEST_SCHEMA:
        raise StoreUnsupportedError(
            f"{store} has schema {found:04}, this version needs {OLDEST_SCHEMA:04} or later; run `rolecall migrate`"
        )
    if found > SCHEMA:
        _require_compatible(connection, found, store)


def require_rows(connection: Connection, store: str) -> None:
    """Raise `StoreUnsupportedError` unless an existing store has its history, its position and its floor."""
    for table in (meta, counter, floor):
        rows = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if rows != 1:
            raise StoreUnsupportedError(f"{store} has {rows} rows in `{table.name}` instead of 1; {_DAMAGED}")


def require_every_table(connection: Connection, store: str) -> None:
    """Raise `StoreUnsupportedError` if a migrated store lacks a table that this version uses."""
    missing = METADATA.tables.keys() - {*inspect(connection).get_table_names()}
    if missing:
        raise StoreUnsupportedError(f"{store} has no table `{min(missing)}`; {_DAMAGED}")


def prepare_schema(transactions: Transactions, store: str) -> tuple[int, int]:
    """Migrate the schema to this version; return it before and after.

    Each of the `transactions` excludes all writers. A store with roles is migrated in several, and the next call continues
    where an interrupted one has ended. A new store also gets its first rows. A newer schema that this version supports is left
    as it is.
    """
    with transactions() as connection:
        found = read_schema(connection, store)
        if found > SCHEMA:
            _require_compatible(connection, found, store)
            return found, found
        if found < UNFINISHED_SCHEMA:
            _upgrade(connection, SCHEMA if found == 0 else UNFINISHED_SCHEMA)
        # Only then: an existing store that has lost its position is not a new one.
        if found == 0:
            _insert_first_rows(connection)
    while _continue_digest(transactions, store):
        pass
    return found, SCHEMA


def _continue_digest(transactions: Transactions, store: str) -> bool:
    """Add some roles to the digest of an unfinished schema; return whether there may be more."""
    with transactions() as connection:
        # Another process may have finished it meanwhile.
        if read_schema(connection, store) != UNFINISHED_SCHEMA:
            return False
        if add_next_roles(connection):
            return True
        _upgrade(connection, SCHEMA)
        return False


def _require_compatible(connection: Connection, found: int, store: str) -> None:
    oldest = connection.execute(select(counter.c.compatible_from)).scalar_one()
    if oldest > SCHEMA:
        raise StoreUnsupportedError(
            f"{store} has schema {found:04}, for versions that support {oldest:04} or later; this one supports {SCHEMA:04}:"
            " open it with the version that wrote it, or a later one"
        )


def _upgrade(connection: Connection, schema: int) -> None:
    config = Config()
    config.set_main_option("script_location", "rolecall.storage.sql:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, f"{schema:04}")


def _insert_first_rows(connection: Connection) -> None:
    incarnation, key = str(uuid.uuid4()), secrets.token_bytes(32)
    connection.execute(insert(meta), {"id": ONE_ROW, "incarnation": incarnation, "token_key": key})
    position = {"id": ONE_ROW, "revision": 0, "hash": FIRST_HASH}
    first = {"next_role_id": FIRST_ROLE_ID, "compatible_from": COMPATIBLE_FROM, "digest": EMPTY_DIGEST}
    connection.execute(insert(counter), {**position, **first})
    connection.execute(insert(floor), position)
