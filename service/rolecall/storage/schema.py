"""The schema of a SQL store: made when it is new, brought up to date when it is old, refused when it is a later version's."""

from __future__ import annotations

import secrets
import uuid

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, select

from rolecall.roles.errors import StoreUnsupportedError
from rolecall.roles.serial import FIRST_HASH
from rolecall.storage.memory import FIRST_ROLE_ID
from rolecall.storage.tables import ONE_ROW, counter, floor, meta

_VERSION_TABLE = "alembic_version"


def prepare_schema(connection: Connection, store: str) -> None:
    """Bring the schema to this version within the connection's transaction; a new store also gets its rows.

    Raise `StoreUnsupportedError` if the tables are those of something else, or of a later version.
    """
    config = Config()
    config.set_main_option("script_location", "rolecall.storage:migrations")
    config.attributes["connection"] = connection
    _require_known(connection, ScriptDirectory.from_config(config), store)
    command.upgrade(config, "head")
    if connection.execute(select(meta.c.id)).one_or_none() is None:
        _insert_first_rows(connection)


def _require_known(connection: Connection, script: ScriptDirectory, store: str) -> None:
    tables = set(inspect(connection).get_table_names())
    if tables and not {_VERSION_TABLE, meta.name, counter.name} <= tables:
        raise StoreUnsupportedError(f"`{store}` is a database of something else; give a file of its own")
    known = {revision.revision for revision in script.walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if not found <= known:
        raise StoreUnsupportedError(
            f"`{store}` has schema {', '.join(sorted(found - known))}, this version knows up to {max(known)};"
            " open it with the version that wrote it, or a later one"
        )


def _insert_first_rows(connection: Connection) -> None:
    incarnation, key = str(uuid.uuid4()), secrets.token_bytes(32)
    connection.execute(insert(meta), {"id": ONE_ROW, "incarnation": incarnation, "token_key": key})
    standing = {"id": ONE_ROW, "revision": 0, "hash": FIRST_HASH}
    connection.execute(insert(counter), {**standing, "next_role_id": FIRST_ROLE_ID})
    connection.execute(insert(floor), standing)
