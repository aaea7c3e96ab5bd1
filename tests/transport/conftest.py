from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rolecall.transport.http2 import connection
from tests.server.serving import Served, served


@pytest.fixture
async def service() -> AsyncIterator[Served]:
    async with served() as service:
        yield service


@pytest.fixture
async def grpcio_service() -> AsyncIterator[Served]:
    """Give a server for what only grpc.aio does."""
    async with served(transport="grpcio") as service:
        yield service


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a read take no time, however busy the machine is: all of it is answered in one slice."""
    monkeypatch.setattr(connection, "perf_counter", lambda: 0.0)
