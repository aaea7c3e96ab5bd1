"""The audit sees what alters the schema of a store: triggers, views, indexes, tables, settings."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine

from rolecall.storage import open_repository
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.audit import audit
from rolecall.storage.maintenance.audit_findings import AuditFinding, Findings
from rolecall.storage.maintenance.audit_schema import check_schema
from rolecall.storage.sqlite.driver import open_sqlite
from tests.postgres import PostgresServer
from tests.storage.samples import ACCOUNT, change, create
from tests.storage.stores import empty_store

REWRITE = "UPDATE sqlite_master SET sql = replace(sql, {}) WHERE name = '{}'"
ALTERATIONS = {
    "a trigger": ("CREATE TRIGGER evil AFTER INSERT ON roles BEGIN SELECT 1; END",
                  "there is a trigger `evil` of table `roles`, which no version makes"),
    "a view": ("CREATE VIEW v AS SELECT 1", "there is a view `v`, which no version makes"),
    "a table": ("CREATE TABLE t (a)", "there is a table `t`, which no version makes"),
    "an index": ("CREATE INDEX i ON roles (document)", "there is a index `i` of table `roles`, which no version makes"),
    "no index": ("DROP INDEX changes_of_key", "index `changes_of_key` is missing"),
    "no index of tags": ("DROP INDEX role_tags_of_role", "index `role_tags_of_role` is missing"),
    "another index": ("DROP INDEX changes_of_role; CREATE INDEX changes_of_role ON changes (role_id)",
                      "index `changes_of_role` is not as this version makes it"),
    "a partial index": ("DROP INDEX changes_of_key; CREATE INDEX changes_of_key ON changes (role_key, revision) WHERE revision > 9",
                        "index `changes_of_key` is not as this version makes it"),
    "a unique index": ("DROP INDEX requests_by_time; CREATE UNIQUE INDEX requests_by_time ON requests (time)",
                       "index `requests_by_time` is not as this version makes it"),
    "a column": ("ALTER TABLE roles ADD COLUMN more TEXT", "table `roles` is not as this version makes it"),
    "a collation": ("PRAGMA writable_schema = 1;" + REWRITE.format("'role_id TEXT NOT NULL', 'role_id TEXT COLLATE NOCASE NOT NULL'", "roles"),
                    "table `roles` is not as this version makes it"),
    "a check": ("PRAGMA writable_schema = 1;" + REWRITE.format("'document TEXT NOT NULL', 'document TEXT NOT NULL CHECK (1)'", "roles"),
                "table `roles` is not as this version makes it"),
    "a setting": ("PRAGMA user_version = 7", "the setting `user_version` is `7`, it must be `0`"),
    "another setting": ("PRAGMA application_id = 7", "the setting `application_id` is `7`, it must be `0`"),
}  # fmt: skip
FUNCTION = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
NOT_AS_MADE = "that is not as this version makes it"
DATABASE_ALTERATIONS = {
    "a trigger": (f"{FUNCTION}; CREATE TRIGGER evil BEFORE INSERT ON roles FOR EACH ROW EXECUTE FUNCTION f()",
                  "table `roles` has a trigger `evil`, which no version makes"),
    "a rule": ("CREATE RULE evil AS ON DELETE TO roles DO INSTEAD NOTHING", "table `roles` has a rule `evil`, which no version makes"),
    "no index": ("DROP INDEX changes_of_key", "table `changes` lacks the index `changes_of_key`"),
    "an index": ("CREATE INDEX i ON roles (role_id)", "table `roles` has an index `i`, which no version makes"),
    "another index": ("DROP INDEX changes_of_key; CREATE INDEX changes_of_key ON changes (role_key)",
                      f"table `changes` has an index `changes_of_key` {NOT_AS_MADE}, or not valid"),
    "a partial index": ("DROP INDEX changes_of_key; CREATE INDEX changes_of_key ON changes (role_key, revision) WHERE revision > 9",
                        f"table `changes` has an index `changes_of_key` {NOT_AS_MADE}, or not valid"),
    "a unique index": ("DROP INDEX requests_by_time; CREATE UNIQUE INDEX requests_by_time ON requests (time)",
                       f"table `requests` has an index `requests_by_time` {NOT_AS_MADE}, or not valid"),
    "no key": ("ALTER TABLE accounts DROP CONSTRAINT accounts_pkey", "table `accounts` lacks the index `accounts_pkey`"),
    "row security": ("ALTER TABLE roles ENABLE ROW LEVEL SECURITY", "table `roles` has row security, which hides rows from servers"),
    "row security of the owner": ("ALTER TABLE roles FORCE ROW LEVEL SECURITY", "table `roles` has row security, which hides rows from servers"),
    "a policy": ("CREATE POLICY p ON roles USING (false)", "table `roles` has a policy `p`, which no version makes"),
    "not logged": ("ALTER TABLE changes SET UNLOGGED", "table `changes` is not logged: a crash of the database empties it"),
    "a check": ("ALTER TABLE roles ADD CONSTRAINT c CHECK (revision >= 0)", "table `roles` has a constraint `c`, which no version makes"),
    "a column": ("ALTER TABLE roles ADD COLUMN more text", "table `roles` has a column `more`, which no version makes"),
    "no column": ("ALTER TABLE requests DROP COLUMN outcome", "table `requests` lacks the column `outcome`"),
    "a type": ("ALTER TABLE roles ALTER COLUMN document TYPE varchar(90000)", f"table `roles` has a column `document` {NOT_AS_MADE}"),
    "a small number": ("ALTER TABLE roles ALTER COLUMN revision TYPE integer", f"table `roles` has a column `revision` {NOT_AS_MADE}"),
    "a large number": ("ALTER TABLE changes ALTER COLUMN ordinal TYPE bigint", f"table `changes` has a column `ordinal` {NOT_AS_MADE}"),
    "bytes as text": ("ALTER TABLE requests ALTER COLUMN outcome TYPE text USING ''", f"table `requests` has a column `outcome` {NOT_AS_MADE}"),
    "a value of the database's": ("ALTER TABLE counter ALTER COLUMN revision ADD GENERATED BY DEFAULT AS IDENTITY",
                                  f"table `counter` has a column `revision` {NOT_AS_MADE}"),
    "a collation": ('ALTER TABLE accounts ALTER COLUMN account_id TYPE text COLLATE "default"',
                    f"table `accounts` has a column `account_id` {NOT_AS_MADE}"),
    "another collation": ('ALTER TABLE roles ALTER COLUMN document TYPE text COLLATE "C"', f"table `roles` has a column `document` {NOT_AS_MADE}"),
    "nothing required": ("ALTER TABLE roles ALTER COLUMN document DROP NOT NULL", f"table `roles` has a column `document` {NOT_AS_MADE}"),
    "a child": ("CREATE TABLE child () INHERITS (roles)", "table `roles` is not an ordinary table"),
}  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "rolecall.db"
    repository = open_sqlite(path)
    create(repository, "App", tags={"a": "b"})
    change(repository, f"{ACCOUNT}/app", description="second")
    repository.close()
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "rolecall.db"))


@pytest.fixture
def database(postgres_server: PostgresServer) -> str:
    url = empty_store(postgres_server)
    with closing(open_repository(url)) as repository:
        create(repository, "App", tags={"a": "b"})
    return url


def findings(url: str) -> list[str]:
    with open_admin_store(url).pages() as pages:
        return [found.message for found in audit(pages, first=None, on_progress=lambda *_: None).findings]


def altered(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


@pytest.mark.parametrize(("script", "wanted"), ALTERATIONS.values(), ids=ALTERATIONS)
def test_an_altered_schema_is_found(path: Path, script: str, wanted: str) -> None:
    before = findings(f"sqlite:///{path}")
    altered(path, script)

    found = findings(f"sqlite:///{path}")

    assert before == []
    assert [message.partition(":")[0] for message in found] == [wanted]


def test_a_statement_that_is_not_as_made_is_reported_without_its_white_space(path: Path) -> None:
    altered(
        path,
        "DROP INDEX changes_of_key; CREATE  INDEX changes_of_key\n ON changes  ( revision ,\trole_key ) WHERE (revision)",
    )

    assert findings(f"sqlite:///{path}") == [
        "index `changes_of_key` is not as this version makes it: `CREATE INDEX changes_of_key ON changes(revision,role_key)WHERE(revision)`"
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("(", "\n ( \t"), (")", " \n)  "), (",", "  ,\n"), (" ", "\r\n\t "), ("\n", " ")],
    ids=["opening", "closing", "comma", "space", "line"],
)
def test_white_space_of_a_statement_is_no_alteration(path: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = 1")
        changed = (
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name IN ('roles', 'changes', 'changes_of_key')"
        )
        assert connection.execute(changed, (old, new)).rowcount == 3

    assert findings(f"sqlite:///{path}") == []


def test_a_file_of_another_encoding_is_found(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("PRAGMA encoding = 'UTF-16le'")
        other.executescript("\n".join(source.iterdump()))

    assert findings(f"sqlite:///{tmp_path}/other.db") == ["the setting `encoding` is `UTF-16le`, it must be `UTF-8`"]


def test_statistics_for_the_planner_are_no_alteration(path: Path) -> None:
    altered(path, "ANALYZE")

    assert findings(f"sqlite:///{path}") == []


def test_a_schema_of_a_later_version_is_not_examined(path: Path) -> None:
    altered(path, "UPDATE alembic_version SET version_num = '9999'; CREATE TABLE later (id INTEGER)")

    assert findings(f"sqlite:///{path}") == []


@pytest.fixture(scope="module")
def catalog(postgres_server: PostgresServer) -> str:
    """Return a database of which every test takes back what it did."""
    return empty_store(postgres_server)


@pytest.fixture
def altered_database(catalog: str) -> Iterator[Callable[[str], list[AuditFinding]]]:
    engine = create_engine(catalog.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:

        def audited(script: str) -> list[AuditFinding]:
            findings = Findings()
            connection.exec_driver_sql(script)
            check_schema(connection, findings)
            return findings.listed

        yield audited
        connection.rollback()
    engine.dispose()


@pytest.mark.parametrize(("script", "wanted"), DATABASE_ALTERATIONS.values(), ids=DATABASE_ALTERATIONS)
def test_an_altered_schema_of_a_database_is_found(
    altered_database: Callable[[str], list[AuditFinding]], script: str, wanted: str
) -> None:
    assert altered_database(script) == [AuditFinding(None, wanted)]


def test_alterations_of_a_table_are_found_together_each_kind_by_name(
    altered_database: Callable[[str], list[AuditFinding]],
) -> None:
    found = altered_database(
        "ALTER TABLE requests ADD COLUMN b text, ADD COLUMN a text, DROP COLUMN scope, DROP COLUMN outcome;"
        "CREATE INDEX z ON requests (a); CREATE INDEX y ON requests (b); DROP INDEX requests_by_time"
    )

    assert [finding.message.removeprefix("table `requests` ") for finding in found] == [
        "lacks the column `outcome`",
        "lacks the column `scope`",
        "has a column `a`, which no version makes",
        "has a column `b`, which no version makes",
        # That of the key was dropped with its column.
        "lacks the index `requests_by_time`",
        "lacks the index `requests_pkey`",
        "has an index `y`, which no version makes",
        "has an index `z`, which no version makes",
    ]


def test_an_altered_database_is_found_by_the_whole_audit(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("DROP INDEX changes_of_key")

    assert findings(database) == ["table `changes` lacks the index `changes_of_key`"]


def test_the_schema_of_a_new_database_is_sound(database: str) -> None:
    assert findings(database) == []


@pytest.mark.parametrize("column", ["document", "description", "tags", "key", "role_name", "role_id", "account_id"])
def test_an_altered_text_of_a_role_older_than_the_log_is_found(path: Path, column: str) -> None:
    with closing(open_sqlite(path)) as repository:
        for _ in range(3):
            change(repository, f"{ACCOUNT}/app", description=f"{repository.head().revision}")
        repository.prune(keep_after=1 << 60, keep_revisions=0, forget_requests_before=0)
    before = findings(f"sqlite:///{path}")
    altered(path, f"UPDATE roles SET {column} = {column} || ' '")

    found = findings(f"sqlite:///{path}")

    assert before == []
    assert "the roles are not those that servers wrote up to revision 5: they have another digest" in found
