"""An agent while the server that it follows is away, refuses it, or has another history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.errors import NotAvailableError
from rolecall.engine.request import read_principal
from rolecall.server.agent.main import running_agent
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.upstream import Upstream
from rolecall.server.main import StartError, StoppedError, running_server
from rolecall.server.shutdown import StopSignal
from rolecall.transport.server import DECISION_SERVICE
from rolecall_client.errors import error_of_call
from rolecall_client.v1 import decision_pb2 as pb, watch_pb2 as w
from tests.agent.serving import Agent, Node, agent_config, check, failure, node, query, running
from tests.server.serving import BOB, config, log_lines, logger, served, until

HOUR = 3_600_000_000
DECIDER = "callers: [{name: node, match: {local: true}, policies: [RolecallDecider]}]\n"
ADMINISTRATOR = DECIDER.replace("RolecallDecider", "AdministratorAccess")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Return the settings of a snapshot file."""
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    return {"snapshot_file": str(tmp_path / "state"), "snapshot_key_file": str(key)}


@pytest.fixture
async def saved(files: dict[str, str]) -> str:
    """Save the state of an agent with one role; return the address of its server, which has ended."""
    async with node(**files) as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)
        await pair.agent.replica.save_snapshot()
        return pair.upstream.server.bound.address


async def test_while_the_server_is_away_an_agent_starts_from_its_snapshot_file(
    saved: str, files: dict[str, str]
) -> None:
    async with running(saved, **files) as agent:
        answer = await check(agent, query())

        assert agent.server.health.not_ready() == []
        assert answer.decision.allowed
        assert answer.decision.served_from == pb.SERVED_FROM_RESTORED
        assert answer.decision.staleness.ToMicroseconds() > 0
        assert answer.consistency_token
        assert agent.metric("rolecall_snapshot_restored") == 1
        with pytest.raises(NotAvailableError):
            # An agent has no index, from a file neither: it would take half as much memory again.
            agent.replica.snapshot.naming(read_principal(BOB), after="", limit=1)
        assert agent.metric("rolecall_upstream_connected") == 0


async def test_a_server_that_returns_replaces_the_restored_state(saved: str, files: dict[str, str]) -> None:
    async with running(saved, **files) as agent, served(listen=saved):
        await until(lambda: agent.metric("rolecall_upstream_connected"))
        await until(lambda: agent.replica.staleness() is not None)

        answer = await check(agent, query())

        assert answer.decision.reason == pb.DECISION_REASON_ROLE_NOT_FOUND
        assert answer.decision.served_from != pb.SERVED_FROM_RESTORED


async def test_a_restored_state_is_not_saved_again(saved: str, files: dict[str, str]) -> None:
    async with running(saved, **files) as agent:
        await agent.replica.save_snapshot()

        assert agent.metric("rolecall_snapshot_file_writes_total") == 0


OTHERS: dict[str, dict[str, object]] = {
    "of other accounts": {"account": "42"},
    "too old": {"max_staleness_seconds": 0},
}


@pytest.mark.parametrize("kind", OTHERS)
async def test_an_agent_does_not_start_from_a_file(saved: str, files: dict[str, str], kind: str) -> None:
    assert await cannot_start(saved, **files, **OTHERS[kind])


async def test_an_agent_does_not_start_from_an_altered_file_and_keeps_it_for_inspection(
    saved: str, files: dict[str, str]
) -> None:
    alter(Path(files["snapshot_file"]))

    assert await cannot_start(saved, **files)
    assert names_beside(files) == {"key", "state.refused"}


async def test_an_agent_does_not_start_from_the_file_of_a_server_nor_a_server_from_that_of_an_agent(
    saved: str, files: dict[str, str], tmp_path: Path
) -> None:
    own = tmp_path / "server-state"
    async with served(**files | {"snapshot_file": str(own)}) as server:
        await server.create()
        await server.server.replica.save_snapshot()

    agent_starts = await cannot_start(saved, **files | {"snapshot_file": str(own)})
    settings = config(**files)
    async with running_server(settings) as other:
        restored = await other.replica.restore_snapshot()

    assert agent_starts
    assert not restored


def names_beside(files: dict[str, str]) -> set[str]:
    return {path.name for path in Path(files["snapshot_file"]).parent.iterdir()}


def alter(path: Path) -> None:
    altered = bytearray(path.read_bytes())
    altered[-40] ^= 1
    path.write_bytes(altered)


async def cannot_start(upstream: str, **flags: object) -> bool:
    """Return whether an agent has no state to start from."""
    log = logger()
    settings = agent_config(upstream, **flags)
    replica = AgentReplica(settings, Upstream(settings, log.logger), log.logger)
    restored = await replica.restore()
    await replica.close()
    return not restored and [line["event"] for line in log_lines(log.stream)] == ["not_restored"]


@pytest.fixture
async def pair() -> AsyncIterator[Node]:
    async with node() as made:
        role = await made.upstream.create()
        await made.agent.at(role.revision)
        yield made


async def health(agent: Agent) -> Any:
    stub: Any = health_pb2_grpc.HealthStub(agent.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=DECISION_SERVICE))
    return answer.status


async def test_beyond_the_limit_of_staleness_decisions_stop_and_health_says_so(
    pair: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = pair.agent
    await pair.upstream.server.close()
    monkeypatch.setattr(agent.replica.freshness, "_clock", lambda: boottime_micros() + 299_000_000)
    old = await check(agent, query())
    monkeypatch.setattr(agent.replica.freshness, "_clock", lambda: boottime_micros() + 300_000_000)
    monkeypatch.setattr("rolecall.server.agent.replica.boottime_micros", lambda: boottime_micros() + 300_000_000)

    agent.server.health.update_services()
    too_old = error_of_call(await failure(check(agent, query())))

    assert old.decision.allowed
    assert 299 <= old.decision.staleness.ToTimedelta().total_seconds() < 300
    assert (too_old.code, too_old.reason) == ("UNAVAILABLE", "STATE_TOO_OLD")
    assert await health(agent) == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_until_a_state_that_is_read_again_is_whole_the_old_one_decides(pair: Node) -> None:
    roles, state = pair.agent.replica.roles, pair.agent.replica.followed
    token, revision = state.token, state.snapshot.revision

    roles.restart()
    while_empty = await check(pair.agent, query())
    checkpoint = w.WatchCheckpoint(revision=revision + 1, token="later")
    checkpoint.stream_age.FromMicroseconds(0)
    checkpoint.staleness.FromMicroseconds(0)
    roles.checkpoint(checkpoint, boottime_micros() / 1_000_000)
    when_whole = await check(pair.agent, query())

    assert while_empty.decision.allowed
    assert (while_empty.decision.revision, while_empty.consistency_token) == (revision, token)
    assert not when_whole.decision.allowed
    assert (when_whole.decision.revision, when_whole.consistency_token) == (revision + 1, "later")


async def test_an_agent_follows_again_after_the_server_was_away(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/roles.db"
    async with AsyncExitStack() as first, AsyncExitStack() as rest:
        upstream = await first.enter_async_context(served(store=store))
        await upstream.create()
        address = upstream.server.bound.address
        agent = await rest.enter_async_context(running(address))
        await first.aclose()
        while_away = await check(agent, query())
        second = await rest.enter_async_context(served(store=store, listen=address))
        created = await second.create("later")
        await agent.at(created.revision)
        after = await check(agent, query("later"))

        assert agent.metric("rolecall_upstream_breaks_total") == agent.replica.roles.breaks > 0
        assert agent.metric("rolecall_upstream_reconnects_total") == 1

    assert while_away.decision.allowed
    assert after.decision.allowed
    assert after.decision.revision == created.revision


@pytest.mark.long  # a callers file is read every ten seconds
async def test_a_refused_watch_is_tried_again_until_the_agent_has_the_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rolecall.server.agent.replica.REFUSED_SECONDS", 0.01)
    callers = tmp_path / "callers.yaml"
    callers.write_text(DECIDER)
    async with served(callers=str(callers)) as upstream:
        settings, log = agent_config(upstream.server.bound.address), logger()
        replica = AgentReplica(settings, Upstream(settings, log.logger), log.logger)
        following = asyncio.create_task(replica.follow())
        await until(lambda: replica.roles.breaks >= 2)
        before = replica.roles.whole.is_set()
        callers.write_text(ADMINISTRATOR)
        await until(replica.roles.whole.is_set)
        following.cancel()
        await replica.close()

    assert not before
    assert [line["event"] for line in log_lines(log.stream)] == ["upstream_lost", "following"]


async def test_an_agent_that_cannot_start_can_be_stopped() -> None:
    stopping = StopSignal()
    stopping.request()

    with pytest.raises(StoppedError):
        async with running_agent(agent_config("127.0.0.1:1"), stopping=stopping):
            pass


PLAIN: dict[str, dict[str, str]] = {
    "another machine": {"upstream": "rolecall.example:50051"},
    "a scheme": {"upstream": "http://localhost:1"},
    "no such file": {"upstream": "localhost:1", "upstream_tls_ca": "/no/such/file"},
}


@pytest.mark.parametrize("kind", PLAIN)
async def test_an_agent_does_not_start(kind: str) -> None:
    with pytest.raises(StartError, match="upstream"):
        async with running(**PLAIN[kind]):
            pass


async def test_a_server_on_another_machine_is_followed_in_plain_text_only_if_that_is_asked_for() -> None:
    settings = agent_config("rolecall.example:50051", upstream_insecure=True)

    await Upstream(settings, logger().logger).close()


async def test_a_follower_that_fails_unexpectedly_is_restarted(pair: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    roles, failed = pair.agent.replica.roles, list[object]()
    change = roles.change

    def failing(event: w.RoleWatchChange) -> None:
        if not failed:
            failed.append(event)
            raise RuntimeError("once")
        change(event)

    monkeypatch.setattr(roles, "change", failing)

    created = await pair.upstream.create("later")
    await pair.agent.at(created.revision)
    answer = await check(pair.agent, query("later"))

    assert answer.decision.allowed
    assert "background_work_failed" in [line["event"] for line in log_lines(pair.agent.log)]
