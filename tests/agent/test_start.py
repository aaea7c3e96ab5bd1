"""How an agent starts and ends: what it logs, how it follows, and in which order its parts end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.observability.decision_log.log import DecisionLog
from rolecall.server.agent import main, replica as replica_module
from rolecall.server.agent.main import running_agent
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.upstream import Upstream
from rolecall.server.server import CallServer
from tests.agent.serving import agent_config
from tests.server.serving import background_work_of, log_lines, logger


@pytest.fixture
def _loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every agent start at once, without a server that it follows."""

    async def load(_: AgentReplica) -> None:
        return

    monkeypatch.setattr(AgentReplica, "load", load)
    monkeypatch.setattr(AgentReplica, "follow", load)


@pytest.mark.usefixtures("_loaded")
async def test_the_start_of_an_agent_is_logged_with_its_callers_and_the_warning_of_its_listener(tmp_path: Path) -> None:
    path, log = tmp_path / "callers.yaml", logger()
    path.write_text("callers: [{name: laptop, match: {local: true}, policies: [RolecallChecker]}]")
    settings = agent_config("127.0.0.1:1", callers=str(path), listen="0.0.0.0:0", insecure=True)

    async with running_agent(settings, log=log.logger) as server:
        generation = server.callers.directory.generation
        assert server.health.not_ready() == []

    callers, warning = log_lines(log.stream)
    assert callers == {"event": "callers", "level": "info", "generation": generation, "entries": 1}
    assert (warning["level"], warning["event"][:10]) == ("warning", "INSECURE: ")


@pytest.mark.usefixtures("_loaded")
async def test_an_agent_and_its_snapshot_file_are_maintained_as_long_as_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maintained, key = background_work_of(main, monkeypatch), tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)

    settings = agent_config("127.0.0.1:1", snapshot_file=str(tmp_path / "state"), snapshot_key_file=str(key))

    async with running_agent(settings, log=logger().logger):
        await asyncio.sleep(0)
        assert maintained >= {"CallServer._sweep", "SnapshotSaver.run"}
    assert not maintained


@pytest.mark.usefixtures("_loaded")
async def test_an_agent_without_a_log_writes_one_by_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    flags: dict[str, Any] = {"listen": "0.0.0.0:0", "insecure": True, "log_format": "json"}

    async with running_agent(agent_config("127.0.0.1:1", **flags)):
        pass
    (line,) = capsys.readouterr().err.splitlines()
    async with running_agent(agent_config("127.0.0.1:1", **flags, log_level="error")):
        pass

    assert json.loads(line)["level"] == "warning"
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("_loaded")
async def test_the_parts_of_an_agent_end_in_the_reverse_order_of_their_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def noting(owner: Any, step: str) -> None:
        close = owner.close

        async def noted(self: Any) -> None:
            order.append(step)
            await close(self)

        monkeypatch.setattr(owner, "close", noted)

    noting(AgentReplica, "replica")
    noting(CallServer, "server")
    noting(DecisionLog, "decision log")

    async with running_agent(agent_config("127.0.0.1:1", decision_log=str(tmp_path / "log")), log=logger().logger):
        assert order == []

    assert order == ["server", "decision log", "replica"]


async def test_the_watch_has_the_times_of_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, log, steps = agent_config("127.0.0.1:1"), logger().logger, list[Any]()

    class Following:
        def __init__(self, sink: Any, opened: Any, _: Any, **times: float) -> None:
            steps.extend((sink, opened, times))

        def start(self) -> None:
            steps.append("start")

        async def wait(self) -> None:
            steps.append("wait")
            raise RuntimeError("once")

        async def close(self) -> None:
            steps.append("close")

    monkeypatch.setattr(replica_module, "AsyncFollowing", Following)
    replica = AgentReplica(settings, Upstream(settings, log), log)

    with pytest.raises(RuntimeError, match="once"):
        await replica.follow()
    await replica.close()

    assert steps[:2] == [replica.roles, replica.upstream.open_watch]
    assert steps[2] == {"timeout": 5.0, "refused_pause": 30.0, "longest_pause": 0.25}
    assert steps[3:] == ["start", "wait", "close"]
