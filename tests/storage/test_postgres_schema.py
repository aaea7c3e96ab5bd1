"""The schema on PostgreSQL: changed on purpose only, by one at a time, and served within a range (faults, row 78)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import sql

from rolecall.roles.errors import StoreUnavailableError, StoreUnsupportedError
from rolecall.storage import migrate, open_repository, schema_of
from rolecall.storage.sql import queries, schema
from rolecall.storage.sql.tables import METADATA, OLDEST_SCHEMA, SCHEMA
from tests.postgres import PostgresServer
from tests.storage.processes import python
from tests.storage.samples import create
from tests.storage.stores import AS_SCHEMA_0002, empty_store
from tests.storage.test_schema import BYTE_EXACT

NOW = f"{SCHEMA:04}"


def run_sql(url: str, *statements: str) -> list[tuple[Any, ...]]:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for statement in statements:
            cursor = connection.execute(sql.SQL(statement))
        return cursor.fetchall() if cursor.description else []


def test_the_migrations_make_the_tables(postgres_server: PostgresServer) -> None:
    repository = open_repository(empty_store(postgres_server))

    with repository._engine.connect() as connection:  # type: ignore[attr-defined]
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, METADATA)
    repository.close()

    assert differences == []


def test_the_columns_of_identifiers_compare_byte_by_byte(postgres_server: PostgresServer) -> None:
    store = empty_store(postgres_server)

    exact = run_sql(store, "SELECT table_name, column_name FROM information_schema.columns WHERE collation_name = 'C'")
    kept_as_json = run_sql(store, "SELECT 1 FROM information_schema.columns WHERE data_type LIKE 'json%'")

    tables = {table.name for table in METADATA.sorted_tables}
    assert {column for column in exact if column[0] in tables} == BYTE_EXACT
    assert kept_as_json == []


def test_a_database_without_tables_is_refused_until_it_is_migrated(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    repository = open_repository(url)

    for _ in range(2):
        with pytest.raises(StoreUnsupportedError, match="the database has no tables yet; run `rolecall migrate`"):
            repository.head()
    with pytest.raises(StoreUnsupportedError, match="rolecall migrate"):
        create(repository, "App")
    assert schema_of(url) == ""
    assert (migrate(url), migrate(url)) == (("", NOW), (NOW, NOW))

    assert schema_of(url) == NOW
    assert create(repository, "App")[0].revision == 1
    repository.close()


def test_a_migration_keeps_what_is_there(postgres_server: PostgresServer) -> None:
    url = empty_store(postgres_server)
    repository = open_repository(url)
    made = create(repository, "App", tags={"a": "b"})
    head, key = repository.head(), repository.token_key
    run_sql(url, *AS_SCHEMA_0002)

    migrated = migrate(url)

    assert migrated == ("0002", NOW)
    assert (repository.head(), repository.token_key, list(repository.load())) == (head, key, made)
    repository.close()


def test_an_older_schema_is_refused_until_it_is_migrated(postgres_server: PostgresServer) -> None:
    url = empty_store(postgres_server)
    run_sql(url, *AS_SCHEMA_0002)
    repository = open_repository(url)

    with pytest.raises(
        StoreUnsupportedError, match=f"has schema 0002, this version needs {OLDEST_SCHEMA:04} or later; run"
    ):
        repository.head()

    migrate(url)
    assert repository.head().revision == 0
    repository.close()


def test_a_database_of_something_else_is_left_alone(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    run_sql(url, "CREATE TABLE photos (name TEXT)")
    repository = open_repository(url)

    for attempt in (repository.head, lambda: migrate(url), lambda: schema_of(url)):
        with pytest.raises(StoreUnsupportedError, match="the database contains the tables of another program"):
            attempt()

    assert run_sql(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("photos",)]
    repository.close()


def test_a_database_that_cannot_keep_every_character_is_refused(postgres_server: PostgresServer) -> None:
    postgres_server.execute(
        "CREATE DATABASE latin OWNER rolecall TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
    )
    url = postgres_server.url_of("latin")
    repository = open_repository(url)

    with pytest.raises(StoreUnsupportedError, match="has the encoding LATIN1; create one with ENCODING 'UTF8'"):
        migrate(url)
    with pytest.raises(StoreUnsupportedError, match="LATIN1"):
        repository.head()

    repository.close()


def test_of_many_migrations_at_once_one_makes_the_tables(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(migrate, [url] * 4))

    assert sorted(outcomes) == [("", NOW), *[(NOW, NOW)] * 3]
    assert run_sql(url, "SELECT count(*) FROM meta") == [(1,)]


def test_of_two_processes_that_migrate_at_once_one_makes_the_tables(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    program = "import sys; from rolecall.storage import migrate; print(*migrate(sys.argv[1]), sep=',')"
    processes = [python("-c", program, url) for _ in range(2)]

    outputs = [process.communicate(timeout=120)[0].strip() for process in processes]

    assert sorted(outputs) == [f",{NOW}", f"{NOW},{NOW}"]
    assert [process.returncode for process in processes] == [0, 0]


def test_a_migration_that_fails_changes_nothing(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_server.create_database()

    def failing(_: object) -> None:
        raise RuntimeError("half way")

    with monkeypatch.context() as patch:
        patch.setattr(schema, "_insert_first_rows", failing)
        with pytest.raises(RuntimeError, match="half way"):
            migrate(url)

    assert schema_of(url) == ""
    assert migrate(url) == ("", NOW)


def test_an_old_server_works_on_a_newer_schema_that_allows_it(postgres_server: PostgresServer) -> None:
    # Row 78 of the faults.
    url = empty_store(postgres_server)
    old = open_repository(url)
    made = create(old, "App")
    run_sql(
        url,
        "UPDATE alembic_version SET version_num = '9999'",
        "ALTER TABLE roles ADD COLUMN later TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE counter ADD COLUMN later INTEGER NOT NULL DEFAULT 7",
        "CREATE TABLE later (id INTEGER)",
    )
    started_after = open_repository(url)

    made += create(old, "Running")
    made += create(started_after, "Started")

    assert list(started_after.load()) == list(old.load()) == made
    assert migrate(url) == ("9999", "9999")
    old.close()
    started_after.close()


def test_an_old_server_stops_writing_and_still_reads_when_the_schema_becomes_too_new(
    postgres_server: PostgresServer,
) -> None:
    # Row 78 of the faults.
    url = empty_store(postgres_server)
    old = open_repository(url)
    made = create(old, "App")
    run_sql(url, "UPDATE alembic_version SET version_num = '9999'", "UPDATE counter SET compatible_from = 9999")

    with pytest.raises(
        StoreUnavailableError,
        match=f"accepts writes only from versions that support schema 9999 .* this one supports {NOW}",
    ):
        create(old, "Other")
    with pytest.raises(StoreUnavailableError, match="accepts writes only from versions that support schema 9999"):
        old.rename_history(old.head().incarnation)

    assert (list(old.load()), old.head().revision) == (made, 1)
    started_after = open_repository(url)
    for attempt in (started_after.head, lambda: create(started_after, "Third"), lambda: migrate(url)):
        with pytest.raises(StoreUnsupportedError, match="has schema 9999, for versions that support 9999 or later"):
            attempt()
    old.close()
    started_after.close()


def test_a_new_server_works_on_an_old_schema_within_its_range(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Row 78 of the faults.
    url = empty_store(postgres_server)
    old = open_repository(url)
    create(old, "Old")
    for module in (schema, queries):
        monkeypatch.setattr(module, "SCHEMA", SCHEMA + 1)
    new = open_repository(url)

    create(new, "New")

    assert [role.role_name for role in new.load()] == ["New", "Old"]
    monkeypatch.setattr(schema, "OLDEST_SCHEMA", SCHEMA + 1)
    newest = open_repository(url)
    with pytest.raises(StoreUnsupportedError, match=f"has schema {NOW}, this version needs {SCHEMA + 1:04} or later"):
        newest.head()
    for repository in (old, new, newest):
        repository.close()


def test_a_missing_column_is_an_outage_and_not_a_programming_mistake(postgres_server: PostgresServer) -> None:
    url = empty_store(postgres_server)
    repository = open_repository(url)
    create(repository, "App")
    run_sql(url, "ALTER TABLE roles DROP COLUMN description")

    with pytest.raises(StoreUnavailableError, match="update this server"):
        list(repository.load())
    repository.close()


def test_a_database_with_a_view_of_something_else_is_refused(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    run_sql(url, "CREATE VIEW roles AS SELECT 1 AS one")

    with pytest.raises(StoreUnsupportedError, match="contains the tables of another program"):
        migrate(url)


def test_no_url_changes_the_encoding_of_texts(postgres_server: PostgresServer) -> None:
    repository = open_repository(empty_store(postgres_server) + "?client_encoding=LATIN1")

    made = create(repository, "App", description="日本 🙂")

    assert list(repository.load()) == made
    repository.close()
