"""Backup of a whole store to one file (`backup_file.py`), and restore into an empty store.

The file contains the key of the store's tokens, so it is as secret as the store.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, update

from rolecall.regular_file import open_regular
from rolecall.roles.digest import StateDigest
from rolecall.storage.atomic_file import replacing
from rolecall.storage.maintenance.audit_log import read_position
from rolecall.storage.maintenance.backup_file import (
    VERSION_WITHOUT_DIGEST,
    Backup,
    BackupError,
    BackupOrigin,
    BackupReader,
    BackupWriter,
)
from rolecall.storage.maintenance.store_contents import (
    OnProgress,
    RowBatch,
    StoreContents,
    data_columns,
    fill,
    read_contents,
    row_batches,
)
from rolecall.storage.sql.first_digest import digest_as_logged
from rolecall.storage.sql.tables import counter, meta, roles


def write_backup(source: Connection, path: Path, *, now: int, on_progress: OnProgress) -> Backup:
    """Write what the transaction on `source` reads to a file with mode 0600; raise `OSError`.

    `path` appears, or is replaced, when the file is complete and on disk. Raise `BackupError` if `restore_backup` would reject it.
    """
    head = read_position(source).head
    with replacing(path) as file:
        writer = BackupWriter(file, BackupOrigin(now, head.incarnation, head.revision))
        digest = StateDigest()
        for batch in row_batches(source):
            if batch.table is roles:
                digest.add_stored(batch.rows)
            writer.add(batch)
            on_progress(writer.rows)
        if digest.value != head.digest:
            raise BackupError(
                "the store has roles that no server wrote; run `rolecall audit verify`; nothing was written"
            )
        return writer.end()


def read_backup(path: Path, *, on_progress: OnProgress) -> Backup:
    """Read and verify a whole backup; raise `BackupError` unless it is an unaltered backup, `OSError` if it cannot be read."""
    with _reading(path) as reader:
        for _ in reader.batches():
            on_progress(reader.rows)
        return reader.backup


def restore_backup(path: Path, backup: Backup, target: Connection, *, on_progress: OnProgress) -> StoreContents:
    """Insert a backup that `read_backup` has verified into a store that `require_empty` has locked; return a summary.

    Raise `BackupError` if the file has changed since.
    """
    with _reading(path) as reader:
        fill(target, map(_with_new_incarnation, reader.batches()), on_progress)
        if reader.backup != backup:
            raise BackupError(f"`{path}` was replaced while it was read; nothing was restored")
        if reader.version == VERSION_WITHOUT_DIGEST:
            _add_digest(target)
    contents = read_contents(target)
    if contents.digest != contents.head.digest:
        raise BackupError(f"`{path}` contains roles that no server wrote; nothing was restored")
    if contents.head.revision != backup.revision:
        raise BackupError(f"`{path}` does not contain the revision that its header names; nothing was restored")
    return contents


def _add_digest(target: Connection) -> None:
    digest = StateDigest()
    digest_as_logged(target, digest)
    target.execute(update(counter).values(digest=digest.value))


def _with_new_incarnation(batch: RowBatch) -> RowBatch:
    """Give the history a new incarnation."""
    # The writes after the backup are lost: their tokens must not be valid for what is written after the restore.
    if batch.table is not meta:
        return batch
    at = [column.name for column in data_columns(meta)].index("incarnation")
    return RowBatch(meta, [[*row[:at], str(uuid.uuid4()), *row[at + 1 :]] for row in batch.rows])


@contextmanager
def _reading(path: Path) -> Iterator[BackupReader]:
    with open_regular(path, follow=True) as file:
        yield BackupReader(file, f"`{path}`")
