from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

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
