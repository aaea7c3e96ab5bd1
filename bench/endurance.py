"""Put a mixed load on a server with the transport h2 for minutes, and watch its memory: `python -m bench.endurance --minutes 10`.

Checks, errors, batches, streams, explanations, writes, watches, clients that cancel, disconnect, or never read. The aim: after the
first fifth of the time, the resident memory grows by at most 8 MiB, and at the end the server has no call and no connection left.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc

from bench.abuse import connections
from bench.fixture import ACCOUNT, PRINCIPALS, ROLES, keyed_query, plain_document, plain_query, roles_file
from bench.memory import MEBIBYTE, resident
from bench.processes import cpu_micros, machine, rolecall_server
from rolecall_client.v1 import (
    decision_pb2 as d,
    decision_pb2_grpc as decisions,
    role_pb2 as r,
    role_pb2_grpc as roles,
    watch_pb2 as w,
    watch_pb2_grpc as watches,
)
from tests.abuse import attacks
from tests.transport import frames

GROWTH_MEBIBYTES = 8
SETTLING_SHARE = 0.2
SAMPLES = 40

Work = Callable[["Client"], Awaitable[object]]


class Client:
    """One channel, and what is called on it."""

    def __init__(self, address: str, seed: int) -> None:
        self.address, self.random = address, random.Random(seed)
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channel: Any = grpc.aio.insecure_channel(address, options=options)
        self.decisions: Any = decisions.DecisionServiceStub(self.channel)
        self.roles: Any = roles.RoleServiceStub(self.channel)
        self.watches: Any = watches.WatchServiceStub(self.channel)

    def query(self) -> d.AssumeRoleQuery:
        """Return one of a few hundred queries."""
        return self.random.choice((plain_query, keyed_query))(self.random.randrange(PRINCIPALS * ROLES))


async def check(client: Client) -> None:
    for _ in range(20):
        await client.decisions.CheckAssumeRole(d.CheckAssumeRoleRequest(query=client.query()), timeout=60)


async def error(client: Client) -> None:
    with suppress(grpc.aio.AioRpcError):
        await client.decisions.CheckAssumeRole(d.CheckAssumeRoleRequest(query=d.AssumeRoleQuery(principal="nobody")))


async def batch(client: Client) -> None:
    queries = [client.query() for _ in range(500)]
    await client.decisions.BatchCheckAssumeRole(d.BatchCheckAssumeRoleRequest(queries=queries), timeout=60)


async def stream(client: Client) -> None:
    call = client.decisions.StreamCheckAssumeRole()
    for sequence in range(50):
        await call.write(d.StreamCheckAssumeRoleRequest(sequence=sequence, query=client.query()))
        await call.read()
    await call.done_writing()


async def explanation(client: Client) -> None:
    await client.decisions.ExplainAssumeRole(d.ExplainAssumeRoleRequest(query=client.query()), timeout=60)


async def write(client: Client) -> None:
    name = f"written-{client.random.randrange(20)}"
    created = r.CreateRoleRequest(role_name=name, account_id=ACCOUNT, assume_role_policy_document=plain_document(1))
    with suppress(grpc.aio.AioRpcError):
        await client.roles.CreateRole(created, timeout=60)
        await client.roles.DeleteRole(r.DeleteRoleRequest(role=f"{ACCOUNT}/{name}"), timeout=60)


async def watch(client: Client) -> None:
    call = client.watches.WatchRoles(w.WatchRolesRequest())
    await call.read()
    call.cancel()


async def cancelled(client: Client) -> None:
    calls = [client.decisions.CheckAssumeRole(d.CheckAssumeRoleRequest(query=client.query())) for _ in range(20)]
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()


async def new_connection(client: Client) -> None:
    other = Client(client.address, 1)
    await other.decisions.CheckAssumeRole(d.CheckAssumeRoleRequest(query=client.query()), timeout=60)
    await other.channel.close()


async def broken_connection(client: Client) -> None:
    async with connections(client.address, 1, frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0)) as opened:
        parts = [attacks.call(stream)[: client.random.randrange(20, 200)] for stream in range(1, 41, 2)]
        opened[0][1].write(b"".join(parts))


async def unread_answers(client: Client) -> None:
    preface = frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0, frames.setting(*attacks.NO_WINDOW))
    async with connections(client.address, 1, preface) as opened:
        opened[0][1].write(b"".join(attacks.call(stream) for stream in range(1, 401, 2)))
        await asyncio.sleep(1)


WORK: dict[str, tuple[Work, int]] = {
    work.__name__: (work, weight)
    for work, weight in (
        (check, 12),
        (error, 2),
        (batch, 3),
        (stream, 3),
        (explanation, 2),
        (write, 1),
        (watch, 1),
        (cancelled, 2),
        (new_connection, 1),
        (broken_connection, 1),
        (unread_answers, 1),
    )
}
"""What clients do, each with how often."""


def main() -> None:
    """Run the load, and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--clients", type=int, default=8)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--without", nargs="*", default=(), choices=sorted(WORK), help="What clients do not do.")
    arguments.add_argument("--transport", default="h2")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flags = ("--account-id", ACCOUNT, "--transport", options.transport)
        with rolecall_server(roles_file(folder), folder, *flags) as (pid, address):
            before = cpu_micros(pid)
            done, samples = asyncio.run(_load(options, pid, address))
            time.sleep(2)
            figures = {"cpu_seconds": round((cpu_micros(pid) - before) / 1e6, 1), **_memory(samples), **_left(folder)}
    print(json.dumps({**machine(), "minutes": options.minutes, "done": dict(sorted(done.items())), **figures}))


async def _load(options: argparse.Namespace, pid: int, address: str) -> tuple[Counter[str], list[float]]:
    until, done, samples = time.monotonic() + options.minutes * 60, Counter[str](), list[float]()
    clients = [Client(address, options.seed + number) for number in range(options.clients)]
    names = [name for name in WORK if name not in options.without]
    weights = [WORK[name][1] for name in names]

    async def work(client: Client) -> None:
        while time.monotonic() < until:
            (name,) = client.random.choices(names, weights)
            await WORK[name][0](client)
            done[name] += 1

    working = [asyncio.create_task(work(client)) for client in clients]
    while not all(task.done() for task in working):
        samples.append(resident(pid) / MEBIBYTE)
        await asyncio.wait(working, timeout=options.minutes * 60 / SAMPLES)
    await asyncio.gather(*working)
    for client in clients:
        await client.channel.close()
    return done, samples


def _memory(samples: list[float]) -> dict[str, object]:
    """Return the memory over time, in mebibytes."""
    settled = samples[int(len(samples) * SETTLING_SHARE) :]
    growth = settled[-1] - settled[0]
    rounded = [round(sample, 1) for sample in samples]
    return {"resident_mib": rounded, "growth_mib": round(growth, 1), "flat": growth <= GROWTH_MEBIBYTES}


def _left(folder: Path) -> dict[str, object]:
    """Return what the server still has when all clients are gone, from its metrics, and how many errors it has logged."""
    log = (folder / "serve.log").read_text()
    found = re.search(r'"ops": ?"([^"]+)"', log)
    assert found
    with urllib.request.urlopen(f"http://{found[1]}/metrics") as response:
        text = response.read().decode()
    names = ("rolecall_connections", "rolecall_calls_under_way", "rolecall_watches", "rolecall_event_loop_lag_seconds")
    left = {name: float(line.split()[1]) for line in text.splitlines() for name in names if line.startswith(f"{name} ")}
    return {**left, "errors_logged": log.count('"level": "error"')}


if __name__ == "__main__":
    main()
