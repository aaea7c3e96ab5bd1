"""The steps of a migration of a PostgreSQL database, without a server: SQLite makes the tables and notes what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from rolecall.roles.errors import StoreUnsupportedError
from rolecall.storage.open import migrate, schema_of
from rolecall.storage.postgres import schema as module
from rolecall.storage.postgres.url import parse_url
from tests.storage.old_stores import LAST_RELEASE

URL = "postgresql://app@127.0.0.1:1/none"
ADVISORY_LOCK = 8_245_928_625_453_493_356
"""Part of the contract: versions that took different locks could migrate one database at once."""

BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED;"
    " SELECT set_config('lock_timeout', '300s', true), set_config('statement_timeout', '0', true)"
)


class Database:
    """A database in memory, in place of the one of a URL; notes each statement that takes a lock or asks for a setting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.encoding, self.noted, self.begun = "UTF8", list[str](), list[tuple[object, str]]()
        self._engine = self._made()
        monkeypatch.setattr(module, "one_transaction", self._one_transaction)

    def execute(self, statement: str) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def execute_all(self, script: str) -> None:
        with self._engine.connect() as connection:
            made: Any = connection.connection.dbapi_connection
            made.executescript(script)

    def tables(self) -> set[str]:
        with self._engine.connect() as connection:
            return {*connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()}

    def close(self) -> None:
        self._engine.dispose()

    def _made(self) -> Engine:
        engine = create_engine("sqlite://", poolclass=StaticPool)
        event.listen(engine, "connect", self._define)
        event.listen(engine, "before_cursor_execute", self._note)
        return engine

    def _define(self, connection: Any, _: object) -> None:
        connection.create_function("pg_advisory_xact_lock", 1, lambda number: self.noted.append(f"lock {number}"))
        connection.create_function("current_setting", 1, self._setting)

    def _setting(self, name: str) -> str:
        assert name == "server_encoding"
        self.noted.append(name)
        return self.encoding

    def _note(self, _: object, __: object, statement: str, *more: object) -> None:
        if statement.startswith("UPDATE counter SET revision"):
            self.noted.append("lock the counter")

    @contextmanager
    def _one_transaction(self, parameters: object, begin: str) -> Iterator[Connection]:
        self.begun.append((parameters, " ".join(begin.split())))
        with self._engine.begin() as connection:
            yield connection


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    made = Database(monkeypatch)
    yield made
    made.close()


LOCKED = [f"lock {ADVISORY_LOCK}", "server_encoding"]


def test_a_new_database_gets_its_tables_while_other_migrations_wait(database: Database) -> None:
    before = schema_of(URL)

    migrated = migrate(URL)

    assert (before, migrated, schema_of(URL)) == ("", ("", "0005"), "0005")
    assert {"meta", "counter", "floor", "roles", "role_tags", "commits", "changes", "requests"} < database.tables()
    # There is no counter yet when the first transaction begins; the second one asks whether a digest is unfinished.
    assert database.noted == [*LOCKED, *LOCKED, "lock the counter"]


def test_a_migration_locks_out_writers_before_it_looks_at_the_tables(database: Database) -> None:
    migrate(URL)
    database.noted.clear()

    migrated = migrate(URL)

    assert migrated == ("0005", "0005")
    assert database.noted == [*LOCKED, "lock the counter"] * 2


def test_an_older_database_is_migrated_in_several_transactions(database: Database) -> None:
    database.execute_all(LAST_RELEASE.read_text(encoding="utf-8"))

    before, migrated = schema_of(URL), migrate(URL)

    assert (before, migrated, schema_of(URL)) == ("0003", ("0003", "0005"), "0005")
    # One for the tables, one for each step of the digest, and one that finds none left.
    assert database.noted == [*LOCKED, "lock the counter"] * 3


def test_a_newer_database_that_allows_this_version_is_left_as_it_is(database: Database) -> None:
    migrate(URL)
    database.execute("UPDATE alembic_version SET version_num = '9999'")

    assert (migrate(URL), schema_of(URL)) == (("9999", "9999"), "9999")


def test_a_newer_database_that_does_not_allow_this_version_is_not_migrated(database: Database) -> None:
    migrate(URL)
    database.execute_all("UPDATE alembic_version SET version_num = '0007'; UPDATE counter SET compatible_from = 6")

    with pytest.raises(StoreUnsupportedError) as caught:
        migrate(URL)

    assert str(caught.value) == (
        "the database has schema 0007, for versions that support 0006 or later; this one supports 0005:"
        " open it with the version that wrote it, or a later one"
    )


def test_a_migration_waits_minutes_for_writers_and_is_never_cut_off(database: Database) -> None:
    migrate(URL)
    schema_of(URL)

    first, *others = database.begun
    assert first == (parse_url(URL), BEGIN)
    assert others == [first] * 2


def test_the_schema_is_read_without_a_lock(database: Database) -> None:
    migrate(URL)
    database.noted.clear()

    assert schema_of(URL) == "0005"
    assert database.noted == []


def test_a_database_that_cannot_store_every_text_gets_no_tables(database: Database) -> None:
    database.encoding = "LATIN1"

    with pytest.raises(StoreUnsupportedError) as caught:
        migrate(URL)

    assert str(caught.value) == "the database has the encoding LATIN1; create one with ENCODING 'UTF8'"
    assert database.tables() == set()


@pytest.mark.parametrize("use", [migrate, schema_of])
def test_the_tables_of_another_program_are_left_alone(database: Database, use: Callable[[str], object]) -> None:
    database.execute("CREATE TABLE photos (name TEXT)")

    with pytest.raises(StoreUnsupportedError) as caught:
        use(URL)

    assert str(caught.value) == "the database contains the tables of another program; give a database of its own"
    assert database.tables() == {"photos"}
