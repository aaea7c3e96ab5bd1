"""The parts of an agent: which services it has, what they are made of, and what is measured."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from rolecall.engine.errors import UpstreamOnlyError
from rolecall.roles.accounts import Accounts
from rolecall.server.agent import wiring as module
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.upstream import Upstream
from rolecall.server.agent.wiring import AgentWiring
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.server import DECISION_SERVICE
from tests.agent.serving import agent_config, query
from tests.agent.test_replica import follow
from tests.server.serving import logger


async def made(**flags: object) -> tuple[AgentReplica, AgentWiring]:
    settings, log = agent_config("127.0.0.1:1", **flags), logger().logger
    replica = AgentReplica(settings, Upstream(settings, log), log)
    return replica, AgentWiring(settings, replica)


async def test_what_is_measured_of_an_agent_is_what_it_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr(module, "FollowedCollector", given.append)
    replica, wiring = await made()

    state = wiring.measured_state()

    (sources,) = given
    assert (state.point, state.writer, wiring.services) == (replica.point, None, (DECISION_SERVICE,))
    assert (sources.snapshot, sources.watch, sources.asked) == (replica.snapshot, replica.roles, replica.upstream.asked)
    assert (sources.staleness(), sources.saver) == (None, None)
    await replica.close()


@pytest.mark.parametrize(("flags", "given"), [({}, False), ({"source_identity_needs_allow": False}, True)])
async def test_an_agent_knows_what_its_settings_and_its_watch_say(flags: dict[str, Any], given: bool) -> None:
    replica, wiring = await made(account=("1",), **flags)
    federation: Any = SimpleNamespace(knows=bool)
    wiring._federation = federation

    followed = wiring._followed()

    assert (followed.covers("1/app"), followed.covers("2/app")) == (True, False)
    assert followed.source_identity is given
    assert followed.version_of("1/app") is None
    await replica.close()


async def test_the_history_of_roles_is_that_of_the_followed_server() -> None:
    with pytest.raises(UpstreamOnlyError, match="earlier versions of roles are not followed"):
        await module._HistoryUpstream().version("1/app", 7)


async def test_a_decision_of_an_agent_is_encoded_with_its_answer() -> None:
    replica, _ = await made(account=("1",))
    follow(replica)

    answer = replica.point.check(QueryDecoder(Accounts("1")).read(query("1/app")), 0)
    await replica.close()

    assert answer.encoded
