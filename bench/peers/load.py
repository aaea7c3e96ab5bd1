"""The load generator for all systems: h2load repeats one call, with the same number of calls in flight for each protocol.

A run is valid only if every response is complete: h2load checks the HTTP status, but a gRPC error has status 200 and no body.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from bench.missing import missing
from bench.peers import tools
from bench.peers.system import Call, HttpSystem, System
from bench.processes import cpu_micros

CONNECTIONS = 4
SHORTEST_ANSWER = 0.9
"""A response shorter than this share of the expected length is invalid; ids and tokens vary by a few bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many calls are in flight on each connection, or how many are sent in a second (0: as fast as the server responds)."""

    in_flight: int
    per_second: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The cost, throughput and latency of one run."""

    cpu_us: float
    per_second: float = 0.0
    p50_us: float = 0.0
    p90_us: float = 0.0
    p99_us: float = 0.0


def repeated(system: System, call: Call, count: int, directory: Path, shape: Shape) -> Figures:
    """Send one call `count` times; return the figures."""
    expected = len(system.ask(call))
    body, log = directory / "body", directory / "h2load.log"
    body.write_bytes(call.body)
    log.unlink(missing_ok=True)
    before = cpu_micros(system.pid)
    output = _h2load(system, call, ["-n", str(count), *_options(system, shape)], body, log)
    spent = cpu_micros(system.pid) - before
    _require_answers(output, count, expected)
    latencies = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    seconds = float(_found(r"finished in [\d.a-z]+, ([\d.]+) req/s", output))
    p50, p90, p99 = (float(latencies[len(latencies) * part // 100]) for part in (50, 90, 99))
    decisions = count * call.items
    return Figures(cpu_us=spent / decisions, per_second=seconds * call.items, p50_us=p50, p90_us=p90, p99_us=p99)


def one_by_one(system: System, calls: Sequence[Call], shape: Shape) -> Figures:
    """Send distinct calls, with as many in flight as h2load has; return the server's CPU time for each decision.

    h2load can send only one body, so a plain client does this. It is slower, which does not affect the server's CPU time.
    """
    before = cpu_micros(system.pid)
    asyncio.run(_put(system.address, calls, CONNECTIONS * shape.in_flight))
    return Figures(cpu_us=(cpu_micros(system.pid) - before) / sum(call.items for call in calls))


async def _put(address: str, calls: Sequence[Call], in_flight: int) -> None:
    rest = iter(calls)
    async with grpc.aio.insecure_channel(address) as channel:

        async def caller() -> None:
            for call in rest:
                ask: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(call.path)
                await ask(call.body[5:], metadata=call.metadata)

        await asyncio.gather(*(caller() for _ in range(in_flight)))


def _options(system: System, shape: Shape) -> list[str]:
    """Return the options for connections and streams; HTTP/1.1 has one call in flight per connection, so it gets more."""
    http1 = isinstance(system, HttpSystem)
    connections, streams = (CONNECTIONS * shape.in_flight, 1) if http1 else (CONNECTIONS, shape.in_flight)
    options = ["-t", "1", "-c", str(connections), "-m", str(streams), *(["-p", "http/1.1"] if http1 else [])]
    return [*options, f"--rps={shape.per_second / connections:g}"] if shape.per_second else options


def _h2load(system: System, call: Call, options: Sequence[str], body: Path, log: Path) -> str:
    headers = [f"--header={key}: {value}" for key, value in call.headers]
    files = ["-d", str(body), f"--log-file={log}"]
    command = ["h2load", *options, *files, *headers, f"http://{system.address}{call.path}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        missing("`h2load`", tools.SETUP)
    if done.returncode:
        raise SystemExit(f"h2load failed with code {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _require_answers(output: str, count: int, expected: int) -> None:
    succeeded = int(_found(r"(\d+) succeeded", output))
    received = int(_found(r"\((\d+)\) data", output))
    if succeeded != count or received < count * expected * SHORTEST_ANSWER:
        raise SystemExit(f"responses are missing: expected {count} of about {expected} bytes\n{output}")


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"the output of h2load has no `{pattern}`:\n{text}")
    return match[1]
