from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rolecall_client.v1 import role_pb2 as r
from tests.chaos.asking import fully_consistent
from tests.chaos.environment import Environment, running_environment, running_replica
from tests.chaos.isolation import isolate_connections, open_client
from tests.chaos.proxy import Proxy
from tests.chaos.replicas import Replica
from tests.engine.world import allow, document
from tests.postgres import binaries, not_there

isolate_connections()  # before anything of gRPC is made

MAX_STALENESS_SECONDS = 2


@pytest.fixture(scope="session")
def postgres_binaries() -> Path:
    """Return where PostgreSQL is; without it the tests say so."""
    found = binaries()
    if found is None:
        not_there("PostgreSQL", "postgresql")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def shared_environment(tmp_path_factory: pytest.TempPathFactory, postgres_binaries: Path) -> Iterator[Environment]:
    with running_environment(2, tmp_path_factory.mktemp("outages")) as environment:
        with open_client(environment.target, 10) as client:
            client.create_role(r.CreateRoleRequest(role_name="app", assume_role_policy_document=document(allow())))
        for replica in environment.replicas:
            fully_consistent(replica)
        yield environment


@pytest.fixture
def environment(shared_environment: Environment) -> Iterator[Environment]:
    yield shared_environment
    shared_environment.recover()
    for replica in shared_environment.replicas:
        fully_consistent(replica)


@pytest.fixture
def strict(environment: Environment, tmp_path: Path) -> Iterator[tuple[Replica, Proxy]]:
    """A third replica, which answers only from a state of the last seconds."""
    settings = {"max_staleness_seconds": MAX_STALENESS_SECONDS}
    with running_replica(environment.database, "strict", tmp_path, **settings) as (replica, proxy):
        replica.wait_ready()
        yield replica, proxy
