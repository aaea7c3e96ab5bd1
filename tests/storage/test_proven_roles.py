"""What is loaded is proven: a store whose roles are not those that servers wrote is refused."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.digest import EMPTY_DIGEST, state_digest, stored_role
from rolecall.roles.errors import AlteredRolesError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision
from rolecall.storage import open_repository
from rolecall.storage.sql.tables import roles
from rolecall.storage.sqlite.driver import open_sqlite
from tests.postgres import PostgresServer
from tests.storage.samples import ACCOUNT, DOCUMENT, OTHER_ACCOUNT, change, create, remove
from tests.storage.stores import empty_store

APP, KEPT = f"{ACCOUNT}/app", f"{ACCOUNT}/kept"
OF_APP = f"WHERE key = '{APP}'"

TAMPERINGS = {
    "key": f"UPDATE roles SET key = '{ACCOUNT}/application' {OF_APP}",
    "account_id": f"UPDATE roles SET account_id = '{OTHER_ACCOUNT}' {OF_APP}",
    "role_name": f"UPDATE roles SET role_name = 'APP' {OF_APP}",
    "role_id": f"UPDATE roles SET role_id = '7' {OF_APP}",
    "document": f"UPDATE roles SET document = document || ' ' {OF_APP}",
    "description": f"UPDATE roles SET description = 'other' {OF_APP}",
    "max_session_duration_seconds": f"UPDATE roles SET max_session_duration_seconds = 43200 {OF_APP}",
    "tags": f"UPDATE roles SET tags = '{{}}' {OF_APP}",
    "the spelling of tags": f"UPDATE roles SET tags = tags || ' ' {OF_APP}",
    "create_time": f"UPDATE roles SET create_time = create_time + 1 {OF_APP}",
    "update_time": f"UPDATE roles SET update_time = update_time - 1 {OF_APP}",
    "revision": f"UPDATE roles SET revision = 99 {OF_APP}",
    "a text moved to the next column": f"UPDATE roles SET document = document || description, description = '' {OF_APP}",
    "two exchanged": "UPDATE roles SET document = (SELECT max(document) FROM roles WHERE document <> o.document)"
    " FROM (SELECT document, key FROM roles) AS o WHERE o.key = roles.key AND o.key LIKE '%app'",
    "removed": f"DELETE FROM roles {OF_APP}",
    "all removed": "DELETE FROM roles",
    "added": "INSERT INTO roles SELECT account_id || '/new', account_id, 'New', '9', document, description,"
    f" max_session_duration_seconds, tags, create_time, update_time, revision FROM roles {OF_APP}",
    "an earlier version": f"UPDATE roles SET description = 'first', revision = 1, update_time = 1000 {OF_APP}",
    "the digest": "UPDATE counter SET digest = (SELECT hash FROM counter)",
    "the digest of no roles": f"UPDATE counter SET digest = {{bytes:{EMPTY_DIGEST.hex()}}}",
    "the revision": "UPDATE counter SET revision = 3",
}


def fill(repository: RoleRepository) -> None:
    create(repository, "App", tags={"team": "a"}, description="first")
    create(repository, "Kept", "Gone", document=DOCUMENT + " ")
    change(repository, APP, description="second", time=2_000)
    remove(repository, f"{ACCOUNT}/gone")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("proven") / "rolecall.db"
    repository = open_sqlite(path)
    fill(repository)
    repository.close()
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "rolecall.db"))


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> str:
    url = empty_store(postgres_server)
    with closing(open_repository(url)) as repository:
        fill(repository)
    return url


@pytest.fixture
def tampered(database: str) -> Iterator[psycopg.Connection]:
    """Yield a connection whose transaction tampers with the database, and is undone at the end."""
    with psycopg.connect(database) as connection:
        before = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in ("roles", "counter")}
        yield connection
        connection.rollback()
        for table, rows in before.items():
            connection.execute(f"DELETE FROM {table}".encode())
            for row in rows:
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})".encode(), row)


def written(statement: str, *, literal: str) -> str:
    """Return a statement with its bytes in the way that a database writes them."""
    head, mark, rest = statement.partition("{bytes:")
    return head + literal.format(*rest.split("}")[:1]) + rest.partition("}")[2] if mark else statement


def alter(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_an_unaltered_store_is_loaded(path: Path) -> None:
    with closing(open_sqlite(path)) as repository:
        snapshot = load_snapshot(repository)

        assert (len(snapshot), snapshot.revision) == (2, 4)
        assert repository.head().digest == state_digest(version.role for version in snapshot.versions())


@pytest.mark.parametrize("statement", TAMPERINGS.values(), ids=TAMPERINGS)
def test_altered_roles_are_not_loaded(path: Path, statement: str) -> None:
    alter(path, written(statement, literal="x'{}'"))

    with (
        closing(open_sqlite(path)) as repository,
        pytest.raises(AlteredRolesError, match="run `rolecall audit verify`"),
    ):
        load_snapshot(repository)


@pytest.mark.parametrize("statement", TAMPERINGS.values(), ids=TAMPERINGS)
def test_altered_roles_of_a_database_are_not_loaded(
    database: str, tampered: psycopg.Connection, statement: str
) -> None:
    tampered.execute(written(statement, literal="'\\x{}'::bytea").encode())
    tampered.commit()

    with (
        closing(open_repository(database)) as repository,
        pytest.raises(AlteredRolesError, match="run `rolecall audit verify`"),
    ):
        load_snapshot(repository)


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE roles SET document = x'7b7d' {OF_APP}",
        f"UPDATE roles SET max_session_duration_seconds = 'x' {OF_APP}",
        f"UPDATE roles SET max_session_duration_seconds = 3600.5 {OF_APP}",
        f"UPDATE roles SET tags = '[' {OF_APP}",
        f"UPDATE roles SET tags = x'00' {OF_APP}",
        "UPDATE counter SET digest = ''",
        "UPDATE counter SET digest = 'text'",
    ],
)
def test_values_of_wrong_types_are_not_loaded(path: Path, statement: str) -> None:
    alter(path, statement)

    with closing(open_sqlite(path)) as repository, pytest.raises(AlteredRolesError, match="`rolecall audit verify`"):
        load_snapshot(repository)


def test_the_order_of_rows_does_not_matter(path: Path) -> None:
    alter(
        path,
        "CREATE TABLE other AS SELECT * FROM roles ORDER BY key DESC",
        "DELETE FROM roles",
        "INSERT INTO roles SELECT * FROM other",
        "DROP TABLE other",
    )

    with closing(open_sqlite(path)) as repository:
        assert len(load_snapshot(repository)) == 2


def test_a_trigger_cannot_alter_what_is_written(path: Path) -> None:
    alter(
        path,
        "CREATE TRIGGER evil AFTER INSERT ON roles BEGIN UPDATE roles SET description = 'x' WHERE key = NEW.key; END",
    )

    with closing(open_sqlite(path)) as repository:
        create(repository, "New")

        with pytest.raises(AlteredRolesError):
            load_snapshot(repository)


def test_an_altered_role_stays_known_after_it_is_replaced_or_deleted(path: Path) -> None:
    alter(
        path, f"UPDATE roles SET document = '{{}}' {OF_APP}", f"UPDATE roles SET document = '{{}}' WHERE key = '{KEPT}'"
    )

    with closing(open_sqlite(path)) as repository:
        change(repository, APP, document=DOCUMENT)
        remove(repository, KEPT)

        with pytest.raises(AlteredRolesError):
            load_snapshot(repository)


def test_a_store_is_loaded_while_roles_are_written(path: Path) -> None:
    with closing(open_sqlite(path)) as repository:
        create(repository, *(f"r{n:04}" for n in range(1_200)))
        load = repository._read_page
        writes: Iterator[Callable[[], object]] = iter(
            [
                lambda: change(repository, f"{ACCOUNT}/r0001", description="early"),
                lambda: remove(repository, f"{ACCOUNT}/r1199"),
                lambda: change(repository, f"{ACCOUNT}/r0001", description="again"),
                lambda: create(repository, "Aaa", "Zzz"),
            ]
        )

        def page_after_a_write(after: str) -> object:
            next(writes, list)()
            return load(after)

        repository._read_page = page_after_a_write  # type: ignore[method-assign, assignment]

        snapshot = load_snapshot(repository)

        assert (len(snapshot), snapshot.revision) == (1_203, repository.head().revision)
        assert snapshot.revision == Revision(9)


def test_the_digest_is_of_every_column(path: Path) -> None:
    with closing(open_sqlite(path)) as repository:
        role = repository.role(APP)
    assert role is not None

    values = dict(zip(roles.c.keys(), stored_role(role), strict=True))

    assert values == {
        name: {"key": APP, "tags": '{"team":"a"}'}.get(name, getattr(role, name, None)) for name in values
    }
