"""The audit of each table by itself: every value has the type of its column, and no key is empty.

SQLite stores values of any type in any column. The other audits would fail on wrong types, so they run only on tables without.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from types import NoneType
from typing import Any

from sqlalchemy import Column, Connection, FromClause, Select, Table, bindparam, select, tuple_
from sqlalchemy.types import NullType

from rolecall.policy.wording import quoted
from rolecall.storage.maintenance.audit_findings import Findings
from rolecall.storage.maintenance.audit_log import AnyRow, Pages
from rolecall.storage.maintenance.store_contents import TABLES, mistyped
from rolecall.storage.sql.schema import read_schema
from rolecall.storage.sql.tables import accounts, changes, commits, counter, role_tags, roles

ROWS_PER_PAGE = 500

_NEVER_EMPTY = {accounts.c.account_id, roles.c.key, role_tags.c.role_key}
_READABLE_WITH_ANY_TYPE = {commits.c.body, changes.c.body}
_ANY_TYPE = NullType()
_TYPE_NAMES = {int: "a whole number", float: "a fraction", str: "text", bytes: "bytes", NoneType: "nothing"}


class TableAudit:
    """One examination of every row of every table."""

    def __init__(self, pages: Pages, findings: Findings) -> None:
        self._pages, self._findings = pages, findings
        self._mistyped: set[Table] = set()

    def run(self, on_progress: Callable[[int], object]) -> None:
        """Examine everything; `on_progress` gets the number of rows so far."""
        done = 0
        for table in TABLES:
            for rows in self._pages_of(table):
                self._examine_types(table, rows)
                self._examine_keys(table, rows)
                done += len(rows)
                on_progress(done)

    def has_mistyped(self, tables: Collection[Table]) -> bool:
        """Return whether one of `tables` has values of wrong types, on which the other audits would fail."""
        return not self._mistyped.isdisjoint(tables)

    def _pages_of(self, table: Table) -> Iterator[Sequence[AnyRow]]:
        after: list[object] | None = None
        while True:
            with self._pages() as connection:
                rows = connection.execute(_page(table, after)).all()
            yield rows
            if len(rows) < ROWS_PER_PAGE:
                return
            after = _key(table, rows[-1])

    def _examine_types(self, table: Table, rows: Sequence[AnyRow]) -> None:
        columns = tuple(table.c)
        for row, index in mistyped(columns, rows):
            column = columns[index]
            found, wanted = _TYPE_NAMES[type(row[index])], _TYPE_NAMES[column.type.python_type]
            self._add(column, row, f"is {found}, it must be {wanted}")
            if column not in _READABLE_WITH_ANY_TYPE:
                self._mistyped.add(table)

    def _examine_keys(self, table: Table, rows: Sequence[AnyRow]) -> None:
        for index, column in enumerate(table.c):
            if column in _NEVER_EMPTY:
                for row in rows:
                    if row[index] == "":
                        self._add(column, row, "is empty, it must have a value")

    def _add(self, column: Column[Any], row: AnyRow, what: str) -> None:
        key = quoted(", ".join(map(str, _key(column.table, row))))
        revision = getattr(row, "revision", None)
        self._findings.add(revision if isinstance(revision, int) else None, f"`{column}` of the row {key} {what}")


def check_compatible_from(connection: Connection, findings: Findings) -> None:
    """Add a finding if `counter.compatible_from` excludes every version that supports the schema of the store."""
    oldest = connection.execute(select(counter.c.compatible_from)).scalar_one()
    found = read_schema(connection, "the store")
    if oldest > found:
        findings.add(
            None,
            f"the store has schema {found:04}, but accepts writes only from versions that support schema {oldest:04} or later:"
            " `counter.compatible_from` must not be higher than its schema",
        )


def _page(table: Table, after: list[object] | None) -> Select[*tuple[Any, ...]]:
    """Return the statement that reads the next page after a key, which may have values of wrong types."""
    key = tuple(table.primary_key)
    statement = select(*table.c).order_by(*key).limit(ROWS_PER_PAGE)
    if after is None:
        return statement
    position = (bindparam(None, value, type_=_ANY_TYPE) for value in after)
    return statement.where(tuple_(*key) > tuple_(*position))


def _key(table: FromClause, row: AnyRow) -> list[object]:
    return [value for column, value in zip(table.c, row, strict=True) if column.primary_key]
