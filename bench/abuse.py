"""Measure what attacks on connections cost a server with the transport h2: `python -m bench.abuse`.

Each attack runs against a server of its own, first alone, which gives the CPU time and the memory of the server, then beside a
caller that asks every five milliseconds, which gives the longest wait of that caller. An attacker reads nothing but the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import grpc

from bench.memory import resident
from bench.processes import ROOT, cpu_micros, machine, rolecall_server
from rolecall_client.v1 import decision_pb2_grpc as rpc
from tests.abuse import attacks
from tests.server.serving import ACCOUNT, DOCUMENT, check
from tests.transport import frames

SECONDS = 5.0
"""How long an attack may last: those that the server only bounds do not end."""

SETTLE_SECONDS = 0.5
PAUSE_SECONDS = 0.005
MEBIBYTE = 1_048_576

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connections(address: str, count: int, preface: bytes) -> AsyncIterator[list[Connection]]:
    """Give so many connections that have sent a preface."""
    host, _, port = address.rpartition(":")
    opened = [await asyncio.open_connection(host, int(port)) for _ in range(count)]
    for _, writer in opened:
        writer.write(preface)
    yield opened
    for _, writer in opened:
        writer.transport.abort()


def _preface(*settings: tuple[int, int]) -> bytes:
    entries = b"".join(frames.setting(*one) for one in settings)
    return frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0, entries)


def sending(
    attack: attacks.Attack, *settings: tuple[int, int], count: int = 1, reads: bool = True, wide: bool = False
) -> Callable[[str], Awaitable[object]]:
    """Return an attack that sends the same on so many connections."""

    async def run(address: str) -> None:
        preface = _preface(*settings) + (attacks.WIDE_CONNECTION if wide else b"")
        async with connections(address, count, preface) as opened:
            await asyncio.gather(*(_send(reader, writer, attack, reads=reads) for reader, writer in opened))

    return run


async def _send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, attack: attacks.Attack, *, reads: bool
) -> None:
    if not reads:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    received = asyncio.create_task(_discard(reader)) if reads else None
    with suppress(ConnectionError):
        for number, part in enumerate(attack()):
            writer.write(part)
            await writer.drain()
            if not number % 64:
                await asyncio.sleep(0)
    if received:
        await received


async def _discard(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while await reader.read(65_536):
            pass


def parts_of_frames(count: int) -> Callable[[str], Awaitable[object]]:
    """Return an attack with so many connections whose headers come byte by byte."""

    async def run(address: str) -> None:
        async with connections(address, count, _preface()) as opened:
            for byte in frames.headers(1, attacks.CHECK)[:60]:
                for _, writer in opened:
                    writer.write(bytes([byte]))
                await asyncio.sleep(0)

    return run


def silent(count: int, sent: bytes) -> Callable[[str], Awaitable[object]]:
    """Return an attack with so many connections that send a beginning and nothing more."""

    async def run(address: str) -> None:
        async with connections(address, count, sent):
            await asyncio.sleep(1)

    return run


ATTACKS: dict[str, Callable[[str], Awaitable[object]]] = {
    "none: 5,000 checks that are answered": sending(lambda: islice(attacks.calls(), 5_000)),
    **{name.replace("_", " "): sending(flood) for name, flood in attacks.FLOODS.items()},
    "a header bomb": sending(attacks.header_bomb),
    "3,000 bombs within the limit": sending(attacks.bombs_within_the_limit),
    "checks with a window of 0": sending(attacks.calls, attacks.NO_WINDOW),
    "checks whose answers are never read": sending(attacks.calls, attacks.WIDE_WINDOW, reads=False, wide=True),
    "60,000 calls without a message": sending(attacks.calls_without_a_message, count=60),
    "headers byte by byte on 500 connections": parts_of_frames(500),
    "500 connections without a preface": silent(500, frames.PREFACE[:10]),
}


def main() -> None:
    """Run the attacks, and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", default="", help="A part of the names of the attacks to run.")
    arguments.add_argument("--transport", default="h2")
    arguments.add_argument("--ask", metavar="ADDRESS", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.ask:
        ask(options.ask)
        return
    print(json.dumps(machine()))
    for name, attack in ATTACKS.items():
        if options.only in name:
            print(json.dumps({"attack": name, **measured(attack, options.transport)}), flush=True)


def measured(attack: Callable[[str], Awaitable[object]], transport: str) -> dict[str, object]:
    """Return the figures of an attack: milliseconds and mebibytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flags = ("--account-id", ACCOUNT, "--transport", transport)
        with rolecall_server(_roles(folder), folder, *flags) as (pid, address):
            waits = caller(address, lambda: None)
            cpu, memory = cpu_micros(pid), resident(pid)
            cpu_idle = _idle(pid)
            figures = {"seconds": round(_run(attack, address), 1)}
            figures["cpu_ms"] = round((cpu_micros(pid) - cpu) / 1_000 - cpu_idle)
            figures["more_mib"] = round((resident(pid) - memory) / MEBIBYTE)
            waits = caller(address, lambda: _run(attack, address))
            return {**figures, **waits}


def _roles(folder: Path) -> Path:
    """Write the role that the attacks ask about."""
    file = folder / "roles.yaml"
    role = {"name": "app", "account_id": ACCOUNT, "trust_policy_json": DOCUMENT}
    file.write_text(json.dumps({"apiVersion": "rolecall/v1", "roles": [role]}))
    return file


def _idle(pid: int) -> float:
    """Return the milliseconds of CPU time that the server spends without calls, for as long as is waited after an attack."""
    before = cpu_micros(pid)
    time.sleep(SETTLE_SECONDS)
    return 2 * (cpu_micros(pid) - before) / 1_000


def _run(attack: Callable[[str], Awaitable[object]], address: str) -> float:
    began = time.monotonic()

    async def limited() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                await attack(address)

    asyncio.run(limited())
    time.sleep(SETTLE_SECONDS)
    return time.monotonic() - began - SETTLE_SECONDS


def caller(address: str, meanwhile: Callable[[], object]) -> dict[str, float]:
    """Return the waits of a caller of its own process while something happens."""
    command = [sys.executable, "-m", "bench.abuse", "--ask", address]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        meanwhile()
        process.stdin.close()
        found: dict[str, float] = json.loads(process.stdout.readline())
    return found


def ask(address: str) -> None:
    """Ask until the input ends; print how long the answers took, in milliseconds."""
    asyncio.run(_ask(address))


async def _ask(address: str) -> None:
    waits, request = list[float](), check()
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        stub: Any = rpc.DecisionServiceStub(channel)
        await stub.CheckAssumeRole(request)
        print("ready", flush=True)
        while not ended.done():
            began = time.perf_counter()
            await stub.CheckAssumeRole(request)
            waits.append((time.perf_counter() - began) * 1_000)
            await asyncio.sleep(PAUSE_SECONDS)
    waits.sort()
    print(
        json.dumps(
            {"asked": len(waits), "p99_ms": round(waits[len(waits) * 99 // 100], 1), "max_ms": round(waits[-1], 1)}
        )
    )


if __name__ == "__main__":
    main()
