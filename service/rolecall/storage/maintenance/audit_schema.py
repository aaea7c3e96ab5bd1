"""The audit of the schema: tables, indexes and settings are as this version makes them, and there are no triggers or views.

A trigger alters what servers write, a view what they read, and without an index the same rows are found slowly or not at all.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, create_engine

from rolecall.policy.wording import quoted
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.maintenance.audit_postgres_schema import PostgresSchemaAudit
from rolecall.storage.sql.schema import prepare_schema, read_schema
from rolecall.storage.sql.tables import SCHEMA

_OBJECTS = r"SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'"
_SETTINGS = {"encoding": "UTF-8", "user_version": 0, "application_id": 0}


class _Object(NamedTuple):
    """A table, index, trigger or view of a SQLite file, and the statement that made it."""

    kind: str
    name: str
    table: str
    sql: str


def check_schema(connection: Connection, findings: Findings) -> None:
    """Add a finding for each difference from the schema of this version; a newer schema is not examined."""
    if read_schema(connection, "the store") != SCHEMA:
        return
    if connection.dialect.name == "sqlite":
        _check_sqlite(connection, findings)
    else:
        PostgresSchemaAudit(connection, findings).run()


def _check_sqlite(connection: Connection, findings: Findings) -> None:
    found, wanted = _objects(connection), _wanted()
    for name, made in sorted(wanted.items()):
        there = found.get(name)
        if there is None:
            findings.add(None, f"{made.kind} {quoted(name)} is missing")
        elif there != made:
            findings.add(None, f"{made.kind} {quoted(name)} is not as this version makes it: {quoted(there.sql)}")
    for name in sorted(found.keys() - wanted.keys()):
        there = found[name]
        of = "" if there.table == name else f" of table {quoted(there.table)}"
        findings.add(None, f"there is a {there.kind} {quoted(name)}{of}, which no version makes")
    for setting, value in _SETTINGS.items():
        stored = connection.exec_driver_sql(f"PRAGMA {setting}").scalar_one()
        if stored != value:
            findings.add(None, f"the setting `{setting}` is {quoted(str(stored))}, it must be {quoted(str(value))}")


def _objects(connection: Connection) -> dict[str, _Object]:
    rows = connection.exec_driver_sql(_OBJECTS).all()
    return {name: _Object(kind, name, table, _normal(sql)) for kind, name, table, sql in rows}


def _normal(sql: str) -> str:
    """Return a statement without differences of white space."""
    return re.sub(r"\s*([(),])\s*", r"\1", re.sub(r"\s+", " ", sql)).strip()


@cache
def _wanted() -> dict[str, _Object]:
    """Return the objects of a new store."""
    engine = create_engine("sqlite://")
    prepare_schema(engine.begin, "the store")
    with engine.connect() as connection:
        return _objects(connection)
