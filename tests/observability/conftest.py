from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rolecall.server.server import RolecallServer
from tests.server.serving import idle_server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RolecallServer]:
    """Give a server that has every part and runs none of them, so that no number changes by itself."""
    key = tmp_path / "snapshot.key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o600)
    flags = {"snapshot_file": str(tmp_path / "state"), "snapshot_key_file": str(key)}
    async with idle_server(decision_log=str(tmp_path / "decisions.log"), **flags) as idle:
        yield idle
