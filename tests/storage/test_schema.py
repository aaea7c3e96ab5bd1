from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Dialect, create_engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateColumn, CreateTable

from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.errors import BrokenHistoryError
from rolecall.roles.role import Revision
from rolecall.storage.sql.tables import METADATA, OLDEST_SCHEMA, SCHEMA
from rolecall.storage.sqlite.driver import open_sqlite
from tests.storage.samples import change, create, remove
from tests.storage.stores import AS_SCHEMA_0002

POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
SQLITE: Dialect = sqlite.dialect()

BYTE_EXACT = {
    ("meta", "incarnation"),
    ("accounts", "account_id"),
    *(("roles", name) for name in ("key", "account_id", "role_name", "role_id")),
    *(("role_tags", name) for name in ("tag_key", "tag_value", "role_key")),
    *(("changes", name) for name in ("role_id", "role_key")),
    *(("requests", name) for name in ("scope", "request_id")),
}


def test_the_migrations_make_the_tables(tmp_path: Path) -> None:
    repository = open_sqlite(tmp_path / "rolecall.db")

    with repository._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, METADATA)
    repository.close()

    assert differences == []


def in_file(connection: Connection) -> dict[str, object]:
    """Return what SQLite says of each table: its columns, its indexes with their columns, and whether it has row ids."""
    made: dict[str, object] = {}
    for name, statement in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all():
        columns = connection.exec_driver_sql(f"PRAGMA table_info({name})").all()
        indexes = {
            index.name: (index.unique, connection.exec_driver_sql(f"PRAGMA index_info({index.name})").all())
            for index in connection.exec_driver_sql(f"PRAGMA index_list({name})")
        }
        made[name] = (columns, indexes, "WITHOUT ROWID" in statement)
    return made


def test_the_tables_are_in_a_new_file_as_they_are_described(tmp_path: Path) -> None:
    described = create_engine("sqlite://", poolclass=StaticPool)
    METADATA.create_all(described)
    repository = open_sqlite(tmp_path / "rolecall.db")

    with described.connect() as one, repository._reading() as other:
        wanted, found = in_file(one), in_file(other)
    repository.close()

    del found["alembic_version"]
    assert found == wanted


@pytest.mark.parametrize("dialect", [POSTGRESQL, SQLITE], ids=["postgresql", "sqlite"])
def test_every_column_needs_a_value_that_the_database_does_not_make(dialect: Dialect) -> None:
    columns = [column for table in METADATA.sorted_tables for column in table.columns]
    described = {str(column): str(CreateColumn(column).compile(dialect=dialect)) for column in columns}

    assert [name for name, text in described.items() if not text.endswith(" NOT NULL")] == []
    assert [name for name, text in described.items() if "SERIAL" in text or "IDENTITY" in text] == []
    # Only what was added to tables with rows has a default, which no row keeps.
    assert {name for name, text in described.items() if "DEFAULT" in text} == {
        "counter.compatible_from",
        "counter.digest",
        "changes.role_key",
    }


def test_tables_of_both_engines_compare_identifiers_byte_by_byte() -> None:
    exact = set()
    for table in METADATA.sorted_tables:
        for column in table.columns:
            on_postgres = str(column.type.compile(POSTGRESQL))
            assert "COLLATE" not in str(column.type.compile(SQLITE))
            if on_postgres == 'TEXT COLLATE "C"':
                exact.add((table.name, column.name))

    assert exact == BYTE_EXACT


@pytest.mark.parametrize("dialect", [POSTGRESQL, SQLITE], ids=["postgresql", "sqlite"])
def test_no_engine_keeps_documents_as_json(dialect: Dialect) -> None:
    statements = [str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables]

    assert all("JSON" not in statement for statement in statements)


def test_the_number_of_the_schema_is_that_of_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "rolecall.storage.sql:migrations")

    heads = ScriptDirectory.from_config(config).get_heads()

    assert heads == [f"{SCHEMA:04}"]
    assert OLDEST_SCHEMA <= SCHEMA


def alter(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount == 1


def is_broken(page: Callable[[], object]) -> bool:
    try:
        page()
    except BrokenHistoryError:
        return True
    return False


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE changes SET body = replace(body, 'alice', 'alicf') WHERE revision = 2",
        "UPDATE changes SET body = CAST(replace(body, 'second', 'forged') AS BLOB) WHERE revision = 2",
        "UPDATE commits SET body = CAST(replace(body, 'alice', 'mallory') AS BLOB) WHERE revision = 2",
        "UPDATE commits SET hash = x'00' WHERE revision = 2",
        "DELETE FROM changes WHERE revision = 2",
        "DELETE FROM commits WHERE revision = 2",
        "DELETE FROM commits WHERE revision = 4",
        "INSERT INTO changes SELECT revision, 1, role_id, body, role_key FROM changes WHERE revision = 1",
    ],
)
def test_a_history_that_was_altered_by_hand_is_found(statement: str, tmp_path: Path) -> None:
    path = tmp_path / "rolecall.db"
    repository = open_sqlite(path)
    (role,) = create(repository, "App")
    for description in ("second", "third", "fourth"):
        change(repository, role.key, description=description)
    alter(path, statement)

    with pytest.raises(BrokenHistoryError):
        repository.commits(after=Revision(0), limit=10)
    pages = [partial(repository.commits, after=Revision(after), limit=1) for after in range(4)]
    assert sum(is_broken(page) for page in pages) >= 1

    repository.close()


def test_a_sound_history_is_read_whatever_the_page(tmp_path: Path) -> None:
    repository = open_sqlite(tmp_path / "rolecall.db")
    for n in range(5):
        create(repository, *(f"r{n}-{m}" for m in range(n + 1)))
    whole = repository.commits(after=Revision(0), limit=10)

    pages = [repository.commits(after=Revision(n), limit=1) for n in range(5)]

    assert [commit for page in pages for commit in page] == whole
    repository.close()


def test_changes_that_were_written_before_they_had_a_key_are_found_by_it(tmp_path: Path) -> None:
    path = tmp_path / "rolecall.db"
    repository = open_sqlite(path)
    (role,) = create(repository, "App")
    changed = change(repository, role.key, description="changed")
    create(repository, *(f"r{n}" for n in range(1_100)))
    remove(repository, role.key)
    repository.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in AS_SCHEMA_0002:
            connection.execute(statement)
        connection.execute("DROP INDEX changes_of_key")
        connection.execute("ALTER TABLE changes DROP COLUMN role_key")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")

    repository = open_sqlite(path)

    assert [repository.role_as_of(role.key, Revision(n)) for n in (1, 2, 3, 4)] == [role, changed, changed, None]
    assert repository.role_as_of(f"{role.account_id}/r1099", Revision(4)) is not None
    assert len(load_snapshot(repository)) == 1_100
    repository.close()
