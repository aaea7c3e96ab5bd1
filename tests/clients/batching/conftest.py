from __future__ import annotations

from collections.abc import Iterator

import pytest

from rolecall_client import async_batching, batching
from tests.clients.batching.held_server import Asker, HeldServer, held_server


@pytest.fixture
def server() -> Iterator[tuple[HeldServer, str]]:
    with held_server() as running:
        yield running


@pytest.fixture
def held(server: tuple[HeldServer, str]) -> HeldServer:
    return server[0]


@pytest.fixture(params=["sync", "async"])
def asker(request: pytest.FixtureRequest, server: tuple[HeldServer, str]) -> Iterator[Asker]:
    asker = Asker(request.param, server[1])
    yield asker
    server[0].let_pass()
    asker.close()


@pytest.fixture(autouse=True)
def gathers_until_a_return(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let checks wait for a return however long it takes."""
    for module in (batching, async_batching):
        monkeypatch.setattr(module, "GATHER_SECONDS", 3_600.0)


@pytest.fixture
def async_asker(server: tuple[HeldServer, str]) -> Iterator[Asker]:
    asker = Asker("async", server[1])
    yield asker
    server[0].let_pass()
    asker.close()
