"""`make bench`: CPU time of the server for one RPC, beside a bare echo of the same messages in the same run.

Both servers run at the same time and are measured in turn, round by round; each figure is the median of the rounds. CPU time is
the kernel's count for the whole server process, so the cost of the client does not matter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import yaml
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import fixture, inprocess
from bench.processes import cpu_micros, echo_server, machine, rolecall_server
from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc as rpc

BATCH = 100
DISTINCT = 200


@dataclass(frozen=True)
class Load:
    """A load: the method, its messages, the number of calls in a round, the calls in flight, and the decisions of each call."""

    name: str
    method: str
    messages: Sequence[Any]
    calls: int
    in_flight: int
    items: int = 1


def loads(scale: float) -> list[Load]:
    """Return the loads; `scale` multiplies the number of calls in a round."""
    plain = [pb.CheckAssumeRoleRequest(query=fixture.plain_query(n)) for n in range(DISTINCT)]
    keyed = [pb.CheckAssumeRoleRequest(query=fixture.keyed_query(n)) for n in range(DISTINCT)]
    return [
        Load("unary check", "CheckAssumeRole", plain, int(3_000 * scale), 16),
        Load("unary check, two keys", "CheckAssumeRole", keyed, int(3_000 * scale), 16),
        Load("stream of 100", "StreamCheckAssumeRole", _streams(), int(400 * scale), 4, BATCH),
        Load("batch of 100", "BatchCheckAssumeRole", _batches(fixture.plain_query), int(400 * scale), 4, BATCH),
        Load(
            "batch of 100, two keys", "BatchCheckAssumeRole", _batches(fixture.keyed_query), int(400 * scale), 4, BATCH
        ),
    ]


def _batches(query: Callable[[int], pb.AssumeRoleQuery]) -> list[pb.BatchCheckAssumeRoleRequest]:
    starts = range(0, DISTINCT, 10)
    return [pb.BatchCheckAssumeRoleRequest(queries=[query(start + n) for n in range(BATCH)]) for start in starts]


def _streams() -> list[list[pb.StreamCheckAssumeRoleRequest]]:
    starts = range(0, DISTINCT, 10)
    return [
        [pb.StreamCheckAssumeRoleRequest(sequence=n, query=fixture.plain_query(start + n)) for n in range(BATCH)]
        for start in starts
    ]


async def spend(stub: Any, pid: int, load: Load) -> float:
    """Make the calls of one round; return the server's CPU time for each call, in microseconds."""
    call: Callable[[Any], Any] = getattr(stub, load.method)
    numbers = iter(range(load.calls))

    async def caller() -> None:
        for number in numbers:
            answer = call(load.messages[number % len(load.messages)])
            if load.method.startswith("Stream"):
                async for _ in answer:
                    pass
            else:
                await answer

    before = cpu_micros(pid)
    await asyncio.gather(*(caller() for _ in range(load.in_flight)))
    return (cpu_micros(pid) - before) / load.calls


async def compare(echo: tuple[int, str], service: tuple[int, str], rounds: int, scale: float) -> list[dict[str, Any]]:
    """Measure both servers in turn; return a row for each load."""
    async with grpc.aio.insecure_channel(echo[1]) as left, grpc.aio.insecure_channel(service[1]) as right:
        stubs = ((rpc.DecisionServiceStub(left), echo[0]), (rpc.DecisionServiceStub(right), service[0]))
        spent: dict[str, tuple[list[float], list[float]]] = {load.name: ([], []) for load in loads(scale)}
        for round_ in track(range(rounds + 1), "measuring", transient=True):
            for load in loads(scale):
                for (stub, pid), figures in zip(stubs, spent[load.name], strict=True):
                    figure = await spend(stub, pid, load)
                    if round_:  # the first round is a warm-up
                        figures.append(figure)
    return [_row(load, *spent[load.name]) for load in loads(scale)]


def _row(load: Load, echo: list[float], service: list[float]) -> dict[str, Any]:
    base, ours = statistics.median(echo), statistics.median(service)
    ratios = sorted(b / a for a, b in zip(echo, service, strict=True))
    return {
        "load": load.name,
        "echo_us": round(base, 1),
        "rolecall_us": round(ours, 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_low": round(ratios[0], 3),
        "ratio_high": round(ratios[-1], 3),
        "item_us": round(ours / load.items, 2),
    }


def scaled_item(row: dict[str, Any], unary_echo: float) -> float:
    """Return the cost of an item, scaled to a machine on which the unary echo takes 250 microseconds."""
    return float(round(row["item_us"] * 250 / unary_echo, 2))


def roles_file(directory: Path) -> Path:
    """Write the roles of the fixture to a role file; return its path."""
    roles = [
        {"name": f"{sort}-{n}", "account_id": fixture.ACCOUNT, "trust_policy_json": document(n)}
        for sort, document in (("plain", fixture.plain_document), ("keyed", fixture.keyed_document))
        for n in range(fixture.ROLES)
    ]
    path = directory / "roles.yaml"
    path.write_text(yaml.safe_dump({"apiVersion": "rolecall/v1", "roles": roles}))
    return path


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds after the warm-up round (default 7)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies the number of calls in a round (default 1.0)"
    )
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with echo_server(BATCH) as echo, rolecall_server(roles_file(directory), directory) as service:
            rows = asyncio.run(compare(echo, service, options.rounds, options.scale))
    for row in rows:
        row["item_us_at_echo_250"] = scaled_item(row, rows[0]["echo_us"])
    report = {"machine": machine(), "rounds": options.rounds, "rpc": rows, "in_process_us": inprocess.measure()}
    if options.output == "json":
        print(json.dumps(report, indent=2))
    else:
        _print(report)


def _print(report: dict[str, Any]) -> None:
    console = Console()
    for title, rows in (("CPU microseconds of the server", report["rpc"]), ("in process", [report["in_process_us"]])):
        table = Table(title=title)
        for column in rows[0]:
            table.add_column(column, justify="left" if column == "load" else "right")
        for row in rows:
            table.add_row(*map(str, row.values()))
        console.print(table)
    console.print(report["machine"])


if __name__ == "__main__":
    main()
