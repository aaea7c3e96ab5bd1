"""A store with some content, and its backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.storage import open_repository
from tests.storage.backup.backups import backed_up, fill


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Give the URL of a SQLite file with some content."""
    url = f"sqlite:///{tmp_path}/source.db"
    repository = open_repository(url)
    fill(repository)
    repository.close()
    return url


@pytest.fixture
def file(source: str, tmp_path: Path) -> Path:
    """Give a backup of it."""
    backed_up(source, tmp_path / "a.backup")
    return tmp_path / "a.backup"
