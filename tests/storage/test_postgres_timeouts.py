"""A database that keeps its connections open and stops responding: its processes are stopped, or the network drops packets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import RoleRepository, Transaction
from rolecall.storage.open import migrate, open_repository
from rolecall.storage.postgres.driver import Timeouts, open_postgres
from tests.chaos.proxy import Proxy
from tests.postgres import PATIENCE_SECONDS, PostgresServer
from tests.storage.samples import author, create
from tests.storage.stores import database_of
from tests.storage.waiting import has_blocked_transaction, wait_until


@pytest.fixture
def proxy(postgres_server: PostgresServer) -> Iterator[Proxy]:
    with closing(Proxy("127.0.0.1", postgres_server.port)) as made:
        yield made


@pytest.fixture
def repository(postgres_server: PostgresServer, proxy: Proxy) -> Iterator[RoleRepository]:
    url = postgres_server.create_database()
    migrate(url)
    through = url.replace(f":{postgres_server.port}/", f":{proxy.port}/") + "?connect_timeout=2"
    with closing(open_postgres(through, Timeouts(response=1_000))) as opened:
        yield opened


def test_a_silent_database_is_given_up_and_used_again_when_it_responds(
    repository: RoleRepository, proxy: Proxy
) -> None:
    # Row 73 of the faults.
    create(repository, "before")
    proxy.silence()

    with pytest.raises(StoreUnavailableError):
        repository.head()
    with pytest.raises(StoreUnavailableError):
        create(repository, "meanwhile")
    proxy.open()

    assert repository.head().revision == 1
    create(repository, "after")
    assert [role.role_name for role in repository.load()] == ["after", "before"]


def test_notifications_arrive_again_after_a_silence(repository: RoleRepository, proxy: Proxy) -> None:
    # Row 73 of the faults.
    notifications = repository.notifications()
    assert notifications is not None
    notifications.wait(0.5)
    proxy.silence()
    silent = notifications.wait(2)
    proxy.cut()
    proxy.open()

    # A new connection may have missed notifications, so it counts as one.
    assert notifications.wait(PATIENCE_SECONDS)
    create(repository, "after")
    assert notifications.wait(PATIENCE_SECONDS)
    notifications.close()
    assert not silent


def test_a_store_that_is_closed_connects_no_more(repository: RoleRepository) -> None:
    notifications = repository.notifications()
    assert notifications is not None
    repository.close()

    with pytest.raises(StoreUnavailableError, match="the store is closed"):
        repository.head()
    notifications.close()
    assert not notifications.wait(0.1)


def test_a_write_that_waits_for_another_is_not_cut_off_when_the_store_is_closed(
    postgres_server: PostgresServer,
) -> None:
    url = postgres_server.create_database()
    migrate(url)
    first, second = open_repository(url), open_repository(url)
    holds, go_on = threading.Event(), threading.Event()

    def hold(transaction: Transaction) -> None:
        holds.set()
        go_on.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(3) as threads:
        holding = threads.submit(first.transact, author(), hold)
        holds.wait(PATIENCE_SECONDS)
        writing = threads.submit(create, second, "App")
        wait_until(lambda: writing.done() or has_blocked_transaction(postgres_server, database_of(url)))
        closing_second = threads.submit(second.close)
        wait_until(lambda: second._driver.response_timeout.shortened)  # type: ignore[attr-defined]
        go_on.set()
        holding.result()
        made = writing.result()
        closing_second.result()

    assert made
    assert first.head().revision == 1
    first.close()
