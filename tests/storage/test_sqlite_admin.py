"""A SQLite store as commands use it: what must be there, what is left behind, and what others can see meanwhile."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from sqlalchemy import event, insert

from rolecall.roles.errors import StoreUnavailableError, StoreUnsupportedError
from rolecall.roles.repository import Remembered
from rolecall.storage import open_repository
from rolecall.storage.maintenance.admin_store import AdminStore, open_admin_store
from rolecall.storage.maintenance.store_contents import fill, read_contents, row_batches
from rolecall.storage.sql.tables import requests
from tests.storage.processes import open_files
from tests.storage.samples import author, create
from tests.storage.stores import AS_SCHEMA_0002

SUFFIXES = ("", "-journal", "-wal", "-shm")

Use = Callable[[AdminStore], AbstractContextManager[object]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rolecall.db"
    with closing(open_repository(f"sqlite:///{path}")) as repository:
        create(repository, "App", tags={"team": "a"})
    return path


@pytest.fixture
def store(path: Path) -> AdminStore:
    return open_admin_store(f"sqlite:///{path}")


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def reads(tmp_path: Path) -> dict[str, Use]:
    return {
        "pages": lambda store: store.pages(),
        "snapshot": lambda store: store.snapshot_transaction(),
        "beside": lambda store: store.snapshot_transaction_beside(tmp_path / "a.backup"),
    }


@pytest.mark.parametrize("name", ["pages", "snapshot", "beside"])
def test_a_store_that_is_not_there_is_not_read_and_not_made(tmp_path: Path, name: str) -> None:
    store = open_admin_store(f"sqlite:///{tmp_path}/none.db")

    with (
        pytest.raises(
            StoreUnavailableError, match=r"there is no store `.*/none\.db`; give the path of an existing one"
        ),
        reads(tmp_path)[name](store),
    ):
        pytest.fail("not reached")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["pages", "snapshot", "beside"])
def test_a_store_of_an_older_schema_is_not_read(store: AdminStore, path: Path, tmp_path: Path, name: str) -> None:
    execute(path, *AS_SCHEMA_0002)
    files = open_files()

    with pytest.raises(StoreUnsupportedError, match="run `rolecall migrate`"), reads(tmp_path)[name](store):
        pytest.fail("not reached")

    assert open_files() == files
    open_repository(f"sqlite:///{path}").close()


def test_a_copy_for_a_backup_is_its_owners_alone_and_gone_afterwards(
    store: AdminStore, tmp_path: Path, no_umask: None
) -> None:
    copy = tmp_path / ".a.backup.copy"
    for suffix in SUFFIXES:
        Path(f"{copy}{suffix}").write_bytes(b"what a crash has left")
    before = {entry.name for entry in tmp_path.iterdir()}

    with store.snapshot_transaction_beside(tmp_path / "a.backup") as connection:
        found = connection.exec_driver_sql("SELECT role_name FROM roles").scalars().all()
        mode = stat.S_IMODE(copy.stat().st_mode)

    assert (found, mode) == (["App"], 0o600)
    assert {entry.name for entry in tmp_path.iterdir()} == before - {f"{copy.name}{suffix}" for suffix in SUFFIXES}


def test_a_link_in_place_of_the_copy_is_not_followed(store: AdminStore, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / ".a.backup.copy").symlink_to(tmp_path / "victim")

    with store.snapshot_transaction_beside(tmp_path / "a.backup") as connection:
        connection.exec_driver_sql("DELETE FROM roles")

    assert (tmp_path / "victim").read_text() == "untouched"
    assert not (tmp_path / ".a.backup.copy").is_symlink()
    with store.snapshot_transaction() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM roles").scalar_one() == 1


@pytest.mark.parametrize("name", ["pages", "snapshot", "beside"])
def test_every_file_is_closed_and_a_server_can_start(store: AdminStore, path: Path, tmp_path: Path, name: str) -> None:
    files = open_files()

    with reads(tmp_path)[name](store):
        pass

    assert open_files() == files
    open_repository(f"sqlite:///{path}").close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO roles VALUES ('1/a', '1', 'a', '3', '{}', '', 3600, '{}', 1, 1, 0)",
        "INSERT INTO commits VALUES (1, 1, x'', x'')",
        "UPDATE counter SET revision = 1",
    ],
)
def test_a_store_with_a_role_a_commit_or_a_revision_is_not_empty(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "target.db"
    open_repository(f"sqlite:///{path}").close()
    execute(path, statement)

    with (
        pytest.raises(StoreUnsupportedError, match=r"is not empty, it is at revision [01]; give a file that does not"),
        open_admin_store(f"sqlite:///{path}").fill_transaction(),
    ):
        pytest.fail("not reached")


def test_what_an_empty_store_has_left_is_replaced_by_what_it_is_filled_with(store: AdminStore, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    with closing(open_repository(f"sqlite:///{target}")) as repository:
        repository.transact(author(), lambda t: t.remember("scope", "id", Remembered(b"f", b"o")))
    execute(
        target,
        "INSERT INTO accounts VALUES ('7', 1)",
        "INSERT INTO role_tags VALUES ('a', 'b', '7/x')",
        "INSERT INTO changes VALUES (9, 0, '3', x'', '7/x')",
    )
    counts: list[int] = []

    with (
        store.snapshot_transaction() as source,
        open_admin_store(f"sqlite:///{target}").fill_transaction() as connection,
    ):
        fill(connection, row_batches(source), counts.append)
        there = [(table.name, [tuple(row) for row in rows]) for table, rows in row_batches(source)]
        here = [(table.name, [tuple(row) for row in rows]) for table, rows in row_batches(connection)]

    assert here == there
    assert counts == [1, 2, 3, 4, 5, 6, 7, 8]


def test_no_error_of_a_filled_store_shows_what_is_in_it(tmp_path: Path) -> None:
    row = {"scope": "s", "request_id": "c4n4ry", "fingerprint": b"", "outcome": b"c4n4ry", "time": 1}

    with (
        pytest.raises(Exception, match="UNIQUE") as caught,
        open_admin_store(f"sqlite:///{tmp_path}/target.db").fill_transaction() as connection,
    ):
        connection.execute(insert(requests), [row, row])

    assert "c4n4ry" not in f"{caught.value!r}{caught.value}"


def test_a_backup_does_not_undo_the_unfinished_write_of_a_server(path: Path, tmp_path: Path) -> None:
    left = tmp_path / "left.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = DELETE")
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("CREATE TABLE more (x)")
        writer.executemany("INSERT INTO more VALUES (?)", [("y" * 4_000,)] * 100)
        # What a machine that stops at this moment leaves behind.
        shutil.copy(path, left)
        shutil.copy(f"{path}-journal", f"{left}-journal")
    before = left.read_bytes(), Path(f"{left}-journal").read_bytes()
    store = open_admin_store(f"sqlite:///{left}")

    with (
        pytest.raises(StoreUnavailableError) as caught,
        store.snapshot_transaction_beside(tmp_path / "a.backup"),
    ):
        pytest.fail("not reached")

    assert str(caught.value) == (
        f"`{left}` has an unfinished write, which a read-only connection cannot roll back;"
        " start its server, or run `rolecall migrate`"
    )
    assert (left.read_bytes(), Path(f"{left}-journal").read_bytes()) == before


def test_whole_tables_are_read_in_parts_so_that_memory_is_bounded(store: AdminStore) -> None:
    parts = dict[str, int]()

    def note(_: object, statement: object, __: object, ___: object, options: Mapping[str, int]) -> None:
        if "yield_per" in options:
            parts[str(statement).partition("FROM ")[2].strip()] = options["yield_per"]

    with store.snapshot_transaction() as connection:
        event.listen(connection, "before_execute", note)
        for _ in row_batches(connection):
            pass
        of_rows = dict(parts)
        parts.clear()
        read_contents(connection)

    assert {*of_rows} == {
        *("meta", "counter", "floor", "accounts", "roles", "role_tags", "commits", "changes", "requests")
    }
    assert {*parts} == {"roles"}
    assert max(*of_rows.values(), *parts.values()) <= 1_000
