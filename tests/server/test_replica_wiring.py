"""The services of a server have the limits of its settings, and its threads the names that a profiler shows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rolecall.security.tokens.key_sets import KeySets
from rolecall.server import replica as replica_module, replica_wiring as module
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.upstream import Upstream
from rolecall.transport.server import DECISION_SERVICE, POLICY_SERVICE, ROLE_SERVICE, WATCH_SERVICE
from tests.agent.serving import agent_config
from tests.server.serving import idle_server, logger


def noted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[dict[str, Any]]:
    """Return a list of the keyword arguments with which a part is made from now on."""
    made: list[dict[str, Any]] = []
    original = getattr(module, name)

    def make(*args: Any, **given: Any) -> Any:
        made.append({**given, "args": args})
        return original(*args, **given)

    monkeypatch.setattr(module, name, make)
    return made


async def test_the_services_have_the_limits_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    decisions, policies, consistencies, catalogs, parts, reverse = (
        noted(monkeypatch, name)
        for name in ("DecisionServicer", "PolicyServicer", "Consistency", "RoleCatalog", "RoleParts", "ReverseQueries")
    )

    async with idle_server(
        max_batch=7,
        max_staleness_seconds=9,
        account_id="42",
        max_upload_roles=11,
        max_roles_per_account=13,
        max_statements=5,
    ) as server:
        replica = server.replica

    assert [(made["max_batch"], made["calls"], made["answers"]) for made in decisions] == [(7, None, replica.answers)]
    assert [made["account"] for made in policies] == ["42"]
    assert [made.get("max_staleness_seconds") for made in consistencies] == [9.0, None]
    assert [made["args"] for made in consistencies] == [(replica.follower, replica.tokens)] * 2
    ((catalog),) = catalogs
    assert (catalog["tokens"], catalog["known"]) == (replica.tokens, replica.snapshot)
    assert catalog["args"][2].max_statements == 5
    assert catalog["args"][3].max_roles_per_account == 13
    ((role),) = parts
    assert (role["writer"], role["snapshot"], role["tokens"]) == (replica.writer, replica.snapshot, replica.tokens)
    assert reverse[0]["rights"] is decisions[0]["callers"].rights


async def test_decisions_are_noted_where_there_is_a_decision_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    decisions = noted(monkeypatch, "DecisionServicer")

    async with idle_server(decision_log=str(tmp_path / "log")) as server:
        assert server.decision_log is not None
        server.decision_log.start()
        await server.decision_log.close()

    assert decisions[0]["calls"] is not None


async def test_a_server_has_four_services_and_measures_what_keeps_its_state(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = noted(monkeypatch, "ReplicationSources")

    async with idle_server() as server:
        replica = server.replica

    assert module.ReplicaWiring.services == (DECISION_SERVICE, ROLE_SERVICE, POLICY_SERVICE, WATCH_SERVICE)
    assert sources == [
        {
            "args": (),
            "follower": replica.follower,
            "polling": replica.polling,
            "reconciler": replica.reconciler,
            "saver": None,
        }
    ]
    assert replica.polling._jitter is replica_module._jitter


def name_in(threads: ThreadPoolExecutor) -> str:
    return threads.submit(lambda: threading.current_thread().name).result(30).rpartition("_")[0]


async def test_the_threads_of_a_process_are_named_by_their_work() -> None:
    async with idle_server() as server:
        replica = server.replica
        pools = (replica.writing, replica.reading, replica._polling, replica.parsing, replica.validating)
        names = [name_in(pool) for pool in pools]
    settings, log, keys = agent_config("127.0.0.1:1"), logger().logger, KeySets()
    agent = AgentReplica(settings, Upstream(settings, log), log)
    names += [name_in(agent.parsing), name_in(keys._threads)]
    keys.close()
    await agent.close()

    assert names == [
        "store-writer", "store-reader", "store-follower", "policy-parser", "policy-validator", "policy-parser", "keys",
    ]  # fmt: skip
    # A store has one writer, and what is parsed shares the interpreter with the event loop.
    assert [pool._max_workers for pool in (replica.writing, replica.parsing, replica.validating, agent.parsing)] == [
        1
    ] * 4
