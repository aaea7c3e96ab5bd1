"""A store that the last release wrote is upgraded: whole, in steps that can be interrupted, and proven."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, Engine

from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.errors import AlteredRolesError, StoreUnsupportedError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision
from rolecall.storage import migrate, open_repository, schema_of
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.maintenance.audit import audit
from rolecall.storage.sql import first_digest, schema
from rolecall.storage.sqlite import driver
from rolecall.storage.sqlite.driver import open_sqlite
from tests.postgres import PostgresServer
from tests.storage.old_stores import in_postgres, last_release, old_store
from tests.storage.samples import ACCOUNT, assert_chained, create

NOW = "0005"

OTHER_ROLE = (
    "INSERT INTO roles SELECT account_id || '/{0}', account_id, '{0}', role_id, document, description,"
    " max_session_duration_seconds, tags, create_time, update_time, {1} FROM roles WHERE role_name = 'Kept'"
)


def findings(url: str) -> list[str]:
    with open_admin_store(url).pages() as pages:
        return [found.message for found in audit(pages, first=None, on_progress=lambda *_: None).findings]


def assert_as_it_was(repository: RoleRepository) -> None:
    snapshot = load_snapshot(repository)
    assert {version.role.role_name for version in snapshot.versions()} == {"Old", "App", "Cafe", "Kept", "Other"}
    assert (snapshot.revision, repository.floor().revision) == (7, 2)
    assert_chained(repository)
    assert len(repository.token_key) == 32
    gone = repository.role_as_of(f"{ACCOUNT}/gone", Revision(4))
    assert gone is not None
    assert gone.role_name == "Gone"


def test_a_store_of_the_last_release_is_upgraded_when_it_is_opened(tmp_path: Path) -> None:
    path = last_release(tmp_path / "rolecall.db")
    before = schema_of(f"sqlite:///{path}")

    with closing(open_sqlite(path)) as repository:
        assert_as_it_was(repository)
        create(repository, "New")
        assert len(load_snapshot(repository)) == 6

    assert (before, schema_of(f"sqlite:///{path}")) == ("0003", NOW)
    assert findings(f"sqlite:///{path}") == []


def test_an_empty_store_of_the_last_release_is_upgraded(tmp_path: Path) -> None:
    path = old_store(tmp_path / "rolecall.db", 0)

    with closing(open_sqlite(path)) as repository:
        assert repository.head().digest == bytes(32)
        create(repository, "First")
        assert len(load_snapshot(repository)) == 1
    assert findings(f"sqlite:///{path}") == []


def test_a_database_of_the_last_release_is_upgraded(postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = in_postgres(postgres_server, last_release(tmp_path / "rolecall.db"))

    migrated = migrate(url)

    with closing(open_repository(url)) as repository:
        assert_as_it_was(repository)
        create(repository, "New")
        assert len(load_snapshot(repository)) == 6
    assert migrated == ("0003", NOW)
    assert findings(url) == []


def test_an_upgrade_has_a_transaction_for_the_tables_one_for_each_step_and_one_for_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, begin = list[int](), driver._write_transaction

    def counted(engine: Engine) -> AbstractContextManager[Connection]:
        begun.append(1)
        return begin(engine)

    monkeypatch.setattr(driver, "_write_transaction", counted)
    open_sqlite(last_release(tmp_path / "old.db")).close()
    of_old, begun[:] = len(begun), []
    open_sqlite(tmp_path / "old.db").close()

    # One step takes all five roles. A store that is up to date is looked at twice: for its schema, and for its digest.
    assert (of_old, len(begun)) == (3, 2)


class _InterruptedError(Exception):
    pass


def interrupted(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[], object], *, after: int, examined: list[int]
) -> None:
    """Run a migration of one role a step, which is interrupted after some steps; note each step."""
    step = first_digest.add_next_roles

    def counted(connection: Connection) -> bool:
        if len(examined) == after:
            raise _InterruptedError
        examined.append(1)
        return step(connection)

    monkeypatch.setattr(schema, "add_next_roles", counted)
    with pytest.raises(_InterruptedError):
        work()
    monkeypatch.setattr(schema, "add_next_roles", step)


def one_role_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_digest, "_NEXT", first_digest._NEXT.limit(1))


def test_an_interrupted_upgrade_continues_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, examined = last_release(tmp_path / "rolecall.db"), list[int]()
    one_role_a_step(monkeypatch)
    interrupted(monkeypatch, lambda: open_sqlite(path), after=3, examined=examined)
    with closing(sqlite3.connect(path)) as connection:
        half_way = connection.execute("SELECT version_num, after FROM alembic_version, digesting").fetchall()
    interrupted(monkeypatch, lambda: open_sqlite(path), after=4, examined=examined)

    with closing(open_sqlite(path)) as repository:
        assert_as_it_was(repository)

    assert half_way == [("0004", f"{ACCOUNT}/kept")]
    assert findings(f"sqlite:///{path}") == []


def test_nobody_works_on_a_database_whose_upgrade_was_interrupted(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = in_postgres(postgres_server, last_release(tmp_path / "rolecall.db"))
    one_role_a_step(monkeypatch)
    interrupted(monkeypatch, lambda: migrate(url), after=2, examined=[])
    repository = open_repository(url)

    with pytest.raises(
        StoreUnsupportedError, match="has schema 0004, this version needs 0005 or later; run `rolecall migr"
    ):
        repository.head()
    with psycopg.connect(url) as connection:
        # The last release reads this value in every write, and refuses if it is above its own schema, 0003.
        assert connection.execute("SELECT compatible_from FROM counter").fetchall() == [(5,)]

    assert migrate(url) == ("0004", NOW)
    assert_as_it_was(repository)
    repository.close()


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE roles SET document = '{{}}' WHERE key = '{ACCOUNT}/app'",
        f"DELETE FROM changes WHERE role_key = '{ACCOUNT}/app' AND revision = 6",
        *(
            f"UPDATE changes SET body = CAST({body} AS BLOB) WHERE role_key = '{ACCOUNT}/kept'"
            for body in ("x'00'", "'[]'", "'{}'", """replace(body, '"Kept"', '7')""", f"'{'[' * 50_000}'")
        ),
        OTHER_ROLE.format("gone", "revision"),
        OTHER_ROLE.format("new", "7"),
        f"UPDATE roles SET revision = 'x' WHERE key = '{ACCOUNT}/old'",
    ],
)
def test_roles_that_were_altered_before_the_upgrade_are_refused_after_it(tmp_path: Path, statement: str) -> None:
    path = last_release(tmp_path / "rolecall.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)

    with closing(open_sqlite(path)) as repository, pytest.raises(AlteredRolesError):
        load_snapshot(repository)

    assert findings(f"sqlite:///{path}") != []


@pytest.mark.long
def test_a_store_of_100000_roles_is_upgraded(tmp_path: Path) -> None:
    path = old_store(tmp_path / "rolecall.db", 100_000)

    with closing(open_sqlite(path)) as repository:
        snapshot = load_snapshot(repository)
        assert_chained(repository)

    assert (len(snapshot), snapshot.revision) == (100_000, 100)


@pytest.mark.long
def test_a_database_of_100000_roles_is_upgraded_after_an_interruption(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = in_postgres(postgres_server, old_store(tmp_path / "rolecall.db", 100_000))
    interrupted(monkeypatch, lambda: migrate(url), after=20, examined=[])

    migrated = migrate(url)

    with closing(open_repository(url)) as repository:
        snapshot = load_snapshot(repository)
        assert_chained(repository)
    assert migrated == ("0004", NOW)
    assert (len(snapshot), snapshot.revision) == (100_000, 100)
