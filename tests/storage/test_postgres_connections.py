"""The settings that connections and transactions really have in the database: the time limits depend on them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.pool import QueuePool

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import RoleRepository
from rolecall.storage import migrate, open_repository
from rolecall.storage.maintenance.admin_store import open_admin_store
from rolecall.storage.postgres import schema
from rolecall.storage.postgres.driver import TIMEOUTS, Timeouts, one_transaction, open_postgres
from rolecall.storage.postgres.timeouts import ResponseTimeout, TimedConnection
from rolecall.storage.postgres.url import connect, parse_url
from rolecall.storage.sql.store import SqlRoleRepository
from tests.postgres import PATIENCE_SECONDS, PostgresServer
from tests.storage.samples import create
from tests.storage.stores import database_of, empty_store
from tests.storage.waiting import has_blocked_transaction, wait_until

SETTINGS = (
    "transaction_isolation",
    "transaction_read_only",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "statement_timeout",
)
LIMITS = ["3s", "5s", "30s"]


def shown(connection: Connection, *names: str) -> list[str]:
    return [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]


@pytest.fixture
def opened(repository: RoleRepository) -> SqlRoleRepository:
    assert isinstance(repository, SqlRoleRepository)
    return repository


def test_a_read_is_one_state_and_the_database_limits_its_time(opened: SqlRoleRepository) -> None:
    with opened._reading() as connection:
        found = shown(connection, *SETTINGS)

    assert found == ["repeatable read", "on", *LIMITS]


def test_a_write_sees_the_writes_before_it_and_the_database_limits_its_time(opened: SqlRoleRepository) -> None:
    with opened._writing() as connection:
        found = shown(connection, *SETTINGS)

    assert found == ["read committed", "off", *LIMITS]


def test_each_limit_is_the_one_that_was_given(store: str) -> None:
    with closing(open_postgres(store, Timeouts(lock=1_000, idle=2_000, statement=4_000, response=8_000))) as opened:
        with opened._reading() as connection:
            found = shown(connection, *SETTINGS[2:])
        given_up = timeout_of(opened).seconds

    assert (found, given_up) == (["1s", "2s", "4s"], 8.0)


def timeout_of(opened: SqlRoleRepository) -> ResponseTimeout:
    """Return the timeout that the connections of a store have."""
    timeout = connection_of(opened).response_timeout
    assert timeout is not None
    return timeout


def connection_of(opened: SqlRoleRepository) -> TimedConnection:
    """Return a connection as the pool makes it."""
    made = opened._engine.pool.connect()
    try:
        assert isinstance(made.dbapi_connection, TimedConnection)
        return made.dbapi_connection
    finally:
        made.close()


def test_a_silent_database_is_given_up_only_after_it_had_time_to_end_a_statement_itself(
    opened: SqlRoleRepository,
) -> None:
    notifications = opened.notifications()
    assert notifications is not None

    assert TIMEOUTS.statement < TIMEOUTS.response
    assert timeout_of(opened).seconds == notifications._response_timeout.seconds == 35.0  # type: ignore[attr-defined]


def test_closing_notifications_does_not_shorten_the_waits_of_the_store(opened: SqlRoleRepository) -> None:
    notifications = opened.notifications()
    assert notifications is not None

    notifications.close()

    assert not timeout_of(opened).shortened


def test_a_closing_store_shortens_its_waits(opened: SqlRoleRepository) -> None:
    timeout = timeout_of(opened)

    opened.close()

    assert timeout.shortened


def test_a_read_that_ends_after_its_store_was_closed_leaves_no_connection(opened: SqlRoleRepository) -> None:
    with opened._reading() as connection:
        used: Any = connection.connection.dbapi_connection
        opened.close()
        still_open = not used.closed

    assert still_open
    assert used.closed


def test_a_connection_notices_a_peer_that_vanished(store: str) -> None:
    with closing(connect(parse_url(store))) as connection:
        found = connection.info.get_parameters()

    assert {name: found[name] for name in found if "time" in name or "keepalive" in name} == {
        "connect_timeout": "5",
        "keepalives": "1",
        "keepalives_idle": "15",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "10000",
    }
    assert (found["application_name"], found["client_encoding"]) == ("rolecall", "UTF8")


def test_a_connection_leaves_nothing_in_a_session(store: str) -> None:
    with closing(connect(parse_url(store))) as connection:
        found = connection.autocommit, connection.prepare_threshold

    assert found == (True, None)


def test_the_pool_is_bounded_and_replaces_dead_connections(opened: SqlRoleRepository) -> None:
    pool = opened._engine.pool
    assert isinstance(pool, QueuePool)

    assert (pool.size(), pool._max_overflow, pool._timeout) == (8, 0, 5)
    assert pool._pre_ping
    # The newest connection is used first, so that those of a peak become idle.
    assert pool._pool.use_lifo
    assert opened._engine.hide_parameters


@pytest.mark.long
def test_no_connection_of_a_standby_is_kept_when_the_primary_may_be_elsewhere(
    postgres_server: PostgresServer, store: str, repository: RoleRepository
) -> None:
    create(repository, "App")
    standby = postgres_server.make_standby()
    there = open_repository(standby.url_of(database_of(store)))
    assert isinstance(there, SqlRoleRepository)
    pooled = [there._engine.pool.connect() for _ in range(3)]
    made: list[Any] = [connection.dbapi_connection for connection in pooled]
    for connection in pooled:
        connection.close()

    with pytest.raises(StoreUnavailableError, match="is a standby"):
        there.head()

    assert [connection.closed for connection in made] == [True] * 3
    there.close()
    standby.close()


@pytest.mark.parametrize(
    "read", [lambda store: store.snapshot_transaction(), lambda store: store.snapshot_transaction_beside(None)]
)
def test_commands_read_one_state_and_may_take_longer(
    postgres_server: PostgresServer, read: Callable[[object], AbstractContextManager[Connection]]
) -> None:
    with read(open_admin_store(empty_store(postgres_server))) as connection:
        found = shown(connection, *SETTINGS)

    assert found == ["repeatable read", "on", "10s", "30min", "30min"]


def test_the_pages_of_an_audit_are_of_one_state(postgres_server: PostgresServer) -> None:
    url = empty_store(postgres_server)

    with open_admin_store(url).pages() as pages:
        with pages() as first:
            before = shown(first, *SETTINGS[:2])
        with closing(open_repository(url)) as server:
            create(server, "App")
        with pages() as second:
            roles = second.exec_driver_sql("SELECT count(*) FROM roles").scalar_one()

    assert (before, first is second, roles) == (["repeatable read", "on"], True, 0)


def test_a_restore_is_durable_and_may_take_longer(postgres_server: PostgresServer) -> None:
    url = empty_store(postgres_server)
    postgres_server.execute(f"ALTER DATABASE {database_of(url)} SET synchronous_commit = off")

    with open_admin_store(url).fill_transaction() as connection:
        found = shown(connection, *SETTINGS, "synchronous_commit")

    assert found == ["read committed", "off", "10s", "30min", "30min", "on"]


def test_a_migration_waits_for_servers_and_is_never_cut_off(store: str) -> None:
    with one_transaction(parse_url(store), schema._BEGIN) as connection:
        found = shown(connection, "transaction_isolation", "lock_timeout", "statement_timeout")

    assert found == ["read committed", "5min", "0"]


def test_a_migration_waits_for_one_of_any_other_version(postgres_server: PostgresServer, store: str) -> None:
    with ThreadPoolExecutor(1) as threads, closing(psycopg.connect(store, autocommit=True)) as other:
        # The number is part of the contract: versions that took different locks could migrate one database at once.
        other.execute("SELECT pg_advisory_lock(8245928625453493356)")
        migrating = threads.submit(migrate, store)
        wait_until(lambda: migrating.done() or has_blocked_transaction(postgres_server, database_of(store)))
        waited = not migrating.done()
        other.execute("SELECT pg_advisory_unlock_all()")
        migrating.result(PATIENCE_SECONDS)

    assert waited


def test_a_migration_waits_for_the_write_in_progress(postgres_server: PostgresServer, store: str) -> None:
    with ThreadPoolExecutor(1) as threads, closing(psycopg.connect(store)) as writer:
        # The row that every write takes first.
        writer.execute("UPDATE counter SET revision = revision")
        migrating = threads.submit(migrate, store)
        wait_until(lambda: migrating.done() or has_blocked_transaction(postgres_server, database_of(store)))
        waited = not migrating.done()
        writer.rollback()
        migrating.result(PATIENCE_SECONDS)

    assert waited
