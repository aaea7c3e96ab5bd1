from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.server.serving import Served, served


@pytest.fixture
async def service() -> AsyncIterator[Served]:
    async with served(transport="h2") as service:
        await service.create()
        yield service
