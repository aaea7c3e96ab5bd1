from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rolecall_client.v1 import role_pb2 as r
from tests.chaos.asking import fully_consistent
from tests.chaos.environment import Stage, joining, staged
from tests.chaos.isolation import open_client, stand_apart
from tests.chaos.proxy import Proxy
from tests.chaos.replicas import Replica
from tests.engine.world import allow, document
from tests.postgres import binaries, not_there

stand_apart()  # before anything of gRPC is made

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
def played(tmp_path_factory: pytest.TempPathFactory, postgres_binaries: Path) -> Iterator[Stage]:
    with staged(2, tmp_path_factory.mktemp("outages")) as stage:
        with open_client(stage.target, 10) as client:
            client.create_role(r.CreateRoleRequest(role_name="app", assume_role_policy_document=document(allow())))
        for replica in stage.replicas:
            fully_consistent(replica)
        yield stage


@pytest.fixture
def stage(played: Stage) -> Iterator[Stage]:
    yield played
    played.calm()
    for replica in played.replicas:
        fully_consistent(replica)


@pytest.fixture
def strict(stage: Stage, tmp_path: Path) -> Iterator[tuple[Replica, Proxy]]:
    """A third replica, which answers only from a state of the last seconds."""
    settings = {"max_staleness_seconds": MAX_STALENESS_SECONDS}
    with joining(stage.database, "strict", tmp_path, **settings) as (replica, proxy):
        replica.wait_ready()
        yield replica, proxy
