"""The times of an agent to the microsecond: of what it follows, of what it restores, and of the end of its process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rolecall.engine.followed_state import FollowedState
from rolecall.engine.snapshot import Snapshot
from rolecall.server.agent import following, replica as module
from rolecall.server.agent.following import FollowedRoles
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.saved_state import RestoredState
from rolecall.storage.snapshot.file import SnapshotFileError
from rolecall.transport.codecs.followed import sent_checkpoint
from rolecall_client.errors import RolecallError
from rolecall_client.v1 import watch_pb2 as w
from tests.agent.test_replica import flags, made
from tests.server.serving import Log, log_lines, logger

__all__ = ["flags"]


@pytest.fixture
def log() -> Log:
    return logger()


@pytest.fixture
async def replica(flags: dict[str, Any], log: Log) -> AsyncIterator[AgentReplica]:
    agent = made(log, **flags, max_staleness_seconds=7.5)
    yield agent
    await agent.close()


def restoring(monkeypatch: pytest.MonkeyPatch, outcome: RestoredState | SnapshotFileError) -> list[Any]:
    """Let the snapshot file have a state, or be refused; return a list of what is asked for."""
    asked: list[Any] = []

    def restore_followed(file: object, followed: str, *, max_age: int) -> RestoredState:
        asked.append((file, followed, max_age))
        if isinstance(outcome, SnapshotFileError):
            raise outcome
        return outcome

    monkeypatch.setattr(module, "restore_followed", restore_followed)
    return asked


async def test_a_file_is_asked_for_what_is_followed_up_to_the_age_of_the_settings(
    replica: AgentReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = restoring(monkeypatch, SnapshotFileError("not today"))

    assert not await replica.restore()

    assert asked == [(replica.file, "127.0.0.1:1 1,2", 7_500_000)]


async def test_the_age_of_what_is_restored_is_logged_in_seconds(
    replica: AgentReplica, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    restoring(monkeypatch, RestoredState(snapshot=Snapshot(), token="t", age=2_500_000, warning=""))

    assert await replica.restore()

    assert log_lines(log.stream) == [{"event": "restored", "level": "warning", "revision": 0, "age_seconds": 2.5}]


async def test_the_last_snapshot_of_an_agent_has_three_seconds(
    replica: AgentReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    assert replica.saver

    async def finish(seconds: float) -> None:
        given.append(seconds)

    monkeypatch.setattr(replica.saver, "finish", finish)
    await replica.save_snapshot()

    assert given == [3.0]


async def test_the_time_at_which_a_watch_was_opened_is_that_of_its_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    def noted(checkpoint: w.WatchCheckpoint, opened_at: int) -> Any:
        opened.append(opened_at)
        return sent_checkpoint(checkpoint, opened_at)

    monkeypatch.setattr(following, "sent_checkpoint", noted)
    roles = FollowedRoles(FollowedState(()), logger().logger)
    roles.restart()

    for seconds in (0.0, 1.5, 40_000.25):
        roles.checkpoint(w.WatchCheckpoint(revision=1, token="t"), seconds)

    assert opened == [0, 1_500_000, 40_000_250_000]


async def test_a_file_is_not_read_before_the_followed_server_has_answered_or_failed(
    replica: AgentReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = restoring(monkeypatch, RestoredState(snapshot=Snapshot(), token="t", age=0, warning=""))

    loading = asyncio.create_task(replica.load())
    for _ in range(20):
        await asyncio.sleep(0)
    before = (list(asked), loading.done())
    replica.roles.broken(RolecallError("UNAVAILABLE", "not now"))
    await loading

    assert (before, len(asked)) == (([], False), 1)
