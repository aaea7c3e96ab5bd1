"""A whole store as rows, read in one transaction and inserted into an empty store.

Values are copied unchanged, the log as its stored bytes. Memory is bounded: rows are read and written in batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar

from sqlalchemy import Column, Connection, Table, delete, func, insert, select, update

from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import BrokenHistoryError, StoreUnsupportedError
from rolecall.roles.repository import Head
from rolecall.storage.maintenance.audit_log import read_position
from rolecall.storage.sql.queries import lock_for_writing, select_roles
from rolecall.storage.sql.schema import read_schema
from rolecall.storage.sql.tables import (
    SCHEMA,
    accounts,
    changes,
    commits,
    counter,
    floor,
    meta,
    requests,
    role_tags,
    roles,
)

ONE_ROW_TABLES = (meta, counter, floor)
TABLES = (*ONE_ROW_TABLES, accounts, roles, role_tags, commits, changes, requests)
"""In the order in which they are read and written: first the tables with the position of the store."""

ROWS_PER_BATCH = 250

R = TypeVar("R", bound=Sequence[Any])

OnProgress: TypeAlias = Callable[[int], object]
"""Called with the number of rows so far."""

_SCHEMA_COLUMNS = {counter.c.compatible_from}


class RowBatch(NamedTuple):
    """Some rows of a table, in the order of `data_columns`."""

    table: Table
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class StoreContents:
    """The newest revision of a store, the number of its roles, and their digest."""

    head: Head
    roles: int
    digest: bytes


def data_columns(table: Table) -> list[Column[Any]]:
    """Return the columns that contain data, not facts about the present schema."""
    return [column for column in table.c if column not in _SCHEMA_COLUMNS]


def require_current_schema(connection: Connection, store: str) -> None:
    """Raise `StoreUnsupportedError` unless the store has exactly the schema of this version, so that no column is missed."""
    found = read_schema(connection, store)
    if found != SCHEMA:
        action = (
            "run `rolecall migrate` first" if found < SCHEMA else "use the version that migrated it, or a later one"
        )
        raise StoreUnsupportedError(f"{store} has schema {found:04}, this version copies schema {SCHEMA:04}; {action}")


def row_batches(connection: Connection) -> Iterator[RowBatch]:
    """Yield all rows of a store; raise `BrokenHistoryError` if a value does not have the type of its column."""
    for table in TABLES:
        columns = data_columns(table)
        statement = select(*columns).execution_options(yield_per=ROWS_PER_BATCH)
        for rows in connection.execute(statement).partitions():
            require_types(table, rows)
            yield RowBatch(table, rows)


def read_contents(connection: Connection) -> StoreContents:
    """Return a summary of a store; reads every role."""
    digest = StateDigest()
    for rows in connection.execute(select_roles().execution_options(yield_per=ROWS_PER_BATCH)).partitions():
        digest.add_stored(rows)
    return StoreContents(head=read_position(connection).head, roles=digest.roles, digest=digest.value)


def require_empty(connection: Connection, store: str) -> None:
    """Lock the store for this transaction; raise `StoreUnsupportedError` if it contains anything."""
    lock_for_writing(connection)
    revision = read_position(connection).head.revision
    if revision or _count(connection, roles) or _count(connection, commits):
        raise StoreUnsupportedError(
            f"{store} is not empty, it is at revision {revision}; give a file that does not exist, or a new database"
        )


def fill(connection: Connection, batches: Iterable[RowBatch], on_progress: OnProgress) -> None:
    """Insert rows into a store that `require_empty` has locked."""
    for table in TABLES:
        if table not in ONE_ROW_TABLES:
            connection.execute(delete(table))
    total = 0
    for table, rows in batches:
        names = [column.name for column in data_columns(table)]
        values = [dict(zip(names, row, strict=True)) for row in rows]
        if table in ONE_ROW_TABLES:
            # Updated and not replaced, so that the columns about the schema keep their values.
            connection.execute(update(table).values(values[0]))
        else:
            connection.execute(insert(table), values)
        total += len(rows)
        on_progress(total)


def require_types(table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Raise `BrokenHistoryError` if a value does not have the type of its column."""
    if any(mistyped(data_columns(table), rows)):
        raise BrokenHistoryError(f"table `{table.name}` has a value of a wrong type; run `rolecall audit verify`")


def mistyped(columns: Sequence[Column[Any]], rows: Iterable[R]) -> Iterator[tuple[R, int]]:
    """Yield each value that does not have the type of its column: its row, and the index of the column in `columns`."""
    types = tuple(column.type.python_type for column in columns)
    for row in rows:
        found = tuple(map(type, row))
        if found != types:
            yield from ((row, index) for index, type_ in enumerate(types) if found[index] is not type_)


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
