"""The replica of an agent without a server: what it starts from, what it saves, and what it logs of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.errors import StaleStateError
from rolecall.roles.role import Revision
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.saved_state import SavedFollowedState, followed_by
from rolecall.server.agent.upstream import Upstream
from rolecall.storage.snapshot.file import SnapshotFileError
from rolecall.storage.snapshot.format import SnapshotPosition
from rolecall_client.errors import RolecallError
from rolecall_client.v1 import role_pb2, watch_pb2 as w
from tests.agent.serving import agent_config
from tests.server.serving import DOCUMENT, Log, log_lines, logger

ADDRESS = "127.0.0.1:1"
AGE_MICROS = 90_000_000


@pytest.fixture
def flags(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "key").write_bytes(bytes(32))
    (tmp_path / "key").chmod(0o600)
    return {"snapshot_file": str(tmp_path / "state"), "snapshot_key_file": str(tmp_path / "key"), "account": ("1", "2")}


@pytest.fixture
def log() -> Log:
    return logger()


def made(log: Log, **flags: object) -> AgentReplica:
    settings = agent_config(ADDRESS, **flags)
    return AgentReplica(settings, Upstream(settings, log.logger), log.logger)


def follow(replica: AgentReplica, revision: int = 3, age: int = 0) -> None:
    """Let a replica have a whole state of one role, of an age in microseconds."""
    role = role_pb2.Role(account_id="1", role_name="app", assume_role_policy_document=DOCUMENT, revision=revision)
    sent = w.WatchCheckpoint(revision=revision, token=f"t{revision}")
    sent.stream_age.FromMicroseconds(0)
    sent.staleness.FromMicroseconds(age)
    replica.roles.restart()
    replica.roles.change(w.RoleWatchChange(revision=revision, kind=role_pb2.CHANGE_KIND_CREATED, role=role))
    replica.roles.checkpoint(sent, boottime_micros() / 1_000_000)


@pytest.fixture
async def saved(flags: dict[str, Any]) -> dict[str, Any]:
    """Save a state that is a minute and a half old; return the settings of its file."""
    replica = made(logger(), **flags)
    follow(replica, age=AGE_MICROS)
    await replica.save_snapshot()
    await replica.close()
    return flags


@pytest.fixture
async def restoring(saved: dict[str, Any], log: Log) -> AsyncIterator[AgentReplica]:
    replica = made(log, **saved)
    yield replica
    await replica.close()


async def test_a_saved_state_is_restored_with_its_token_and_its_age_and_that_is_logged(
    restoring: AgentReplica, log: Log
) -> None:
    assert restoring.staleness() is None

    assert await restoring.restore()

    assert (restoring.snapshot.revision, len(restoring.snapshot), restoring.followed.token) == (3, 1, "t3")
    assert restoring.snapshot.restored
    staleness = restoring.staleness()
    assert staleness is not None
    assert AGE_MICROS <= staleness < AGE_MICROS + 60_000_000
    (line,) = log_lines(log.stream)
    assert line.pop("age_seconds") == pytest.approx(AGE_MICROS / 1_000_000, abs=60)
    assert line == {"event": "restored", "level": "warning", "revision": 3}


async def test_the_time_that_reading_took_is_part_of_the_age(
    restoring: AgentReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[int] = []
    times = iter([1_000, 2_000, 3_000])
    monkeypatch.setattr("rolecall.server.agent.replica.boottime_micros", lambda: next(times))
    monkeypatch.setattr(restoring.followed, "restore", lambda *_, now, age: began.append(now))

    await restoring.restore()

    assert began == [1_000]


async def test_a_state_that_arrived_while_the_file_was_read_is_not_replaced(restoring: AgentReplica, log: Log) -> None:
    follow(restoring, revision=9)

    assert await restoring.restore()

    assert (restoring.snapshot.revision, restoring.followed.token) == (9, "t9")
    assert [line["event"] for line in log_lines(log.stream)] == ["following"]


async def test_a_file_that_cannot_be_used_is_logged_with_the_reason(log: Log, flags: dict[str, Any]) -> None:
    replica = made(log, **flags)

    assert not await replica.restore()
    await replica.close()

    (line,) = log_lines(log.stream)
    assert flags["snapshot_file"] in line.pop("error")
    assert line == {"event": "not_restored", "level": "warning"}


async def test_a_warning_of_the_file_is_logged_beside_what_is_restored(
    restoring: AgentReplica, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert restoring.file
    read = restoring.file.read

    def with_warning() -> Any:
        found = read()
        object.__setattr__(found, "warning", "others may read it")
        return found

    monkeypatch.setattr(restoring.file, "read", with_warning)
    await restoring.restore()

    warning, restored = log_lines(log.stream)
    assert warning == {"event": "snapshot_file", "level": "warning", "error": "others may read it"}
    assert restored["event"] == "restored"


@pytest.mark.parametrize(("seconds", "restored"), [(85, False), (600, True)])
async def test_a_file_may_be_as_old_as_the_staleness_limit(
    saved: dict[str, Any], log: Log, seconds: int, restored: bool
) -> None:
    replica = made(log, **saved, max_staleness_seconds=seconds)

    assert await replica.restore() is restored
    await replica.close()


@pytest.mark.parametrize("other", [{"account": ("1",)}, {"account": ()}])
async def test_a_file_of_other_accounts_is_refused(saved: dict[str, Any], log: Log, other: dict[str, Any]) -> None:
    replica = made(log, **{**saved, **other})

    assert not await replica.restore()
    await replica.close()

    (line,) = log_lines(log.stream)
    assert line["error"].endswith("/state` is of another server or of other accounts")


def test_what_is_followed_is_named_by_its_address_and_its_accounts_in_any_order() -> None:
    assert followed_by(agent_config(ADDRESS)) == f"{ADDRESS} all accounts"
    names = {followed_by(agent_config(ADDRESS, account=accounts)) for accounts in (("2", "1"), ("1", "2"))}
    assert names == {f"{ADDRESS} 1,2"}


async def test_what_is_saved_is_the_state_as_it_is_now(log: Log) -> None:
    replica = made(log)
    state = SavedFollowedState(replica.followed, "who")
    before, generation = state.staleness(), state.generation
    follow(replica, age=AGE_MICROS)

    position, staleness = state.position(), state.staleness()

    # An agent has no key of tokens that a file could show.
    assert position == SnapshotPosition(incarnation="who", revision=Revision(3), hash=b"t3", token_key=b"")
    assert (before, generation, state.generation) == (None, 0, 1)
    assert staleness is not None
    assert AGE_MICROS <= staleness < AGE_MICROS + 60_000_000
    await replica.close()


async def test_an_agent_starts_with_what_arrives_or_with_its_file_or_waits(saved: dict[str, Any], log: Log) -> None:
    arrived, restored, waiting = made(log, **saved), made(log, **saved), made(log)
    follow(arrived, revision=9)
    for replica in (restored, waiting):
        replica.roles.broken(RolecallError("UNAVAILABLE", "not now"))

    await arrived.load()
    await restored.load()
    loading = asyncio.create_task(waiting.load())
    await asyncio.sleep(0)
    done_too_early = loading.done()
    follow(waiting)
    await loading

    assert (arrived.snapshot.revision, restored.snapshot.revision, waiting.snapshot.revision) == (9, 3, 3)
    assert not done_too_early
    for replica in (arrived, restored, waiting):
        await replica.close()


async def test_why_an_agent_is_not_ready_is_the_error_of_its_watch(log: Log) -> None:
    replica = made(log)
    before = replica.startup_status
    replica.roles.broken(RolecallError("UNAVAILABLE", "not now"))

    assert before == "the state is not loaded: the followed server has not sent it: not yet"
    assert replica.startup_status.endswith("has not sent it: UNAVAILABLE: not now")
    assert not replica.administered()
    await replica.close()


async def test_errors_of_the_file_and_their_end_are_logged_once(
    restoring: AgentReplica, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(restoring)
    assert restoring.file
    write, failing = restoring.file.write, True

    def sometimes(*args: Any, **kwargs: Any) -> Any:
        if failing:
            raise SnapshotFileError("the disk is full")
        return write(*args, **kwargs)

    monkeypatch.setattr(restoring.file, "write", sometimes)
    await restoring.save_snapshot()
    await restoring.save_snapshot()
    failing = False
    await restoring.save_snapshot()

    assert log_lines(log.stream)[1:] == [
        {"event": "snapshot_file", "level": "error", "error": "the disk is full"},
        {"event": "snapshot_file_written", "level": "info"},
    ]


async def test_the_file_is_saved_in_the_interval_of_the_settings(saved: dict[str, Any], log: Log) -> None:
    with_file, without = made(log, **saved, snapshot_seconds=7), made(log)

    (saving,) = with_file.background_work()

    assert isinstance(saving, partial)
    assert saving.args == (7.0,)
    assert (without.background_work(), await without.restore()) == ([], False)
    await without.save_snapshot()
    for replica in (with_file, without):
        await replica.close()


async def test_the_watch_asks_for_the_accounts_and_their_initial_state(
    flags: dict[str, Any], log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica, asked = made(log, **flags), list[w.WatchRolesRequest]()

    async def open_watch(request: w.WatchRolesRequest) -> Any:
        asked.append(request)
        raise asyncio.CancelledError

    monkeypatch.setattr(replica.upstream, "open_watch", open_watch)
    with pytest.raises(asyncio.CancelledError):
        await replica.follow()
    await replica.close()

    assert asked == [w.WatchRolesRequest(account_ids=["1", "2"], include_initial_state=True, batched=True)]


@pytest.mark.parametrize(("seconds", "too_old"), [(80, True), (100, False)])
async def test_how_old_a_followed_state_may_be_is_a_setting(log: Log, seconds: int, too_old: bool) -> None:
    replica = made(log, max_staleness_seconds=seconds)
    follow(replica, age=AGE_MICROS)

    if too_old:
        with pytest.raises(StaleStateError):
            replica.freshness.staleness()
    else:
        assert replica.freshness.staleness() >= AGE_MICROS
