"""A store behind a pooler that lends its connections for a transaction: nothing may rest on a session (faults, row 73)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from rolecall.roles.repository import Notifications, RoleRepository
from rolecall.storage import migrate, open_repository, schema_of
from rolecall.storage.sql.tables import SCHEMA
from tests.postgres import PostgresServer
from tests.storage.contract import RoleRepositoryContract
from tests.storage.pgbouncer import pooler
from tests.storage.samples import all_commits, assert_chained, create
from tests.storage.stores import clear, empty_store


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


def test_row_73_no_word_comes_through_a_pooler_and_polling_finds_every_commit(
    repository: RoleRepository, store: str
) -> None:
    directly, notifications, done = open_repository(store), repository.notifications(), threading.Event()
    assert notifications is not None

    with ThreadPoolExecutor(1) as threads:
        listening = threads.submit(words, notifications, done)
        time.sleep(0.3)
        for n in range(10):
            create(directly, f"r{n}")
        found = all_commits(repository)
        time.sleep(0.5)
        done.set()

    assert listening.result() == 0
    assert [commit.revision for commit in found] == list(range(1, 11))
    assert_chained(repository)
    notifications.close()
    directly.close()


def words(notifications: Notifications, done: threading.Event) -> int:
    """Count the words that come until it is done."""
    came = 0
    while not done.is_set():
        came += notifications.wait(0.1)
    return came
