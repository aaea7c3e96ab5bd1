"""Which errors of SQLite mean that its file cannot be used now, and which are mistakes of ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeoutError

from rolecall.roles.errors import StoreUnavailableError
from rolecall.storage.sqlite import driver as module
from rolecall.storage.sqlite.driver import SqliteDriver, open_sqlite, read_sqlite_schema, sqlite_unavailable_error
from rolecall.storage.sqlite.lock import StoreLock
from tests.storage.processes import open_files

PATH = Path("/data/rolecall.db")


def wrapped(error: Exception) -> DBAPIError:
    return DBAPIError("SELECT 1", {}, error)


@pytest.mark.parametrize("kind", [sqlite3.OperationalError, sqlite3.InternalError, sqlite3.DatabaseError])
def test_a_file_that_fails_is_named_with_what_sqlite_says(kind: type[sqlite3.Error]) -> None:
    error = kind("disk I/O error")

    for found in (sqlite_unavailable_error(PATH, error), sqlite_unavailable_error(PATH, wrapped(error))):
        assert str(found) == "`/data/rolecall.db` cannot be used now: disk I/O error"


@pytest.mark.parametrize(
    "kind", [sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.NotSupportedError, sqlite3.DataError]
)
def test_a_mistake_of_ours_is_no_failure_of_the_file(kind: type[sqlite3.Error]) -> None:
    for error in (kind("of ours"), wrapped(kind("of ours"))):
        assert sqlite_unavailable_error(PATH, error) is None


def test_an_error_that_is_not_of_sqlite_is_no_failure_of_the_file() -> None:
    for error in (wrapped(ValueError("of ours")), SQLAlchemyError("of ours"), sqlite3.InterfaceError("of ours")):
        assert sqlite_unavailable_error(PATH, error) is None


def test_a_pool_without_a_free_connection_names_its_size() -> None:
    found = sqlite_unavailable_error(PATH, PoolTimeoutError())

    assert str(found) == "`/data/rolecall.db` is in use by 16 reads; try again"


def test_the_driver_names_its_own_file(tmp_path: Path) -> None:
    driver = SqliteDriver(tmp_path / "a.db", StoreLock(tmp_path / "a.db"))

    found = driver.unavailable_error(sqlite3.OperationalError("database is locked"))
    driver.release()

    assert str(found) == f"`{tmp_path}/a.db` cannot be used now: database is locked"


def test_a_file_whose_directory_is_gone_has_no_room(tmp_path: Path) -> None:
    lock = StoreLock(tmp_path / "a.db")
    driver = SqliteDriver(tmp_path / "none" / "a.db", lock)

    with pytest.raises(StoreUnavailableError) as caught:
        driver.require_room()
    driver.release()

    assert str(caught.value) == f"`{tmp_path}/none/a.db` cannot be used now: No such file or directory"


def test_a_file_is_used_by_one_server_which_nothing_notifies(tmp_path: Path) -> None:
    driver = SqliteDriver(tmp_path / "a.db", StoreLock(tmp_path / "a.db"))

    found = driver.exclusive, driver.notifications()  # type: ignore[func-returns-value]
    driver.release()

    assert found == (True, None)


def opening(path: Path) -> None:
    open_sqlite(path).close()


FULL, MISTAKE = sqlite3.OperationalError("database or disk is full"), sqlite3.IntegrityError("of ours")


@pytest.mark.parametrize(
    ("step", "use", "is_new"),
    [("_migrate", opening, True), ("_migrate", opening, False), ("require_tables", read_sqlite_schema, False)],
    ids=["made", "opened", "examined"],
)
def test_each_use_of_a_file_that_fails_says_so_and_leaves_it_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, use: Callable[[Path], object], is_new: bool
) -> None:
    path, errors = tmp_path / "rolecall.db", [wrapped(FULL), wrapped(MISTAKE)]
    named = tmp_path / (".rolecall.db.unfinished" if is_new else "rolecall.db")
    if not is_new:
        opening(path)
    files, failing = open_files(), list(errors)

    def fail(*_: object) -> None:
        raise failing.pop(0)

    with monkeypatch.context() as patch:
        patch.setattr(module, step, fail)
        with pytest.raises(StoreUnavailableError) as unavailable:
            use(path)
        with pytest.raises(DBAPIError) as mistake:
            use(path)

    assert str(unavailable.value) == f"`{named}` cannot be used now: database or disk is full"
    assert [unavailable.value.__cause__, mistake.value] == errors
    assert open_files() == files
    opening(path)
