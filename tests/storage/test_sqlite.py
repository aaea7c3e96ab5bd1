from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rolecall.storage.sql import retention, store
from rolecall.storage.sql.store import SqlRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from tests.storage.contract import RoleRepositoryContract
from tests.storage.samples import all_commits, assert_chained, author, create, nothing


class TestSqliteRoleRepository(RoleRepositoryContract):
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Iterator[SqlRoleRepository]:
        directory = tmp_path / "a path 100% with spaces?#"
        directory.mkdir()
        repository = open_sqlite(directory / "role call.db")
        yield repository
        repository.close()


def test_everything_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    first = open_sqlite(tmp_path / "rolecall.db")
    made = create(first, "a", "b", tags={"x": "y"})
    head, key, commits = first.head(), first.token_key, all_commits(first)
    first.close()

    second = open_sqlite(tmp_path / "rolecall.db")

    assert (second.head(), second.token_key, all_commits(second)) == (head, key, commits)
    assert list(second.load()) == made
    assert create(second, "c")[0].role_id not in {role.role_id for role in made}
    assert second.transact(author(), nothing) == (None, None)
    second.close()


def test_what_loaded_roles_share_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_SHARED_VALUES", 2)
    repository = open_sqlite(tmp_path / "rolecall.db")
    made = create(repository, *(f"r{n:04}" for n in range(store.ROLES_PER_READ + 1)), description="shared")

    loaded = list(repository.load())

    assert loaded == made
    assert loaded[0].description is loaded[1].description
    assert loaded[0].description is not loaded[-1].description
    repository.close()


def test_a_long_history_is_forgotten_a_part_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "COMMITS_PER_PRUNE", 2)
    repository = open_sqlite(tmp_path / "rolecall.db")
    for n in range(8):
        create(repository, f"r{n}")

    forgotten = repository.prune(keep_after=2_000, keep_revisions=1, forget_requests_before=0)

    assert (forgotten, repository.floor().revision) == (7, 7)
    assert_chained(repository)
    repository.close()


def test_two_stores_have_nothing_secret_in_common(tmp_path: Path) -> None:
    one, other = (open_sqlite(tmp_path / name) for name in ("one.db", "other.db"))

    assert one.token_key != other.token_key
    assert one.head().incarnation != other.head().incarnation
    one.close()
    other.close()
