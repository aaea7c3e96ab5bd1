"""What several tests of followers start with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.following import Parts


@pytest.fixture
def parts() -> Iterator[Parts]:
    """Give a follower and its writer over a store in memory."""
    made = Parts()
    yield made
    made.close()
