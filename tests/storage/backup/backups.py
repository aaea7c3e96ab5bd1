"""Stores with some content, and their backups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rolecall.roles.repository import RoleRepository
from rolecall.storage import open_repository
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.backup import read_backup, restore_backup, write_backup
from rolecall.storage.maintenance.backup_file import Backup, BackupError
from rolecall.storage.maintenance.store_contents import StoreContents, row_batches
from tests.storage.samples import ACCOUNT, change, create, remove

APP = f"{ACCOUNT}/app"


def fill(repository: RoleRepository) -> None:
    """Write, change and delete roles."""
    create(repository, "App", "Gone", tags={"team": "é🙂"}, description="line\nline\t'\"\\")
    remove(repository, f"{ACCOUNT}/gone")
    change(repository, APP, description="the newest")


def backed_up(url: str, path: Path) -> Backup:
    """Make a backup of a store."""
    with open_admin_store(url).snapshot_transaction_beside(path) as connection:
        return write_backup(connection, path, now=1_000_000, on_progress=lambda _: None)


def restored(path: Path, url: str) -> StoreContents:
    """Restore a backup into a store."""
    backup = read_backup(path, on_progress=lambda _: None)
    with open_admin_store(url).fill_transaction() as target:
        return restore_backup(path, backup, target, on_progress=lambda _: None)


def rows_of(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a store, by table."""
    rows: dict[str, list[tuple[Any, ...]]] = {}
    with open_admin_store(url).snapshot_transaction() as connection:
        for table, some in row_batches(connection):
            rows.setdefault(table.name, []).extend(map(tuple, some))
    return {name: sorted(found, key=repr) for name, found in rows.items()}


@contextmanager
def opened(url: str) -> Iterator[RoleRepository]:
    """Open a store until the end of the block."""
    repository = open_repository(url)
    try:
        yield repository
    finally:
        repository.close()


def assert_refused(file: Path, target: str, message: str) -> None:
    """Check that a backup is refused with its name on one line, and that no store was made."""
    with pytest.raises(BackupError, match=message) as error:
        restored(file, target)

    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)
    assert not Path(target.removeprefix("sqlite:///")).exists()
