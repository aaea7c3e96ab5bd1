"""A database that keeps its connections and says nothing: stopped in its tracks, or behind a path that swallows everything."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import RoleRepository, Transaction
from rolecall.storage.open import migrate, open_repository
from rolecall.storage.postgres.driver import Timeouts, open_postgres
from rolecall.storage.postgres.timeouts import CLOSING_SECONDS, ResponseTimeout
from tests.chaos.proxy import Proxy
from tests.postgres import PostgresServer
from tests.storage.samples import author, create


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


def test_row_73_a_silent_database_is_given_up_and_found_again(repository: RoleRepository, proxy: Proxy) -> None:
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


def test_row_73_word_of_others_comes_again_after_a_silence(repository: RoleRepository, proxy: Proxy) -> None:
    notifications = repository.notifications()
    assert notifications is not None
    notifications.wait(0.5)
    proxy.silence()
    silent = notifications.wait(2)
    proxy.cut()
    proxy.open()

    # Whoever listens anew may have missed something, and says so.
    assert notifications.wait(30)
    create(repository, "after")
    assert notifications.wait(30)
    notifications.close()
    assert not silent


def test_a_silence_that_is_cut_short_lasts_a_little_longer_from_then_on() -> None:
    timeout, long_ago = ResponseTimeout(CLOSING_SECONDS + 60), time.monotonic() - CLOSING_SECONDS - 30

    before = timeout.exceeded(long_ago)
    timeout.shorten()
    at_once = timeout.exceeded(long_ago)
    time.sleep(0.01)
    timeout.shorten()

    assert (before, at_once, timeout.shortened) == (False, False, True)
    assert ResponseTimeout(1).exceeded(time.monotonic() - 2)


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
    holds, waits, go_on = threading.Event(), threading.Event(), threading.Event()

    def hold(transaction: Transaction) -> None:
        holds.set()
        go_on.wait(30)

    def create_when_it_can() -> object:
        waits.set()
        return create(second, "App")

    with ThreadPoolExecutor(3) as threads:
        holding = threads.submit(first.transact, author(), hold)
        holds.wait(30)
        writing = threads.submit(create_when_it_can)
        waits.wait(30)
        time.sleep(1.5)  # longer than a second, and shorter than a writer waits for another
        closing_second = threads.submit(second.close)
        time.sleep(0.3)
        go_on.set()
        holding.result()
        made = writing.result()
        closing_second.result()

    assert made
    assert first.head().revision == 1
    first.close()
