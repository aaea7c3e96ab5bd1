"""What several tests of followers and watches start with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.following import Parts
from tests.engine.watching import World


@pytest.fixture
def parts() -> Iterator[Parts]:
    """Give a follower and its writer over a store in memory."""
    made = Parts()
    yield made
    made.close()


@pytest.fixture
def world() -> Iterator[World]:
    """Give watches of such a store."""
    made = World()
    yield made
    made.close()
