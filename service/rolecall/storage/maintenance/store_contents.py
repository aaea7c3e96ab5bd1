"""A whole store as rows: read at one moment, and put into an empty store.

Rows move as they are, the log with its stored bytes: nothing is made anew on the way. Memory is bounded, some rows go by at a time.
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
from rolecall.storage.sql.rows import role_of_row
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
"""In the order in which they are read and written: first what says where the store stands."""

ROWS_PER_BATCH = 250

R = TypeVar("R", bound=Sequence[Any])

OnProgress: TypeAlias = Callable[[int], object]
"""Gets how many rows have gone by."""

_OF_THE_SCHEMA = {counter.c.compatible_from}


class RowBatch(NamedTuple):
    """Some rows of a table, in the order of `data_columns`."""

    table: Table
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class StoreContents:
    """What a store holds: where it stands, how many roles it has, and their digest."""

    head: Head
    roles: int
    digest: bytes


def data_columns(table: Table) -> list[Column[Any]]:
    """Return the columns that belong to the store, and not to the schema that it has at the moment."""
    return [column for column in table.c if column not in _OF_THE_SCHEMA]


def require_current_schema(connection: Connection, store: str) -> None:
    """Raise `StoreUnsupportedError` unless this version knows every column of the store."""
    found = read_schema(connection, store)
    if found != SCHEMA:
        what = "run `rolecall migrate` first" if found < SCHEMA else "use the version that made it, or a later one"
        raise StoreUnsupportedError(f"{store} has schema {found:04}, this version moves {SCHEMA:04}; {what}")


def row_batches(connection: Connection) -> Iterator[RowBatch]:
    """Yield all rows of a store; raise `BrokenHistoryError` at one that is not of its table's types."""
    for table in TABLES:
        columns = data_columns(table)
        statement = select(*columns).execution_options(yield_per=ROWS_PER_BATCH)
        for rows in connection.execute(statement).partitions():
            require_types(table, rows)
            yield RowBatch(table, rows)


def read_contents(connection: Connection) -> StoreContents:
    """Return what a store holds, having looked at every role."""
    digest = StateDigest()
    for row in connection.execute(select_roles().execution_options(yield_per=ROWS_PER_BATCH)):
        digest.add(role_of_row(row))
    return StoreContents(head=read_position(connection).head, roles=digest.roles, digest=digest.value)


def require_empty(connection: Connection, store: str) -> None:
    """Take the store for this transaction alone; raise `StoreUnsupportedError` if it holds anything."""
    lock_for_writing(connection)
    revision = read_position(connection).head.revision
    if revision or _count(connection, roles) or _count(connection, commits):
        raise StoreUnsupportedError(
            f"{store} is not empty, it stands at revision {revision}; name a file that is not there, or a new database"
        )


def fill(connection: Connection, steps: Iterable[RowBatch], on_progress: OnProgress) -> None:
    """Put rows into a store that `require_empty` has taken."""
    for table in TABLES:
        if table not in ONE_ROW_TABLES:
            connection.execute(delete(table))
    done = 0
    for table, rows in steps:
        names = [column.name for column in data_columns(table)]
        values = [dict(zip(names, row, strict=True)) for row in rows]
        if table in ONE_ROW_TABLES:
            # Changed and not replaced, so that what belongs to the schema stays as it is.
            connection.execute(update(table).values(values[0]))
        else:
            connection.execute(insert(table), values)
        done += len(rows)
        on_progress(done)


def require_types(table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Raise `BrokenHistoryError` if a value is not of the type of its column."""
    if any(mistyped(data_columns(table), rows)):
        raise BrokenHistoryError(
            f"table `{table.name}` has a row that no version of this program wrote; see `rolecall audit verify`"
        )


def mistyped(columns: Sequence[Column[Any]], rows: Iterable[R]) -> Iterator[tuple[R, int]]:
    """Yield each value that is not of the type of its column: its row, and the place of the column in `columns`."""
    types = tuple(column.type.python_type for column in columns)
    for row in rows:
        found = tuple(map(type, row))
        if found != types:
            yield from ((row, place) for place, type_ in enumerate(types) if found[place] is not type_)


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
