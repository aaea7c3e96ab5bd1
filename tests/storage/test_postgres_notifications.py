"""Notifications of commits, and what remains when there are none (row 73 of the faults)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from rolecall.roles.repository import Notifications, RoleRepository
from rolecall.storage import open_repository
from rolecall.storage.postgres import notifications as module
from rolecall.storage.postgres.notifications import PostgresNotifications
from tests.postgres import PATIENCE_SECONDS, PostgresServer
from tests.storage.samples import author, create, nothing
from tests.storage.stores import database_of
from tests.storage.waiting import wait_until


@pytest.fixture
def notifications(repository: RoleRepository) -> Iterator[PostgresNotifications]:
    """Notifications that listen already."""
    notifications = repository.notifications()
    assert isinstance(notifications, PostgresNotifications)
    assert not notifications.wait(0.2)
    yield notifications
    notifications.close()


def wait_long(notifications: Notifications) -> bool:
    """Return whether a notification arrives, however long it takes; True as soon as it does."""
    return notifications.wait(PATIENCE_SECONDS)


def give_up(_: object) -> None:
    raise ValueError


def test_a_commit_before_and_one_during_the_wait_are_notified(
    repository: RoleRepository, notifications: PostgresNotifications
) -> None:
    create(repository, "Before")
    before = wait_long(notifications)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait_long, notifications)
        wait_until(notifications._waiting.locked)
        create(repository, "During")
        during = waiting.result()

    assert (before, during) == (True, True)


def test_each_commit_is_notified_once_with_its_revision_and_no_other_write_is(
    store: str, repository: RoleRepository
) -> None:
    with closing(psycopg.connect(store, autocommit=True)) as listener:
        listener.execute("LISTEN rolecall")

        repository.transact(author(), nothing)
        create(repository, "First")
        with pytest.raises(ValueError):
            repository.transact(author(), give_up)
        repository.rename_history("another")
        create(repository, "Second")
        # Notifications arrive in the order of the commits, so nothing can come after the second one of those before it.
        arrived = [found.payload for found in listener.notifies(timeout=PATIENCE_SECONDS, stop_after=2)]

    assert arrived == ["1", "2"]


def test_a_renamed_history_is_notified(repository: RoleRepository, notifications: PostgresNotifications) -> None:
    repository.rename_history(repository.head().incarnation)

    assert wait_long(notifications)


def test_a_connection_that_was_cut_is_replaced_and_that_counts_as_a_notification(
    postgres_server: PostgresServer, store: str, repository: RoleRepository, notifications: PostgresNotifications
) -> None:
    # Row 73 of the faults.
    cut = postgres_server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{database_of(store)}' AND query LIKE 'LISTEN%'"
    )
    # Its notification is lost: no connection listens.
    create(repository, "Lost")

    assert cut == [(True,)]
    assert wait_long(notifications)
    assert repository.head().revision == 1


def test_notifications_survive_an_outage_of_the_database(
    postgres_server: PostgresServer, repository: RoleRepository, notifications: PostgresNotifications
) -> None:
    # Row 73 of the faults.
    postgres_server.stop("immediate")
    while_away = [notifications.wait(0.2) for _ in range(3)]
    postgres_server.start()

    assert while_away == [False, False, False]
    assert wait_long(notifications)
    create(repository, "App")
    assert wait_long(notifications)


def test_a_database_that_was_never_reachable_sends_no_notification() -> None:
    repository = open_repository("postgresql://127.0.0.1:1/none")
    notifications = repository.notifications()
    assert notifications is not None

    assert not notifications.wait(0.5)

    notifications.close()
    repository.close()


def test_notifications_are_closed_from_another_thread_during_a_wait(notifications: PostgresNotifications) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait_long, notifications)
        wait_until(notifications._waiting.locked)
        notifications.close()
        notified = waiting.result(PATIENCE_SECONDS / 4)

    assert not notified
    assert notifications._connection is None
    assert not notifications.wait(0)


def test_a_connection_that_breaks_before_it_listens_is_replaced_after_a_pause(
    notifications: PostgresNotifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    notifications._drop()
    connect = notifications._connect
    monkeypatch.setattr(notifications, "_connect", lambda: _closed(connect()))
    broken = notifications.wait(0.01)
    monkeypatch.setattr(notifications, "_connect", connect)

    wait_until(lambda: notifications.wait(0.1) or notifications._connection is not None)

    assert not broken
    assert notifications._connection is not None


def test_the_pause_is_short_again_after_a_connection(
    notifications: PostgresNotifications, postgres_server: PostgresServer
) -> None:
    notifications._pause = 15.0
    notifications._drop()
    connected = notifications.wait(PATIENCE_SECONDS)

    assert (connected, notifications._pause) == (True, module.FIRST_PAUSE_SECONDS)


def _closed(connection: psycopg.Connection) -> psycopg.Connection:
    connection.close()
    return connection
