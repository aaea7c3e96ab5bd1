"""A database that keeps its connections and says nothing: stopped in its tracks, or behind a path that swallows everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import RoleRepository
from rolecall.storage.opening import migrate
from rolecall.storage.postgres import Patience, open_postgres
from tests.chaos.proxy import Proxy
from tests.postgres import PostgresServer
from tests.storage.samples import create


@pytest.fixture
def proxy(postgres_server: PostgresServer) -> Iterator[Proxy]:
    with closing(Proxy("127.0.0.1", postgres_server.port)) as made:
        yield made


@pytest.fixture
def repository(postgres_server: PostgresServer, proxy: Proxy) -> Iterator[RoleRepository]:
    url = postgres_server.create_database()
    migrate(url)
    through = url.replace(f":{postgres_server.port}/", f":{proxy.port}/") + "?connect_timeout=2"
    with closing(open_postgres(through, Patience(silence=1_000))) as opened:
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
    hints = repository.hints()
    assert hints is not None
    hints.wait(0.5)
    proxy.silence()
    silent = hints.wait(2)
    proxy.cut()
    proxy.open()

    # Whoever listens anew may have missed something, and says so.
    assert hints.wait(30)
    create(repository, "after")
    assert hints.wait(30)
    hints.close()
    assert not silent
