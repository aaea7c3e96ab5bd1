"""What a command reports when a SQLite file is not a store or cannot be used, and who may write beside it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import IntegrityError, NoResultFound

from rolecall.roles.errors import StoreUnavailableError, StoreUnsupportedError
from rolecall.storage import open_repository
from rolecall.storage.maintenance import sqlite_admin
from rolecall.storage.maintenance.admin_store import AdminStore, open_admin_store
from rolecall.storage.maintenance.store_contents import require_empty
from rolecall.storage.sqlite.driver import require_tables
from tests.storage.admin_uses import USES
from tests.storage.samples import create


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rolecall.db"
    with closing(open_repository(f"sqlite:///{path}")) as repository:
        create(repository, "App")
    return path


def store_of(path: Path) -> AdminStore:
    return open_admin_store(f"sqlite:///{path}")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def is_writable(path: Path) -> bool:
    """Return whether another program can write to a file now."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if str(error) == "database is locked":
                return False
            raise
        return True


def test_the_newest_revision_is_that_of_the_servers(path: Path) -> None:
    with closing(open_repository(f"sqlite:///{path}")) as repository:
        create(repository, "Other")
        beside, head = store_of(path).head(), repository.head()

    assert beside == head
    assert head.revision == 2


def test_the_newest_revision_of_a_file_that_is_not_there_is_an_error_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        store_of(tmp_path / "none.db").head()

    assert str(caught.value) == f"`{tmp_path}/none.db` cannot be used now: unable to open database file"
    assert names(tmp_path) == set()


@pytest.mark.parametrize("use", USES)
def test_a_file_of_something_else_is_refused_with_its_path_and_stays(tmp_path: Path, use: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database " * 100)

    with pytest.raises(StoreUnavailableError) as caught, USES[use](store_of(path)):
        pytest.fail("not reached")

    assert str(caught.value) == f"`{path}` cannot be used now: file is not a database"
    assert path.read_bytes() == b"not a database " * 100
    assert names(tmp_path) <= {"notes.txt", "notes.txt.lock"}


@pytest.mark.parametrize("suffix", ["", "-journal", "-wal", "-shm"])
def test_what_a_crash_has_left_of_a_copy_is_removed_also_if_there_is_nothing_to_copy(
    tmp_path: Path, suffix: str
) -> None:
    (tmp_path / "notes.txt").write_bytes(b"not a database " * 100)
    (tmp_path / f".a.backup.copy{suffix}").write_bytes(b"left")

    with pytest.raises(StoreUnavailableError), USES["beside"](store_of(tmp_path / "notes.txt")):
        pytest.fail("not reached")

    assert names(tmp_path) == {"notes.txt"}


@pytest.mark.parametrize("leads_to", ["a file", "nothing"])
def test_a_link_that_appears_in_place_of_the_copy_is_not_followed(
    path: Path, tmp_path: Path, leads_to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, remove = tmp_path / "victim", sqlite_admin._remove
    if leads_to == "a file":
        victim.write_text("untouched")

    def intrude(copy: Path) -> None:
        remove(copy)
        monkeypatch.setattr(sqlite_admin, "_remove", remove)
        copy.symlink_to(victim)

    monkeypatch.setattr(sqlite_admin, "_remove", intrude)

    with pytest.raises(FileExistsError), USES["beside"](store_of(path)):
        pytest.fail("not reached")

    assert victim.exists() is (leads_to == "a file")
    assert not victim.exists() or victim.read_text() == "untouched"


@pytest.mark.parametrize("use", USES)
def test_a_database_of_another_program_is_refused(tmp_path: Path, use: str) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")

    with pytest.raises(StoreUnsupportedError) as caught, USES[use](store_of(path)):
        pytest.fail("not reached")

    assert str(caught.value) == f"`{path}` contains the tables of another program; give a database of its own"
    assert names(tmp_path) <= {"other.db", "other.db.lock"}


@pytest.mark.parametrize("use", USES)
def test_an_empty_file_is_no_store(tmp_path: Path, use: str) -> None:
    path = tmp_path / "empty.db"
    path.touch()

    with pytest.raises(StoreUnsupportedError) as caught, USES[use](store_of(path)):
        pytest.fail("not reached")

    assert str(caught.value) == (
        f"`{path}` is empty, so it is not a store, and a new one is made only where there is no file; remove it, and restore a"
        " backup or start with a new store"
    )
    assert path.read_bytes() == b""


@pytest.mark.parametrize("use", ["snapshot", "beside"])
def test_an_error_that_is_none_of_the_file_reaches_the_caller_as_it_is(path: Path, use: str) -> None:
    def failing(statement: str) -> None:
        store = store_of(path)
        beside = path.with_name("a.backup")
        transaction = store.snapshot_transaction() if use == "snapshot" else store.snapshot_transaction_beside(beside)
        with transaction as connection:
            connection.exec_driver_sql(statement).one()

    with pytest.raises(NoResultFound):
        failing("SELECT key FROM roles WHERE key = 'none'")
    with pytest.raises(IntegrityError):
        failing("INSERT INTO roles SELECT * FROM roles")
    with pytest.raises(StoreUnavailableError) as caught:
        failing("SELECT key FROM nowhere")

    assert str(caught.value).endswith(" cannot be used now: no such table: nowhere")
    assert ".a.backup.copy" not in names(path.parent)


def test_nobody_else_writes_to_a_store_that_is_filled_from_its_first_statement_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, found = tmp_path / "new.db", list[bool]()
    open_repository(f"sqlite:///{path}").close()

    def first(connection: Connection, file: Path) -> int:
        found.append(is_writable(path))
        return require_tables(connection, file)

    monkeypatch.setattr(sqlite_admin, "require_tables", first)

    with store_of(path).fill_transaction():
        found.append(is_writable(path))

    assert (found, is_writable(path)) == ([False, False], True)


def test_a_store_that_was_found_empty_is_locked_until_the_transaction_ends(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    open_repository(f"sqlite:///{path}").close()
    engine = create_engine(f"sqlite:///{path}")

    with engine.begin() as connection:
        require_empty(connection, "the store")
        locked = not is_writable(path)
    engine.dispose()

    assert (locked, is_writable(path)) == (True, True)


def test_a_store_that_a_later_version_keeps_for_itself_is_not_filled(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    open_repository(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE counter SET compatible_from = 6")

    with pytest.raises(StoreUnavailableError) as caught, store_of(path).fill_transaction():
        pytest.fail("not reached")

    assert str(caught.value) == (
        "the store accepts writes only from versions that support schema 0006 or later, this one supports 0005; update this server"
    )


@pytest.mark.parametrize("use", ["pages", "snapshot", "beside"])
def test_a_store_that_is_read_can_be_written_to(path: Path, use: str) -> None:
    with USES[use](store_of(path)):
        assert is_writable(path)


def test_pages_are_transactions_of_their_own_and_cannot_write(path: Path) -> None:
    counted = "SELECT count(*) FROM roles"

    with closing(open_repository(f"sqlite:///{path}")) as server, store_of(path).pages() as pages:
        with pages() as page:
            first = page.exec_driver_sql(counted).scalar_one()
        create(server, "Other")
        with pages() as page:
            second = page.exec_driver_sql(counted).scalar_one()
        with (
            pytest.raises(StoreUnavailableError, match="attempt to write a readonly database"),
            store_of(path).pages() as others,
            others() as page,
        ):
            page.exec_driver_sql("DELETE FROM roles")

    assert (first, second) == (1, 2)
