"""The CPU time of a bare echo of a check, with which a machine is compared: `python -m bench.scale` states a load beside it."""

from __future__ import annotations

import asyncio
import statistics

import uvloop

from bench.load import Target, opened
from bench.loads import BATCH, Load, loads
from bench.processes import cpu_micros, echo_server

ROUNDS = 3


def echo_micros() -> float:
    """Return the CPU microseconds that a bare `grpc.aio` server takes for a check, 4 connections with 16 calls each."""
    load = next(load for load in loads(0.2) if load.name == "check, 4 x 16")
    with echo_server(BATCH) as (pid, address), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return statistics.median(runner.run(_spent(load, pid, address)))


async def _spent(load: Load, pid: int, address: str) -> list[float]:
    spent = list[float]()
    for _ in range(ROUNDS + 1):
        before = cpu_micros(pid)
        async with opened(Target(address, load.path, None), load.bodies, load.calls, load.shape) as send:
            await send()
        spent.append((cpu_micros(pid) - before) / load.calls)
    return spent[1:]  # the first round is a warm-up
