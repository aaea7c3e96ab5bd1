"""Databases of a PostgreSQL server that hold an empty store."""

from __future__ import annotations

from urllib.parse import urlsplit

from rolecall.storage import migrate
from rolecall.storage.memory_transaction import FIRST_ROLE_ID
from tests.postgres import PostgresServer

AS_SCHEMA_0002 = (
    "ALTER TABLE counter DROP COLUMN digest",
    "ALTER TABLE counter DROP COLUMN compatible_from",
    "UPDATE alembic_version SET version_num = '0002'",
)
"""Statements that give a store of this version the schema 0002."""

_EMPTIED = ("accounts", "roles", "role_tags", "commits", "changes", "requests")


def database_of(url: str) -> str:
    """Return the name of the database that a URL leads to."""
    return urlsplit(url).path[1:]


def empty_store(server: PostgresServer) -> str:
    """Return the URL of a new database with an empty store."""
    url = server.create_database()
    migrate(url)
    return url


def clear(server: PostgresServer, url: str) -> None:
    """Make a store as it was when it was new, which is quicker than a new database."""
    position = "revision = 0, hash = decode(repeat('00', 32), 'hex')"
    statements = [
        *(f"DELETE FROM {table}" for table in _EMPTIED),
        f"UPDATE floor SET {position}",
        f"UPDATE counter SET {position}, next_role_id = {FIRST_ROLE_ID}, digest = decode(repeat('00', 32), 'hex')",
    ]
    server.execute("; ".join(statements), database=database_of(url))
