"""A store behind a pooler that lends a connection for each transaction: nothing may depend on a session (row 73 of the faults)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from rolecall.roles.repository import RoleRepository
from rolecall.storage import migrate, open_repository, schema_of
from rolecall.storage.postgres.notifications import PostgresNotifications
from rolecall.storage.sql.tables import SCHEMA
from tests.postgres import PATIENCE_SECONDS, PostgresServer
from tests.storage.contract import RoleRepositoryContract
from tests.storage.pgbouncer import pooler
from tests.storage.samples import all_commits, assert_chained, create
from tests.storage.stores import clear, empty_store
from tests.storage.waiting import wait_until

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def port(postgres_server: PostgresServer) -> Iterator[int]:
    with pooler(postgres_server) as port:
        yield port


@pytest.fixture(scope="module")
def store(postgres_server: PostgresServer) -> str:
    return empty_store(postgres_server)


def through(port: int, server: PostgresServer, url: str) -> str:
    """Return the URL of a database by way of the pooler."""
    return url.replace(f":{server.port}/", f":{port}/")


@pytest.fixture
def repository(port: int, postgres_server: PostgresServer, store: str) -> Iterator[RoleRepository]:
    clear(postgres_server, store)
    repository = open_repository(through(port, postgres_server, store))
    yield repository
    repository.close()


class TestPooledRoleRepository(RoleRepositoryContract):
    pass


def test_what_a_transaction_has_set_does_not_reach_another(
    port: int, postgres_server: PostgresServer, store: str, repository: RoleRepository
) -> None:
    create(repository, "App")

    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")
    with closing(
        psycopg.connect(through(port, postgres_server, store), autocommit=True, prepare_threshold=None)
    ) as guest:
        found = [guest.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names]

    assert found == [("0",), ("0",), ("0",), ("read committed",)]


def test_nothing_is_prepared(postgres_server: PostgresServer, store: str) -> None:
    repository = open_repository(store)
    for n in range(20):
        create(repository, f"r{n}")
        repository.role("none")

    with repository._engine.connect() as connection:  # type: ignore[attr-defined]
        prepared = connection.exec_driver_sql("SELECT name FROM pg_prepared_statements").all()

    assert prepared == []
    repository.close()


def test_a_database_is_migrated_through_a_pooler(port: int, postgres_server: PostgresServer) -> None:
    url = through(port, postgres_server, postgres_server.create_database())

    with ThreadPoolExecutor(3) as threads:
        outcomes = list(threads.map(migrate, [url] * 3))

    assert sorted(before for before, _ in outcomes) == ["", f"{SCHEMA:04}", f"{SCHEMA:04}"]
    assert schema_of(url) == f"{SCHEMA:04}"


def test_polling_finds_every_commit_whether_the_pooler_delivers_notifications_or_not(
    repository: RoleRepository, store: str
) -> None:
    # Row 73 of the faults: in transaction mode a pooler loses notifications, and that must do no harm.
    directly, notifications = open_repository(store), repository.notifications()
    assert isinstance(notifications, PostgresNotifications)

    with ThreadPoolExecutor(1) as threads:
        listening = threads.submit(notifications.wait, PATIENCE_SECONDS)
        wait_until(lambda: listening.done() or notifications._connected_before)
        for n in range(10):
            create(directly, f"r{n}")
        found = all_commits(repository)
        notifications.close()
        listening.result(PATIENCE_SECONDS)

    assert [commit.revision for commit in found] == list(range(1, 11))
    assert_chained(repository)
    directly.close()
