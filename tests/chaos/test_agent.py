"""An agent whose server is away, in processes of their own: it decides, says how old its state is, stops in time, and catches up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rolecall_client import RolecallError
from tests.chaos.agents import Agent, running_agent
from tests.chaos.asking import check, error_of, eventually, gauge, staleness, write
from tests.chaos.campaign import Options, run
from tests.chaos.environment import Environment
from tests.chaos.faults import AGENT_ALONE
from tests.chaos.proxy import Proxy
from tests.chaos.report import figures

pytestmark = pytest.mark.long

MAX_STALENESS_SECONDS = 4
OUTAGE_SECONDS = 1.5


def test_an_agent_decides_rightly_while_its_server_is_away_and_catches_up(postgres_binaries: Path) -> None:
    found = figures(run(Options(seconds=30, most=3, seed=5, pace=0.5, only=[AGENT_ALONE]), print))

    assert found["violations"] == []
    assert found["faults"] == {AGENT_ALONE: 3}
    assert found["agent"]["decided_alone"] > 100
    assert found["agent"]["largest_staleness_seconds"] >= OUTAGE_SECONDS


@pytest.fixture
def strict(environment: Environment, tmp_path: Path) -> Iterator[tuple[Agent, Proxy]]:
    """Yield an agent that decides only by a state of the last seconds."""
    with running_agent(environment.replicas[0], tmp_path, max_staleness_seconds=MAX_STALENESS_SECONDS) as running:
        yield running


def test_an_agent_decides_until_its_state_is_too_old_and_again_by_what_changed_meanwhile(
    environment: Environment, strict: tuple[Agent, Proxy]
) -> None:
    agent, upstream = strict

    upstream.refuse()
    first, second = check(agent), check(agent)
    too_old = eventually(lambda: refusal(agent))
    metrics = agent.ops("/metrics")[1]
    readiness = agent.readiness()
    written = write(environment.replicas[0])
    still = error_of(lambda: check(agent))
    upstream.open()
    after = eventually(lambda: check(agent))

    assert first.allowed
    assert staleness(first) < staleness(second) < MAX_STALENESS_SECONDS
    assert (too_old.code, too_old.reason) == (still.code, still.reason) == ("UNAVAILABLE", "STATE_TOO_OLD")
    assert gauge(metrics, "rolecall_snapshot_staleness_seconds") >= MAX_STALENESS_SECONDS
    assert readiness == 200
    assert after.allowed
    assert after.revision >= written.role.revision


def refusal(agent: Agent) -> RolecallError | None:
    """Return the error of a check; None while there is a decision."""
    try:
        check(agent)
    except RolecallError as error:
        return error
    return None
