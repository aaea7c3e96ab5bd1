"""Each table by itself, before the walks over them: every value of the type of its column, and no key empty.

SQLite keeps a value of any type in any column, and the walks would trip over it: they are only for tables that do not hinder them.
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
_READ_WHATEVER_THEY_ARE = {commits.c.body, changes.c.body}
_AS_IT_IS = NullType()
_TYPE_NAMES = {int: "a whole number", float: "a fraction", str: "text", bytes: "bytes", NoneType: "nothing"}


class TableAudit:
    """One look at every row of every table."""

    def __init__(self, pages: Pages, findings: Findings) -> None:
        self._pages, self._findings = pages, findings
        self._hindering: set[Table] = set()

    def run(self, on_progress: Callable[[int], object]) -> None:
        """Look at everything; `on_progress` gets how many rows have been examined."""
        done = 0
        for table in TABLES:
            for rows in self._pages_of(table):
                self._examine_types(table, rows)
                self._examine_keys(table, rows)
                done += len(rows)
                on_progress(done)

    def hinders(self, tables: Collection[Table]) -> bool:
        """Return whether one of `tables` has values over which a walk would trip."""
        return not self._hindering.isdisjoint(tables)

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
        for row, place in mistyped(columns, rows):
            column = columns[place]
            found, wanted = _TYPE_NAMES[type(row[place])], _TYPE_NAMES[column.type.python_type]
            self._add(column, row, f"is {found}, it must be {wanted}")
            if column not in _READ_WHATEVER_THEY_ARE:
                self._hindering.add(table)

    def _examine_keys(self, table: Table, rows: Sequence[AnyRow]) -> None:
        for place, column in enumerate(table.c):
            if column in _NEVER_EMPTY:
                for row in rows:
                    if row[place] == "":
                        self._add(column, row, "is empty, it must name something")

    def _add(self, column: Column[Any], row: AnyRow, what: str) -> None:
        key = quoted(", ".join(map(str, _key(column.table, row))))
        revision = getattr(row, "revision", None)
        self._findings.add(revision if isinstance(revision, int) else None, f"`{column}` of the row {key} {what}")


def check_compatible_from(connection: Connection, findings: Findings) -> None:
    """Note a break if the store says that no version which knows its schema may write to it."""
    oldest = connection.execute(select(counter.c.compatible_from)).scalar_one()
    found = read_schema(connection, "the store")
    if oldest > found:
        findings.add(
            None,
            f"the store has schema {found:04}, but lets only versions write that know schema {oldest:04} or later:"
            " `counter.compatible_from` must not be higher than its schema",
        )


def _page(table: Table, after: list[object] | None) -> Select[*tuple[Any, ...]]:
    """Return the read of the rows that follow; keys of wrong types have their place in the order too."""
    key = tuple(table.primary_key)
    statement = select(*table.c).order_by(*key).limit(ROWS_PER_PAGE)
    if after is None:
        return statement
    place = (bindparam(None, value, type_=_AS_IT_IS) for value in after)
    return statement.where(tuple_(*key) > tuple_(*place))


def _key(table: FromClause, row: AnyRow) -> list[object]:
    return [value for column, value in zip(table.c, row, strict=True) if column.primary_key]
