"""Word of commits, and what is left when there is none (faults, row 73)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rolecall.roles.repository import Notifications, RoleRepository
from rolecall.storage import open_repository
from tests.postgres import PATIENCE_SECONDS, PostgresServer
from tests.storage.samples import author, create, nothing
from tests.storage.stores import database_of


@pytest.fixture
def notifications(repository: RoleRepository) -> Iterator[Notifications]:
    """Notifications that listen already."""
    notifications = repository.notifications()
    assert notifications is not None
    assert not notifications.wait(0.2)
    yield notifications
    notifications.close()


def wait_long(notifications: Notifications) -> bool:
    """Tell whether word comes, however long it takes; True at once when it does."""
    return notifications.wait(PATIENCE_SECONDS)


def test_word_comes_of_a_commit_made_before_and_during_the_wait(
    repository: RoleRepository, notifications: Notifications
) -> None:
    create(repository, "Before")
    before = wait_long(notifications)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait_long, notifications)
        time.sleep(0.3)
        create(repository, "During")
        during = waiting.result()

    assert (before, during) == (True, True)
    assert not notifications.wait(0.3)


def test_no_word_comes_of_a_write_that_changed_nothing_or_was_given_up(
    repository: RoleRepository, notifications: Notifications
) -> None:
    def giving_up(_: object) -> None:
        raise ValueError

    repository.transact(author(), nothing)
    with pytest.raises(ValueError):
        repository.transact(author(), giving_up)

    assert not notifications.wait(0.3)


def test_word_comes_when_the_history_is_renamed(repository: RoleRepository, notifications: Notifications) -> None:
    repository.rename_history(repository.head().incarnation)

    assert wait_long(notifications)


def test_row_73_a_connection_that_was_cut_is_made_anew_and_that_is_a_hint(
    postgres_server: PostgresServer, store: str, repository: RoleRepository, notifications: Notifications
) -> None:
    cut = postgres_server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{database_of(store)}' AND query LIKE 'LISTEN%'"
    )
    # Its notification is lost: nobody listens.
    create(repository, "Lost")

    assert cut == [(True,)]
    assert wait_long(notifications)
    assert repository.head().revision == 1


def test_row_73_hints_outlive_a_database_that_is_away(
    postgres_server: PostgresServer, repository: RoleRepository, notifications: Notifications
) -> None:
    postgres_server.stop("immediate")
    while_away = [notifications.wait(0.2) for _ in range(3)]
    postgres_server.start()

    assert while_away == [False, False, False]
    assert wait_long(notifications)
    create(repository, "App")
    assert wait_long(notifications)


def test_hints_of_a_database_that_was_never_there_give_no_word() -> None:
    repository = open_repository("postgresql://127.0.0.1:1/none")
    notifications = repository.notifications()
    assert notifications is not None

    assert not notifications.wait(0.5)

    notifications.close()
    repository.close()


def test_hints_are_closed_from_another_thread_while_they_wait(notifications: Notifications) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait_long, notifications)
        time.sleep(0.2)
        closing = time.monotonic()
        notifications.close()
        word = waiting.result(PATIENCE_SECONDS / 4)

    assert not word
    assert time.monotonic() - closing < PATIENCE_SECONDS / 4
    assert not notifications.wait(0)
