"""One load generator for all: h2load puts the same call many times, as many in flight, whatever the server speaks.

A run counts only if every answer came whole: h2load sees the HTTP status, and a gRPC error has status 200 and no body.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from bench.peers.system import Call, HttpSystem, System
from bench.processes import cpu_micros

CONNECTIONS = 4
STREAMS = 4
SHORTEST_ANSWER = 0.9
"""The part of the expected length below which an answer is not the answer; ids and tokens vary by a few bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one run of calls cost and gave."""

    cpu_us: float
    per_second: float = 0.0
    p50_us: float = 0.0
    p90_us: float = 0.0
    p99_us: float = 0.0


def repeated(system: System, call: Call, count: int, directory: Path, *, per_second: int = 0) -> Figures:
    """Put one call `count` times, as fast as it is answered or `per_second` times a second.

    Return the server's CPU time for each decision, throughput and latency.
    """
    expected = len(system.ask(call))
    body, log = directory / "body", directory / "h2load.log"
    body.write_bytes(call.body)
    log.unlink(missing_ok=True)
    before = cpu_micros(system.pid)
    output = _h2load(system, call, ["-n", str(count), *_shape(system, per_second)], body, log)
    spent = cpu_micros(system.pid) - before
    _require_answers(output, count, expected)
    latencies = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    seconds = float(_found(r"finished in [\d.a-z]+, ([\d.]+) req/s", output))
    p50, p90, p99 = (float(latencies[len(latencies) * part // 100]) for part in (50, 90, 99))
    decisions = count * call.items
    return Figures(cpu_us=spent / decisions, per_second=seconds * call.items, p50_us=p50, p90_us=p90, p99_us=p99)


def one_by_one(system: System, calls: Sequence[Call]) -> Figures:
    """Put calls that are all different, as many in flight as h2load has; return the server's CPU time for each decision.

    h2load has one body only, so a plain client does this. It is slower, which the server's CPU time does not show.
    """
    before = cpu_micros(system.pid)
    asyncio.run(_put(system.address, calls))
    return Figures(cpu_us=(cpu_micros(system.pid) - before) / sum(call.items for call in calls))


async def _put(address: str, calls: Sequence[Call]) -> None:
    rest = iter(calls)
    async with grpc.aio.insecure_channel(address) as channel:

        async def caller() -> None:
            for call in rest:
                ask: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(call.path)
                await ask(call.body[5:], metadata=call.metadata)

        await asyncio.gather(*(caller() for _ in range(CONNECTIONS * STREAMS)))


def _shape(system: System, per_second: int) -> list[str]:
    """Return the connections and what they carry. HTTP/1.1 has one call in flight on each, so it gets more of them."""
    http1 = isinstance(system, HttpSystem)
    connections, streams = (CONNECTIONS * STREAMS, 1) if http1 else (CONNECTIONS, STREAMS)
    shape = ["-t", "1", "-c", str(connections), "-m", str(streams), *(["-p", "http/1.1"] if http1 else [])]
    return [*shape, f"--rps={per_second / connections:g}"] if per_second else shape


def _h2load(system: System, call: Call, shape: Sequence[str], body: Path, log: Path) -> str:
    headers = [f"--header={key}: {value}" for key, value in call.headers]
    files = ["-d", str(body), f"--log-file={log}"]
    command = ["h2load", *shape, *files, *headers, f"http://{system.address}{call.path}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _require_answers(output: str, count: int, expected: int) -> None:
    succeeded = int(_found(r"(\d+) succeeded", output))
    received = int(_found(r"\((\d+)\) data", output))
    if succeeded != count or received < count * expected * SHORTEST_ANSWER:
        raise SystemExit(f"answers are missing: expected {count} of about {expected} bytes\n{output}")


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"h2load said something else than it does:\n{text}")
    return match[1]
