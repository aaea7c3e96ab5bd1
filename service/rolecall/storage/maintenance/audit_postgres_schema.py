"""The audit of the schema of a PostgreSQL database, read from its catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Table, TextClause, text

from rolecall.policy.wording import quoted
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.sql.tables import IDENTIFIER, METADATA

_RELATION = text("""
SELECT relkind, relpersistence, relrowsecurity OR relforcerowsecurity AS secured, relispartition OR relhassubclass AS parted
FROM pg_class WHERE oid = to_regclass(:table)
""")
_COLUMNS = text("""
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, c.collname, a.attgenerated <> '' OR a.attidentity <> ''
FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
""")
_INDEXES = text("""
SELECT i.relname, x.indisunique, x.indisvalid AND x.indisready, substring(pg_get_indexdef(x.indexrelid) from ' USING (.*)$')
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = to_regclass(:table)
""")
_EXTRAS = text("""
SELECT 'trigger', tgname::text FROM pg_trigger WHERE tgrelid = to_regclass(:table) AND NOT tgisinternal
UNION ALL SELECT 'rule', rulename::text FROM pg_rewrite WHERE ev_class = to_regclass(:table) AND rulename <> '_RETURN'
UNION ALL SELECT 'policy', polname::text FROM pg_policy WHERE polrelid = to_regclass(:table)
UNION ALL SELECT 'constraint', conname::text FROM pg_constraint
    WHERE conrelid = to_regclass(:table) AND contype NOT IN ('p', 'n')
UNION ALL SELECT 'event trigger', evtname::text FROM pg_event_trigger WHERE :table = 'counter' AND evtenabled <> 'D'
ORDER BY 1, 2
""")


class PostgresSchemaAudit:
    """One examination of the schema of a database."""

    def __init__(self, connection: Connection, findings: Findings) -> None:
        self._connection, self._findings = connection, findings

    def run(self) -> None:
        """Examine every table."""
        for table in METADATA.sorted_tables:
            self._examine_relation(table)
            self._examine_columns(table)
            self._examine_indexes(table)
            for kind, name in self._read(_EXTRAS, table):
                self._add(table, f"has a {kind} {quoted(name)}, which no version makes")

    def _examine_relation(self, table: Table) -> None:
        ((kind, persistence, secured, parted),) = self._read(_RELATION, table)
        if kind != "r" or parted:
            self._add(table, "is not an ordinary table")
        if persistence != "p":
            self._add(table, "is not logged: a crash of the database empties it")
        if secured:
            self._add(table, "has row security, which hides rows from servers")

    def _examine_columns(self, table: Table) -> None:
        found = {
            name: (kind, required, collation, made)
            for name, kind, required, collation, made in self._read(_COLUMNS, table)
        }
        wanted = {column.name: _as_made(column) for column in table.c}
        for name in sorted(wanted.keys() - found.keys()):
            self._add(table, f"lacks the column {quoted(name)}")
        for name in sorted(found.keys() - wanted.keys()):
            self._add(table, f"has a column {quoted(name)}, which no version makes")
        for name in sorted(found.keys() & wanted.keys()):
            if found[name] != wanted[name]:
                self._add(table, f"has a column {quoted(name)} that is not as this version makes it")

    def _examine_indexes(self, table: Table) -> None:
        found = {
            name: (unique, valid, form.replace('"', "")) for name, unique, valid, form in self._read(_INDEXES, table)
        }
        wanted = {f"{table.name}_pkey": (True, True, _form([*table.primary_key]))}
        wanted |= {str(index.name): (bool(index.unique), True, _form([*index.columns])) for index in _indexes(table)}
        for name in sorted(wanted.keys() - found.keys()):
            self._add(table, f"lacks the index {quoted(name)}")
        for name in sorted(found.keys() - wanted.keys()):
            self._add(table, f"has an index {quoted(name)}, which no version makes")
        for name in sorted(found.keys() & wanted.keys()):
            if found[name] != wanted[name]:
                self._add(table, f"has an index {quoted(name)} that is not as this version makes it, or not valid")

    def _read(self, statement: TextClause, table: Table) -> Sequence[Any]:
        return self._connection.execute(statement, {"table": table.name}).all()

    def _add(self, table: Table, what: str) -> None:
        self._findings.add(None, f"table {quoted(table.name)} {what}")


def _indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _form(columns: Sequence[Column[Any]]) -> str:
    return f"btree ({', '.join(column.name for column in columns)})"


def _as_made(column: Column[Any]) -> tuple[str, bool, str | None, bool]:
    """Return the type of a column, that it needs a value, its collation, and that the database does not make its values."""
    if column.type.python_type is int:
        return "bigint" if isinstance(column.type, BigInteger) else "integer", True, None, False
    if column.type.python_type is bytes:
        return "bytea", True, None, False
    return "text", True, "C" if column.type is IDENTIFIER else "default", False
