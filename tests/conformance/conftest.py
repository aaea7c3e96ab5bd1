from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.isolation import isolate_connections
from tests.conformance.__main__ import described_world
from tests.postgres import binaries, not_there


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Give the world that `ROLECALL_CONFORMANCE` names, or else one of its own."""
    isolate_connections()
    if given := os.environ.get("ROLECALL_CONFORMANCE"):
        yield json.loads(Path(given).read_text())
        return
    if binaries() is None:
        not_there("PostgreSQL", "postgresql")
    with described_world(tmp_path_factory.mktemp("world")) as path:
        yield json.loads(path.read_text())
