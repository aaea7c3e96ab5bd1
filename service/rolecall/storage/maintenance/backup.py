"""Backup and restore: a whole store in one file (`backup_file.py`), and back into an empty store.

The file holds the key of the store's tokens, so it is as secret as the store. A restored store is another history from then on: it
has a new incarnation, since what was committed after the backup is gone and tokens of then must not be taken for its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from rolecall.storage.atomic_file import open_regular, replacing
from rolecall.storage.maintenance.audit_log import read_position
from rolecall.storage.maintenance.backup_file import Backup, BackupError, BackupOrigin, BackupReader, BackupWriter
from rolecall.storage.maintenance.store_contents import (
    OnProgress,
    RowBatch,
    StoreContents,
    data_columns,
    fill,
    read_contents,
    row_batches,
)
from rolecall.storage.sql.tables import meta


def write_backup(source: Connection, path: Path, *, now: int, on_progress: OnProgress) -> Backup:
    """Write what the transaction on `source` sees into a file that its owner alone may read; raise `OSError`.

    The file takes its name when it is whole and on the disk. Raise `BackupError` if `read_backup` would refuse it.
    """
    head = read_position(source).head
    with replacing(path) as file:
        writer = BackupWriter(file, BackupOrigin(now, head.incarnation, head.revision))
        for step in row_batches(source):
            writer.add(step)
            on_progress(writer.rows)
        return writer.end()


def read_backup(path: Path, *, on_progress: OnProgress) -> Backup:
    """Read a backup through to its end; raise `BackupError` if it is not one, or not as it was written, `OSError`."""
    with _reading(path) as reader:
        for _ in reader.steps():
            on_progress(reader.rows)
        return reader.backup


def restore_backup(path: Path, backup: Backup, target: Connection, *, on_progress: OnProgress) -> StoreContents:
    """Put a backup that was read through into a store that `require_empty` has taken; return what is there then.

    Raise `BackupError` if the file is no longer the one that was read.
    """
    with _reading(path) as reader:
        fill(target, map(_renamed, reader.steps()), on_progress)
        if reader.backup != backup:
            raise BackupError(f"`{path}` was exchanged while it was read; nothing was restored")
    contents = read_contents(target)
    if contents.head.revision != backup.revision:
        raise BackupError(f"`{path}` does not hold the revision that it names; nothing was restored")
    return contents


def _renamed(step: RowBatch) -> RowBatch:
    """Give the history another incarnation."""
    if step.table is not meta:
        return step
    place = [column.name for column in data_columns(meta)].index("incarnation")
    return RowBatch(meta, [[*row[:place], str(uuid.uuid4()), *row[place + 1 :]] for row in step.rows])


@contextmanager
def _reading(path: Path) -> Iterator[BackupReader]:
    with open_regular(path, follow=True) as file:
        yield BackupReader(file, f"`{path}`")
