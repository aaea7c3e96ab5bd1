"""Measure an agent: `python -m bench.agent`.

A server, an agent for each transport and their callers, all on this machine, with connections as shipped.

1. Checks of one caller through the unix socket of an agent, and the same checks of the server, in turns: the CPU of every process
   for a check, the least of many repeats.
2. A role is changed at the server; from the moment at which the response arrives, a caller of the agent checks until it gets a
   decision by the change.
3. Start-up and memory of an agent that follows many roles.
4. The CPU of the server for a change with none, one and many followers, each with a connection of its own, as agents have.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.client_local import DENIED
from bench.fixture import ACCOUNT, plain_document, plain_query, roles_file
from bench.memory import resident
from bench.processes import cpu_micros, machine, rolecall_agent, rolecall_server, store_server
from bench.scale_fixture import write_store
from rolecall.config.agent_settings import AgentConfig
from rolecall.observability.logs import make_logger
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.upstream import Upstream
from rolecall_client import RolecallClient
from rolecall_client.v1 import role_pb2 as r
from tests.chaos.isolation import isolate_connections

REPEATS, CHECKS = 15, 100
TRANSPORTS = ("grpcio", "h2")
FOLLOWERS = (0, 1, 10, 100)
ROLE = f"{ACCOUNT}/plain-0"
IDLE_SECONDS = 5.0
SETTLED_SECONDS = 1.0
"""After this time an idle process has done what the last call left to do."""


@dataclass(frozen=True)
class Way:
    """A process that answers checks: its id, and a client of it."""

    pid: int
    client: RolecallClient


def main() -> None:
    """Measure, and print the figures."""
    arguments = _arguments()
    isolate_connections()
    report: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ExitStack() as stack:
            flags = ("--account-id", ACCOUNT)
            server, address = stack.enter_context(rolecall_server(roles_file(folder), folder, *flags))
            asked = stack.enter_context(RolecallClient(address))
            ways = {"server": Way(server, asked)}
            for transport in TRANSPORTS:
                (folder / transport).mkdir()
                agent = rolecall_agent(address, folder / transport, "--transport", transport, *flags)
                pid, socket = stack.enter_context(agent)
                ways[f"agent, {transport}"] = Way(pid, stack.enter_context(RolecallClient(socket)))
            report["a_check"] = checks(ways, server)
            report["milliseconds_until_a_revocation_decides"] = {
                name: revocations(way.client, asked, arguments.writes) for name, way in ways.items() if name != "server"
            }
        if arguments.roles:
            report["start"] = start(arguments.roles, folder)
        with rolecall_server(roles_file(folder), folder, "--account-id", ACCOUNT) as (server, address):
            report["followers"] = asyncio.run(followers(server, address, arguments.changes))
    print(json.dumps(report, indent=2))


def checks(ways: dict[str, Way], server: int) -> dict[str, dict[str, float]]:
    """Return the least CPU of every process for a check, and the least time of one, in microseconds."""
    least: dict[str, dict[str, float]] = {name: {} for name in ways}
    for _ in range(REPEATS):
        for name, way in ways.items():
            for figure, micros in _check(way, server).items():
                least[name][figure] = round(min(micros, least[name].get(figure, micros)), 1)
    return least


def _check(way: Way, server: int) -> dict[str, float]:
    queries = [plain_query(number) for number in range(CHECKS)]
    of_server, of_way = cpu_micros(server), cpu_micros(way.pid)
    of_caller, began = time.process_time_ns(), time.perf_counter_ns()
    for query in queries:
        way.client.check(query)
    ended, caller = time.perf_counter_ns(), time.process_time_ns() - of_caller
    found = {
        "cpu_of_the_server": (cpu_micros(server) - of_server) / CHECKS,
        "cpu_of_the_caller": caller / CHECKS / 1_000,
        "time": (ended - began) / CHECKS / 1_000,
    }
    return found if way.pid == server else found | {"cpu_of_the_agent": (cpu_micros(way.pid) - of_way) / CHECKS}


def revocations(asking: RolecallClient, writing: RolecallClient, writes: int) -> dict[str, float]:
    """Return how long it takes from the response of a write until a caller of the agent gets a decision by it."""
    asked, times = plain_query(0), list[float]()
    for number in range(writes):
        denies = number % 2 == 0
        document = DENIED if denies else plain_document(0)
        writing.update_role(r.UpdateRoleRequest(role=ROLE, assume_role_policy_document=document))
        written = time.perf_counter()
        while asking.check(asked).decision.allowed is denies:
            pass
        times.append((time.perf_counter() - written) * 1_000)
    return {"writes": writes, "median": round(statistics.median(times), 2), "most": round(max(times), 2)}


def start(roles: int, folder: Path) -> dict[str, float]:
    """Return what an agent that follows that many roles, each with a distinct trust policy, takes to start, and its memory."""
    path = folder / "roles.db"
    write_store(path, roles)
    with store_server(f"sqlite:///{path}", folder) as (server, address):
        of_server = cpu_micros(server)
        began = time.perf_counter()
        with rolecall_agent(address, folder) as (pid, _):
            seconds, of_agent = time.perf_counter() - began, cpu_micros(pid)
            return {
                "roles": roles,
                "seconds_until_it_serves": round(seconds, 1),
                "cpu_seconds_of_the_agent": round(of_agent / 1_000_000, 1),
                "cpu_seconds_of_the_server": round((cpu_micros(server) - of_server) / 1_000_000, 1),
                "megabytes_of_the_agent": round(resident(pid) / 1_000_000, 1),
                "megabytes_of_the_server": round(resident(server) / 1_000_000, 1),
            }


async def followers(server: int, address: str, changes: int) -> list[dict[str, float]]:
    """Return the CPU of the server for a change, and for a second without one, with each number of followers."""
    rows = list[dict[str, float]]()
    async with AsyncExitStack() as stack:
        writing = stack.enter_context(RolecallClient(address))
        following: list[AgentReplica] = []
        for count in FOLLOWERS:
            while len(following) < count:
                following.append(await stack.enter_async_context(_follower(address)))
            await asyncio.sleep(SETTLED_SECONDS)
            before = cpu_micros(server)
            await asyncio.sleep(IDLE_SECONDS)
            idle = (cpu_micros(server) - before) / IDLE_SECONDS
            rows.append({"followers": count, "idle_ms_a_second": round(idle / 1_000, 2)})
            rows[-1] |= await _changes(server, writing, following, changes)
    return rows


async def _changes(
    server: int, writing: RolecallClient, following: Sequence[AgentReplica], changes: int
) -> dict[str, float]:
    """Change a role, and wait until every follower has the change, again and again."""
    spent, reached = list[float](), list[float]()
    for number in range(changes):
        update = r.UpdateRoleRequest(role=ROLE, description=f"change {number} for {len(following)}")
        before = cpu_micros(server)
        revision = (await asyncio.to_thread(writing.update_role, update)).role.revision
        written = time.perf_counter()
        await _reached(following, revision)
        reached.append((time.perf_counter() - written) * 1_000)
        await asyncio.sleep(0.05)
        spent.append(cpu_micros(server) - before)
    return {
        "cpu_ms_of_a_change": round(statistics.median(spent) / 1_000, 2),
        "median_ms_until_all_have_it": round(statistics.median(reached), 1),
    }


@asynccontextmanager
async def _follower(address: str) -> AsyncIterator[AgentReplica]:
    """Yield what follows the server in an agent, once it has all roles."""
    config = AgentConfig.from_mapping({"upstream": address}, {})
    log = make_logger("error", "json")
    replica = AgentReplica(config, Upstream(config, log), log)
    task = asyncio.create_task(replica.follow())
    try:
        await replica.roles.whole.wait()
        yield replica
    finally:
        task.cancel()
        await asyncio.wait([task])
        await replica.close()


async def _reached(following: Sequence[AgentReplica], revision: int) -> None:
    while any(one.snapshot.revision < revision for one in following):  # noqa: ASYNC110 - what is measured is this time
        await asyncio.sleep(0.001)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.agent", description=__doc__)
    parser.add_argument("--writes", type=int, default=100, help="how many revocations are timed for each transport")
    parser.add_argument(
        "--roles", type=int, default=100_000, help="how many roles an agent starts with; 0: not measured"
    )
    parser.add_argument("--changes", type=int, default=20, help="how many changes are sent to each number of followers")
    return parser.parse_args()


if __name__ == "__main__":
    main()
