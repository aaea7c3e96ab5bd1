"""The schema of a SQL store: created when it is new, migrated when it is older, left as it is when it is newer.

A schema has the number of its newest migration. `counter.compatible_from` is the oldest schema that a version must support to work
on it. So this version works on schemas from `OLDEST_SCHEMA` up to any later one that still allows it.
"""

from __future__ import annotations

import secrets
import uuid

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, inspect, select

from rolecall.roles.canonical_json import FIRST_HASH
from rolecall.roles.errors import StoreUnsupportedError
from rolecall.storage.memory_transaction import FIRST_ROLE_ID
from rolecall.storage.sql.tables import OLDEST_SCHEMA, ONE_ROW, SCHEMA, counter, floor, meta

_VERSION_TABLE = "alembic_version"


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


def prepare_schema(connection: Connection, store: str) -> tuple[int, int]:
    """Migrate the schema to this version within the connection's transaction; return it before and after.

    A new store also gets its first rows. A newer schema that this version supports is left as it is.
    """
    found = read_schema(connection, store)
    if found > SCHEMA:
        _require_compatible(connection, found, store)
        return found, found
    if found < SCHEMA:
        _upgrade(connection)
    if connection.execute(select(meta.c.id)).one_or_none() is None:
        _insert_first_rows(connection)
    return found, SCHEMA


def _require_compatible(connection: Connection, found: int, store: str) -> None:
    oldest = connection.execute(select(counter.c.compatible_from)).scalar_one()
    if oldest > SCHEMA:
        raise StoreUnsupportedError(
            f"{store} has schema {found:04}, for versions that support {oldest:04} or later; this one supports {SCHEMA:04}:"
            " open it with the version that wrote it, or a later one"
        )


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "rolecall.storage.sql:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, f"{SCHEMA:04}")


def _insert_first_rows(connection: Connection) -> None:
    incarnation, key = str(uuid.uuid4()), secrets.token_bytes(32)
    connection.execute(insert(meta), {"id": ONE_ROW, "incarnation": incarnation, "token_key": key})
    position = {"id": ONE_ROW, "revision": 0, "hash": FIRST_HASH}
    connection.execute(insert(counter), {**position, "next_role_id": FIRST_ROLE_ID})
    connection.execute(insert(floor), position)
