"""A connection that writes down what is done; modules about its other parts have a `connection` of their own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transport.http2.recording import connected
from tests.transport.http2.test_portions import Reading


@pytest.fixture
def done() -> list[Any]:
    """Return the list into which it writes."""
    return []


@pytest.fixture
async def transport() -> Reading:
    return Reading()


@pytest.fixture
async def connection(transport: Reading, done: list[Any]) -> Any:
    return connected(transport, done)
