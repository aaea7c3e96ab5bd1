"""Measure decisions in the client's process: `python -m bench.client_local`.

One server as shipped, one client that follows it and one that asks it, all on this machine. CPU is that of the calling thread, the
least of many repeats in turns, in microseconds. A role is changed through the other client; from the moment at which the response
arrives, the following client checks until it decides by the change. Roles are fed to a replica as a watch sends them.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.fixture import ACCOUNT, keyed_query, plain_document, plain_query, roles_file
from bench.processes import machine, rolecall_server
from bench.scale_fixture import role as scale_role
from rolecall.transport.codecs.role import role as role_message
from rolecall_client import RolecallClient
from rolecall_client.local import LocalOptions, LocalReplica
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r, watch_pb2 as w

REPEATS, QUERIES, CHUNK = 25, 200, 1_000
READY_SECONDS = 30.0
"""How long the client may take to have all roles."""

DENIED = json.dumps(
    {
        "Version": "1",
        "Statement": [{"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"RAM": f"acs:ram::{ACCOUNT}:root"}}],
    }
)


def main() -> None:
    """Measure, and print the figures."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            rolecall_server(roles_file(folder), folder, "--account-id", ACCOUNT) as (_, address),
            RolecallClient(address) as asking,
            RolecallClient(address, local=LocalOptions()) as following,
        ):
            assert following.replica is not None
            assert following.replica.wait_until_ready(READY_SECONDS)
            report = {
                "machine": machine(),
                "cpu_micros_of_a_decision": decisions(following, asking),
                "milliseconds_until_a_revocation_decides": revocations(following, asking, arguments.writes),
                "initial_state": initial_state(arguments.roles),
            }
    print(json.dumps(report, indent=2))


def decisions(following: RolecallClient, asking: RolecallClient) -> dict[str, float]:
    """Return the least CPU of one check here, and of one that asks the server (of this process only)."""
    plain, keyed = ([query(number) for number in range(QUERIES)] for query in (plain_query, keyed_query))
    ways: dict[str, Callable[[], float]] = {
        "here": lambda: _cpu(following, plain),
        "here, two condition keys": lambda: _cpu(following, keyed),
        "asked of the server, in this process": lambda: _cpu(asking, plain[:20]),
    }
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(REPEATS):
        for name, measure in ways.items():
            least[name] = min(least[name], measure())
    return {name: round(micros, 2) for name, micros in least.items()}


def revocations(following: RolecallClient, writing: RolecallClient, writes: int) -> dict[str, float]:
    """Return how long it takes from the response of a write until the following client decides by it."""
    role, asked = f"{ACCOUNT}/plain-0", plain_query(0)
    times = list[float]()
    for number in range(writes):
        document = DENIED if number % 2 == 0 else plain_document(0)
        writing.update_role(r.UpdateRoleRequest(role=role, assume_role_policy_document=document))
        written = time.perf_counter()
        while following.check(asked).decision.allowed is (number % 2 == 0):
            pass
        times.append((time.perf_counter() - written) * 1_000)
    return {"writes": writes, "median": round(statistics.median(times), 2), "most": round(max(times), 2)}


def initial_state(count: int) -> dict[str, float]:
    """Return what it takes to read that many roles, each with a distinct trust policy."""
    replica, before, seconds = LocalReplica(LocalOptions()), _resident(), 0.0
    replica.restart()
    for first in range(0, count, CHUNK):
        changes = list(_roles(first, min(count, first + CHUNK)))
        began = time.process_time()
        for change in changes:
            replica.change(change)
        seconds += time.process_time() - began
    began = time.process_time()
    replica.checkpoint(w.WatchCheckpoint(revision=1, token="t" * 54), 0.0)
    checkpoint = time.process_time() - began
    return {
        "roles": count,
        "cpu_seconds": round(seconds + checkpoint, 1),
        "milliseconds_of_the_checkpoint": round(checkpoint * 1_000, 1),
        "megabytes": round((_resident() - before) / 1_024, 1),
    }


def _cpu(client: RolecallClient, queries: list[d.AssumeRoleQuery]) -> float:
    check = client.check
    began = time.thread_time_ns()
    for query in queries:
        check(query)
    return (time.thread_time_ns() - began) / len(queries) / 1_000


def _roles(first: int, end: int) -> Iterator[w.RoleWatchChange]:
    for number in range(first, end):
        role = role_message(scale_role(number))
        yield w.RoleWatchChange(revision=1, kind=r.CHANGE_KIND_CREATED, role=role)


def _resident() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writes", type=int, default=100, help="how many changes of a role are timed (default: 100)")
    parser.add_argument("--roles", type=int, default=100_000, help="how many roles a replica reads (default: 100000)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
