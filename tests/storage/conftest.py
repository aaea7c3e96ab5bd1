"""The store of a test on PostgreSQL, and a way to it. Modules about other stores have a `repository` of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rolecall.roles.repository import RoleRepository
from rolecall.storage import open_repository
from tests.postgres import PostgresServer
from tests.storage.stores import clear, empty_store


@pytest.fixture(scope="module")
def store(postgres_server: PostgresServer) -> str:
    return empty_store(postgres_server)


@pytest.fixture
def repository(postgres_server: PostgresServer, store: str) -> Iterator[RoleRepository]:
    clear(postgres_server, store)
    repository = open_repository(store)
    yield repository
    repository.close()
