from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.pool import QueuePool

from rolecall.roles.errors import StoreBusyError, StoreUnavailableError
from rolecall.storage.sql import retention, store
from rolecall.storage.sql.store import SqlRoleRepository
from rolecall.storage.sqlite.driver import SqliteDriver, connect_sqlite, open_sqlite
from rolecall.storage.sqlite.lock import StoreLock
from tests.storage.contract import RoleRepositoryContract
from tests.storage.processes import open_files
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

    with repository._reading() as connection:
        rows = [
            connection.exec_driver_sql(f"SELECT revision FROM {table} ORDER BY revision").scalars().all()
            for table in ("commits", "changes")
        ]
    assert (forgotten, repository.floor().revision) == (7, 7)
    assert rows == [[8], [8]]
    assert_chained(repository)
    repository.close()


def test_two_stores_have_nothing_secret_in_common(tmp_path: Path) -> None:
    one, other = (open_sqlite(tmp_path / name) for name in ("one.db", "other.db"))

    assert one.token_key != other.token_key
    assert one.head().incarnation != other.head().incarnation
    one.close()
    other.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[SqlRoleRepository]:
    repository = open_sqlite(tmp_path / "rolecall.db")
    yield repository
    repository.close()


def test_every_connection_has_the_settings_that_durability_rests_on(opened: SqlRoleRepository) -> None:
    names = ("synchronous", "trusted_schema", "foreign_keys", "busy_timeout")

    with opened._reading() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}

    # 3 is EXTRA: a write is on disk when it returns, also where a rollback journal has to be removed for that.
    assert found == {"synchronous": 3, "trusted_schema": 0, "foreign_keys": 0, "busy_timeout": 5_000}


def test_the_pool_is_bounded_and_waits_as_long_as_a_busy_file(opened: SqlRoleRepository) -> None:
    pool = opened._engine.pool
    assert isinstance(pool, QueuePool)

    assert (pool.size(), pool._max_overflow, pool._timeout) == (16, 0, 5.0)
    assert opened._engine.hide_parameters


def test_more_reads_than_connections_wait_and_then_fail(
    opened: SqlRoleRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = opened._engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.1)
    held = [pool.connect() for _ in range(16)]

    with pytest.raises(StoreUnavailableError, match=r"rolecall\.db` is in use by 16 reads; try again"):
        opened.head()

    for connection in held:
        connection.close()
    assert opened.head().revision == 0


def test_a_write_locks_the_file_before_it_reads_and_a_read_does_not(opened: SqlRoleRepository, tmp_path: Path) -> None:
    def is_locked() -> bool:
        with closing(sqlite3.connect(tmp_path / "rolecall.db", timeout=0, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False

    with opened._reading():
        while_reading = is_locked()
    with opened._writing():
        while_writing = is_locked()

    assert (while_reading, while_writing) == (False, True)


def test_no_error_shows_a_document(opened: SqlRoleRepository) -> None:
    create(opened, "App", document="c4n4ry")

    with pytest.raises(Exception, match="UNIQUE") as caught:
        create(opened, "App", document="c4n4ry")

    assert "c4n4ry" not in f"{caught.value!r}{caught.value}{caught.value.__cause__!r}"


def test_a_connection_for_reading_cannot_write(opened: SqlRoleRepository, tmp_path: Path) -> None:
    with closing(connect_sqlite(tmp_path / "rolecall.db", mode="ro")) as connection:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM roles")
        revision = connection.execute("SELECT revision FROM counter").fetchone()

    assert revision == (0,)


def test_a_file_is_opened_by_an_address_that_says_how_whatever_the_library_was_built_with(
    opened: SqlRoleRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some builds of SQLite read every name as an address; others would make a file that is called `file:...`.
    connect: Any = sqlite3.connect
    given = list[tuple[tuple[Any, ...], dict[str, Any]]]()

    def noting(*arguments: Any, **options: Any) -> Any:
        given.append((arguments, options))
        return connect(*arguments, **options)

    monkeypatch.setattr(sqlite3, "connect", noting)
    for mode in ("rw", "ro"):
        connect_sqlite(tmp_path / "rolecall.db", mode=mode).close()
    connect_sqlite(tmp_path / "rolecall.db").close()

    options = {"uri": True, "isolation_level": None, "check_same_thread": False}
    assert given == [((f"file:{tmp_path}/rolecall.db?mode={mode}",), options) for mode in ("rw", "ro", "rw")]


def test_a_connection_leaves_transactions_to_its_caller(opened: SqlRoleRepository, tmp_path: Path) -> None:
    with closing(connect_sqlite(tmp_path / "rolecall.db")) as connection:
        connection.execute("DELETE FROM roles")

        assert (connection.isolation_level, connection.in_transaction) == (None, False)


def test_a_link_in_place_of_the_lock_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "rolecall.db.lock").symlink_to("victim")

    with pytest.raises(StoreUnavailableError, match="cannot open the lock file"):
        open_sqlite(tmp_path / "rolecall.db")

    assert (tmp_path / "victim").read_text() == "untouched"


def test_the_process_that_has_the_store_is_named_also_after_one_with_a_longer_number(tmp_path: Path) -> None:
    (tmp_path / "rolecall.db.lock").write_text("12345678901\n")
    first, before = open_sqlite(tmp_path / "rolecall.db"), open_files()

    with pytest.raises(StoreBusyError, match=rf"in use by another server \(process {os.getpid()}\); stop that one"):
        open_sqlite(tmp_path / "rolecall.db")

    assert (tmp_path / "rolecall.db.lock").read_text() == f"{os.getpid()}\n"
    assert open_files() == before
    first.close()


def test_a_lock_file_with_no_number_in_it_names_no_process(tmp_path: Path) -> None:
    first = open_sqlite(tmp_path / "rolecall.db")
    (tmp_path / "rolecall.db.lock").write_text("?")

    with pytest.raises(StoreBusyError, match="in use by another server; stop that one"):
        open_sqlite(tmp_path / "rolecall.db")
    first.close()


def test_a_store_that_was_closed_can_be_opened_again_at_once_and_keeps_no_file_open(tmp_path: Path) -> None:
    before = open_files()

    for _ in range(2):
        repository = open_sqlite(tmp_path / "rolecall.db")
        create(repository, f"r{repository.head().revision}")
        repository.close()

    assert open_files() == before


def test_a_file_system_that_is_as_good_as_full_has_no_room_for_a_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = open_sqlite(tmp_path / "roles.db")
    free = 0

    def statvfs(path: Path) -> Any:
        assert path == tmp_path
        return SimpleNamespace(f_bavail=free, f_frsize=4_096)

    monkeypatch.setattr("rolecall.storage.sqlite.driver.os.statvfs", statvfs)
    with pytest.raises(StoreUnavailableError, match="less than 1048576 free bytes"):
        repository.try_write()
    free = 256
    repository.try_write()
    monkeypatch.undo()
    with pytest.raises(StoreUnavailableError):
        SqliteDriver(Path("/nowhere/roles.db"), StoreLock(tmp_path / "roles.db")).require_room()
    repository.close()
