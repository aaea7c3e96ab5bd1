"""A PostgreSQL store as commands use it: what each use requires, and how its transaction begins. A file stands for the database."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from rolecall.roles.errors import StoreUnavailableError, StoreUnsupportedError
from rolecall.storage import migrate, open_repository
from rolecall.storage.maintenance import postgres_admin
from rolecall.storage.maintenance.admin_store import AdminStore, open_admin_store
from tests.storage.admin_uses import USES
from tests.storage.samples import create
from tests.storage.stores import AS_SCHEMA_0002

URL = "postgresql://rolecall:s3cret@db.example/rolecall"
LIMITS = {"lock_timeout": "10s", "statement_timeout": "30min", "idle_in_transaction_session_timeout": "30min"}
READS = "REPEATABLE READ READ ONLY", LIMITS
WRITES = "READ COMMITTED", {**LIMITS, "synchronous_commit": "on"}


class Database:
    """A database, and what began its transactions."""

    def __init__(self, path: Path) -> None:
        self.file, self.is_standby = f"sqlite:///{path}", False
        self.began, self.migrated = list[str](), list[str]()
        self._path = path

    @contextmanager
    def transaction(self, _parameters: object, begin: str) -> Iterator[Connection]:
        self.began.append(begin)
        with closing(sqlite3.connect(self._path)) as opened:
            opened.create_function("pg_is_in_recovery", 0, lambda: self.is_standby)
            engine = create_engine("sqlite://", creator=lambda: opened, poolclass=StaticPool)
            with engine.begin() as connection:
                yield connection

    def schema(self, url: str) -> str:
        assert url == URL
        with closing(sqlite3.connect(self._path)) as connection:
            return "".join(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE name = 'meta'"))

    def migrate(self, url: str) -> None:
        self.migrated.append(url)
        self._path.unlink()
        migrate(self.file)

    def execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    made = Database(tmp_path / "database")
    migrate(made.file)
    monkeypatch.setattr(postgres_admin, "one_transaction", made.transaction)
    monkeypatch.setattr(postgres_admin, "schema_of", made.schema)
    monkeypatch.setattr(postgres_admin, "migrate", made.migrate)
    return made


@pytest.fixture
def store(database: Database) -> AdminStore:
    return open_admin_store(URL)


def begins(text: str) -> tuple[str, dict[str, str]]:
    """Return the isolation of a transaction and its settings, all of which end with it."""
    found = re.fullmatch(r"BEGIN ISOLATION LEVEL ([A-Z ]+); SELECT (.*?)\s*", re.sub(r"\s+", " ", text))
    assert found is not None
    calls = re.split(r"\s*,\s*(?=set_config)", found[2])
    settings = [re.fullmatch(r"set_config\('(\w+)', '(\w+)', true\)", call) for call in calls]
    assert None not in settings, calls
    return found[1], {setting[1]: setting[2] for setting in settings if setting is not None}


def test_a_database_is_named_without_its_address_and_is_no_file(store: AdminStore) -> None:
    assert (store.name, store.path) == ("the database", None)


def test_the_newest_revision_is_that_of_the_servers(database: Database, store: AdminStore) -> None:
    with closing(open_repository(database.file)) as repository:
        create(repository, "App")
        head = repository.head()

    assert store.head() == head
    assert [begins(text) for text in database.began] == [READS]


@pytest.mark.parametrize("use", ["pages", "snapshot", "beside"])
def test_a_database_is_read_in_one_transaction_that_sees_one_state(
    database: Database, store: AdminStore, use: str
) -> None:
    with USES[use](store):
        pass

    assert [begins(text) for text in database.began] == [READS]


def test_every_page_is_of_the_same_transaction(database: Database, store: AdminStore) -> None:
    with store.pages() as pages, pages() as first, pages() as second:
        assert first is second
        assert first.exec_driver_sql("SELECT count(*) FROM roles").scalar_one() == 0

    assert len(database.began) == 1


def test_a_database_is_filled_in_one_transaction_that_is_on_disk_when_it_ends(
    database: Database, store: AdminStore
) -> None:
    with store.fill_transaction() as connection:
        connection.exec_driver_sql("UPDATE counter SET next_role_id = 7")

    assert [begins(text) for text in database.began] == [WRITES]
    assert database.migrated == []
    with store.snapshot_transaction() as connection:
        assert connection.exec_driver_sql("SELECT next_role_id FROM counter").scalar_one() == 7


def test_a_database_without_tables_gets_them_when_it_is_filled(database: Database, store: AdminStore) -> None:
    Path(database.file.removeprefix("sqlite:///")).write_bytes(b"")

    with store.fill_transaction() as connection:
        assert connection.exec_driver_sql("SELECT revision FROM counter").scalar_one() == 0

    assert database.migrated == [URL]


def test_a_database_with_roles_is_not_filled(database: Database, store: AdminStore) -> None:
    with closing(open_repository(database.file)) as repository:
        create(repository, "App")

    with pytest.raises(StoreUnsupportedError) as caught, store.fill_transaction():
        pytest.fail("not reached")

    assert str(caught.value) == (
        "the database is not empty, it is at revision 1; give a file that does not exist, or a new database"
    )


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("pages", "has schema 0002, this version needs 0005 or later; run `rolecall migrate`"),
        *(
            (use, "has schema 0002, this version copies schema 0005; run `rolecall migrate` first")
            for use in ("snapshot", "beside", "fill")
        ),
    ],
)
def test_a_database_of_an_older_schema_is_not_used(
    database: Database, store: AdminStore, use: str, message: str
) -> None:
    database.execute(*AS_SCHEMA_0002)

    with pytest.raises(StoreUnsupportedError) as caught, USES[use](store):
        pytest.fail("not reached")

    assert str(caught.value) == f"the database {message}"


def test_a_standby_is_read_but_is_not_the_source_of_a_history_that_continues(
    database: Database, store: AdminStore
) -> None:
    database.is_standby = True

    for use in ("pages", "beside"):
        with USES[use](store):
            pass
    with pytest.raises(StoreUnavailableError) as of_head:
        store.head()
    with pytest.raises(StoreUnavailableError) as of_snapshot, store.snapshot_transaction():
        pytest.fail("not reached")

    for caught in (of_head, of_snapshot):
        assert str(caught.value) == "the database is a standby; give the address of the primary"
