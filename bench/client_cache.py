"""Measure the answer cache and automatic batching of the clients: `python -m bench.client_cache`.

A server as shipped for each transport, on this machine. 64 checks at a time are sent by one client, each as a call of its own and
then with automatic batching, in turns; CPU is the kernel's count for the server process, the median of the rounds, in
microseconds a check. An answer from the cache is measured on the calling thread, the least of many repeats in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.fixture import ACCOUNT, keyed_query, plain_query, roles_file
from bench.processes import cpu_micros, machine, rolecall_server
from rolecall_client import AnswerCacheOptions, AsyncRolecallClient, RolecallClient
from rolecall_client.v1 import decision_pb2 as d

TRANSPORTS = ("h2", "grpcio")
CONCURRENT = 64
REPEATS, QUERIES = 200, 50


def main() -> None:
    """Measure, and print the figures."""
    options = _arguments()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        roles = roles_file(folder)
        servers = {}
        for transport in TRANSPORTS:
            (folder / transport).mkdir()
            flags = ("--account-id", ACCOUNT, "--transport", transport)
            servers[transport] = stack.enter_context(rolecall_server(roles, folder / transport, *flags))
        report = {
            "machine": machine(),
            "concurrent": CONCURRENT,
            "server_cpu_micros_of_a_check": {
                transport: batching(*server, options.rounds, options.checks) for transport, server in servers.items()
            },
            "cpu_micros_of_an_answer_from_the_cache": cached(servers["h2"][1]),
        }
    print(json.dumps(report, indent=2))


def batching(pid: int, address: str, rounds: int, checks: int) -> dict[str, Any]:
    """Return the CPU of the server for one of 64 concurrent checks, by each client, apart and in batches."""
    spent: dict[str, dict[bool, list[float]]] = {}
    for round_ in range(rounds + 1):
        for name, load in (("threads", threads), ("event loop", event_loop)):
            for batched in (False, True):
                before = cpu_micros(pid)
                sent = load(address, checks, batched=batched)
                if round_:  # the first round is a warm-up
                    by_way = spent.setdefault(name, {False: [], True: []})
                    by_way[batched].append((cpu_micros(pid) - before) / sent)
    return {name: _compared(ways) for name, ways in spent.items()}


def threads(address: str, checks: int, *, batched: bool) -> int:
    """Send checks from 64 threads; return their number."""
    each = checks // CONCURRENT

    def run(first: int) -> None:
        for number in range(each):
            client.check(plain_query(first + number))

    with RolecallClient(address, batching=batched) as client, ThreadPoolExecutor(CONCURRENT) as pool:
        list(pool.map(run, range(CONCURRENT)))
    return each * CONCURRENT


def event_loop(address: str, checks: int, *, batched: bool) -> int:
    """Send checks from 64 tasks of an event loop; return their number."""
    return asyncio.run(_event_loop(address, checks // CONCURRENT, batched=batched))


async def _event_loop(address: str, each: int, *, batched: bool) -> int:
    async def run(first: int) -> None:
        for number in range(each):
            await client.check(plain_query(first + number))

    async with AsyncRolecallClient(address, batching=batched) as client:
        await asyncio.gather(*map(run, range(CONCURRENT)))
    return each * CONCURRENT


def cached(address: str) -> dict[str, float]:
    """Return the CPU of a check that the cache answers, and of one that asks the server (of this process only)."""
    with (
        RolecallClient(address, cache=AnswerCacheOptions()) as caching,
        RolecallClient(address, batching=False) as asking,
    ):
        ways: dict[str, tuple[Callable[[d.AssumeRoleQuery], object], list[d.AssumeRoleQuery]]] = {
            "no context": (caching.check, [plain_query(number) for number in range(QUERIES)]),
            "two condition keys": (caching.check, [keyed_query(number) for number in range(QUERIES)]),
            "other values of a key that the policy does not read": (caching.check, list(_with_a_trace())),
            "asked of the server, in this process": (asking.check, [plain_query(n) for n in range(5)]),
        }
        least = dict.fromkeys(ways, float("inf"))
        for _ in range(REPEATS):
            for name, (check, queries) in ways.items():
                least[name] = min(least[name], _cpu(check, queries))
    return {name: round(micros, 2) for name, micros in least.items()}


def _with_a_trace() -> Iterator[d.AssumeRoleQuery]:
    for number in range(QUERIES):
        query = keyed_query(0)
        query.context["trace"].values.append(f"{number:06}")
        yield query


def _cpu(check: Callable[[d.AssumeRoleQuery], object], queries: list[d.AssumeRoleQuery]) -> float:
    began = time.thread_time_ns()
    for query in queries:
        check(query)
    return (time.thread_time_ns() - began) / len(queries) / 1_000


def _compared(ways: dict[bool, list[float]]) -> dict[str, float | str]:
    shares = sorted(together / apart for apart, together in zip(ways[False], ways[True], strict=True))
    return {
        "apart": round(statistics.median(ways[False]), 1),
        "batched": round(statistics.median(ways[True]), 1),
        "ratio": round(statistics.median(shares), 3),
        "ratios": f"{shares[0]:.2f} to {shares[-1]:.2f}",
    }


def _arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds after the warm-up round (default 5)")
    parser.add_argument("--checks", type=int, default=6_400, help="checks in a round of each client (default 6,400)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
