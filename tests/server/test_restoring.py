"""The staleness of a restored state includes the time that restoring took."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest

from rolecall.observability.logs import make_logger
from rolecall.server.replica import Replica
from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.snapshot.restore import restore_snapshot
from tests.server.serving import config, served

SECONDS_TO_READ = 0.3


async def test_the_time_that_reading_takes_is_part_of_the_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    flags = {"snapshot_file": str(tmp_path / "snapshot"), "snapshot_key_file": str(key)}
    async with served(**flags) as service:
        await service.create()
        await service.server.replica.save_snapshot()
    ages = list[int]()

    def slowly(*args: Any, **kwargs: Any) -> Any:
        restored = restore_snapshot(*args, **kwargs)
        ages.append(restored.age)
        time.sleep(SECONDS_TO_READ)
        return restored

    monkeypatch.setattr("rolecall.server.replica.restore_snapshot", slowly)
    state = Replica(config(**flags), MemoryRoleRepository(), make_logger("error", "json", io.StringIO()))
    restored = await state.restore_snapshot()
    staleness = state.follower.staleness()
    await state.close()

    assert restored
    assert staleness >= ages[0] + SECONDS_TO_READ * 1_000_000
