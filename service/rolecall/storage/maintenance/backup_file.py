"""The format of a backup: gzip-compressed lines of JSON.

file    = header, for each table (columns, rows), end
header  = {"format": "rolecall-backup", "version": 2, "created": MICROS, "incarnation": ID, "revision": N}
columns = {"table": NAME, "columns": [NAME, ...]}
row     = [VALUE, ...]
end     = {"rows": N, "sha256": HEX}, the digest of every byte before this line

The bodies of commits and changes are JSON strings of their text, other bytes are base64. A format version has fixed tables and
columns: when they change, the version must change too. Version 1 had no `digest` in table `counter`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, BinaryIO, NamedTuple

from sqlalchemy import Column, Table

from rolecall.policy.wording import quoted
from rolecall.roles.digest import EMPTY_DIGEST
from rolecall.roles.errors import RoleError
from rolecall.storage.maintenance.store_contents import ROWS_PER_BATCH, TABLES, RowBatch, data_columns
from rolecall.storage.sql.tables import changes, commits, counter

FORMAT, VERSION = "rolecall-backup", 2
VERSION_WITHOUT_DIGEST = 1
"""Its table `counter` has no digest; it can still be read."""

MAX_HEADER_BYTES = 4_096
MAX_LINE_BYTES = 512 * 1024 * 1024
"""The longest lines are outcomes of `apply`: 180 MB when 100,000 roles are declared and a million others are deleted."""

COMPRESSION = 4

_BROKEN = (gzip.BadGzipFile, zlib.error, EOFError)
_encode = json.JSONEncoder(separators=(",", ":")).encode


class BackupError(RoleError):
    """A file is not a backup that can be restored, or would not be one. No store was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """The facts of a backup: when it was made (microseconds), its history and revision, the number of rows, and the digest."""

    created: int
    incarnation: str
    revision: int
    rows: int
    sha256: str


class BackupOrigin(NamedTuple):
    """When a backup was made (microseconds), and its history and revision."""

    created: int
    incarnation: str
    revision: int


class BackupWriter:
    """Writes a backup, from the header to the end; raise `BackupError` for a line that `BackupReader` would reject."""

    def __init__(self, file: BinaryIO, origin: BackupOrigin) -> None:
        self._packed = gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0)
        self._digest, self._origin = hashlib.sha256(), origin
        self._add({"format": FORMAT, "version": VERSION, **origin._asdict()})
        self._table: Table | None = None
        self.rows = 0

    def add(self, batch: RowBatch) -> None:
        """Write some rows of a table; the batches of one table must follow each other."""
        if batch.table is not self._table:
            self._table = batch.table
            self._add({"table": batch.table.name, "columns": _names(batch.table)})
        forms = _forms(batch.table)
        for row in batch.rows:
            self._add([form.written(value) for form, value in zip(forms, row, strict=True)])
        self.rows += len(batch.rows)

    def end(self) -> Backup:
        """Write the end, without which the file is not a backup."""
        sha256 = self._digest.hexdigest()
        self._add({"rows": self.rows, "sha256": sha256})
        self._packed.close()
        return Backup(**self._origin._asdict(), rows=self.rows, sha256=sha256)

    def _add(self, value: object) -> None:
        line = _encode(value).encode() + b"\n"
        if len(line) > MAX_LINE_BYTES:
            raise self._too_long(len(line))
        self._digest.update(line)
        self._packed.write(line)

    def _too_long(self, length: int) -> BackupError:
        table = f"table `{self._table.name}`" if self._table is not None else "the store"
        return BackupError(
            f"{table} has a row of {length:,} bytes in a backup, and `rolecall restore` accepts at most"
            f" {MAX_LINE_BYTES:,}; back the store up with the tools of its database, such as a dump or a snapshot"
        )


class BackupReader:
    """Reads a backup; raise `BackupError` as soon as the file proves not to be an unaltered backup."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._packed, self._name = gzip.GzipFile(fileobj=file), name
        self._digest, self.version = hashlib.sha256(), VERSION
        self._origin = self._read_origin()
        self._backup: Backup | None = None
        self.rows = 0

    @property
    def backup(self) -> Backup:
        """Return the facts of the backup, once all batches have been read."""
        if self._backup is None:
            raise RuntimeError("the backup has not been read to its end")
        return self._backup

    def batches(self) -> Iterator[RowBatch]:
        """Yield the rows. Trust them only once all have been read: the digest comes last."""
        for table, of_table in groupby(self._rows(), key=itemgetter(0)):
            while rows := [row for _, row in islice(of_table, ROWS_PER_BATCH)]:
                yield RowBatch(table, rows)

    def _rows(self) -> Iterator[tuple[Table, Sequence[Any]]]:
        table = None
        while isinstance(value := self._next(), list) or not self._is_end(value):
            if isinstance(value, dict):
                table = self._table_of(value)
            elif table is None:
                raise self._altered()
            else:
                self.rows += 1
                yield table, self._row(table, value)

    def _read_origin(self) -> BackupOrigin:
        try:
            line = self._packed.readline(MAX_HEADER_BYTES)
            header = json.loads(line)
            kind, version = header["format"], header["version"]
        except (*_BROKEN, ValueError, KeyError, TypeError, RecursionError):
            kind = ""
        if kind != FORMAT:
            raise BackupError(f"{self._name} is not a backup; give a file that `rolecall backup` wrote")
        if version not in (VERSION, VERSION_WITHOUT_DIGEST):
            raise BackupError(
                f"{self._name} has format {quoted(str(version))}, this version reads format {VERSION};"
                " restore it with the version that wrote it, or a later one"
            )
        self.version = version
        self._digest.update(line)
        if not header.keys() >= {*BackupOrigin._fields}:
            raise self._altered()
        return BackupOrigin(*(header[name] for name in BackupOrigin._fields))

    def _next(self) -> dict[str, Any] | list[Any]:
        """Return the next line, and add it to the digest unless it is the end."""
        line = self._line()
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise self._altered() from None
        if not isinstance(value, dict | list):
            raise self._altered()
        if isinstance(value, list) or "sha256" not in value:
            self._digest.update(line)
        return value

    def _line(self) -> bytes:
        try:
            line = self._packed.readline(MAX_LINE_BYTES)
        except EOFError:
            line = b""
        except _BROKEN:
            raise self._altered() from None
        if not line:
            raise BackupError(f"{self._name} is incomplete: its end is missing; nothing was restored")
        if not line.endswith(b"\n"):
            raise self._altered()
        return line

    def _is_end(self, value: Mapping[str, Any]) -> bool:
        """Return whether a line is the end; raise `BackupError` if it does not match the lines before it."""
        if "sha256" not in value:
            return False
        sha256 = self._digest.hexdigest()
        try:
            more = self._packed.read(1)
        except _BROKEN:
            more = b"?"
        if more or value != {"rows": self.rows, "sha256": sha256}:
            raise self._altered()
        self._backup = Backup(**self._origin._asdict(), rows=self.rows, sha256=sha256)
        return True

    def _table_of(self, value: Mapping[str, Any]) -> Table:
        name = value.get("table")
        table = next((known for known in TABLES if known.name == name), None)
        if table is None or value.get("columns") != _names(table)[: self._columns_of(table)]:
            raise self._altered()
        return table

    def _row(self, table: Table, values: list[Any]) -> Sequence[Any]:
        try:
            forms = _forms(table)[: self._columns_of(table)]
            row = [form.read(value) for form, value in zip(forms, values, strict=True)]
            return row if len(forms) == len(_forms(table)) else [*row, EMPTY_DIGEST]
        except (ValueError, TypeError, AttributeError):
            raise self._altered() from None

    def _columns_of(self, table: Table) -> int:
        """Return how many columns of a table the file has: in the old format all but the last one of `counter`."""
        without = self.version == VERSION_WITHOUT_DIGEST and table is counter
        return len(data_columns(table)) - without

    def _altered(self) -> BackupError:
        return BackupError(f"{self._name} is damaged, or was altered since it was written; nothing was restored")


class _Form(NamedTuple):
    """How the values of a column are written and read."""

    written: Callable[[Any], object]
    read: Callable[[Any], object]


def _unchanged(kind: type) -> _Form:
    def read(value: object) -> object:
        if type(value) is not kind:
            raise TypeError
        if isinstance(value, str) and "\0" in value.encode().decode():
            raise ValueError
        return value

    return _Form(lambda value: value, read)


_TEXT, _NUMBER = _unchanged(str), _unchanged(int)
# Any bytes are restored exactly: what is not UTF-8 is escaped.
_JSON = _Form(
    lambda value: value.decode(errors="surrogateescape"), lambda value: value.encode(errors="surrogateescape")
)
_BYTES = _Form(lambda value: b64encode(value).decode(), lambda value: b64decode(value, validate=True))


def _form(column: Column[Any]) -> _Form:
    if column is commits.c.body or column is changes.c.body:
        return _JSON
    return {str: _TEXT, int: _NUMBER, bytes: _BYTES}[column.type.python_type]


@cache
def _forms(table: Table) -> Sequence[_Form]:
    return [_form(column) for column in data_columns(table)]


def _names(table: Table) -> list[str]:
    return [column.name for column in data_columns(table)]
