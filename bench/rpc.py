"""`make bench`: CPU time of the server for one RPC on each transport, beside a bare echo of the same messages in the same run.

All servers run at the same time and are measured in turn, round by round; each figure is the median of the rounds. CPU time is
the kernel's count for the whole server process, so the cost of the client does not matter. `--beside` adds the server of another
checkout, such as a worktree of an earlier commit, to show what a change has saved or costs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import inprocess
from bench.certificates import certificates_in
from bench.fixture import roles_file
from bench.load import Target, opened
from bench.loads import BATCH, loads
from bench.processes import cpu_micros, echo_server, machine, rolecall_server

TRANSPORTS = ("h2", "grpcio")
ECHO, BESIDE = "echo", "beside"
CONNECTION = "connection, mTLS"

Servers = Mapping[str, tuple[int, str]]
"""Process ids and addresses by name: the echo, and a server for each transport."""


@contextmanager
def servers(
    roles: Path, folder: Path, certificates: Path | None = None, *, beside: Path | None = None
) -> Iterator[Servers]:
    """Run the echo and a server for each transport; with `certificates` they require client certificates.

    `beside` is another checkout, whose server runs with its default transport.
    """
    with ExitStack() as stack:
        running = {ECHO: stack.enter_context(echo_server(BATCH, certificates))}
        for transport in TRANSPORTS:
            (folder / transport).mkdir(parents=True)
            serving = rolecall_server(roles, folder / transport, "--transport", transport, certificates=certificates)
            running[transport] = stack.enter_context(serving)
        if beside:
            (folder / BESIDE).mkdir()
            running[BESIDE] = stack.enter_context(rolecall_server(roles, folder / BESIDE, tree=beside.resolve()))
        yield running


async def compare(plain: Servers, secured: Servers, tls: ssl.SSLContext, rounds: int, scale: float) -> list[Any]:
    """Measure all servers in turn; return a row for each load of all of them, or of those that are measured with it."""
    spent: dict[tuple[str, str], list[float]] = {}
    for round_ in track(range(rounds + 1), "measuring", transient=True):
        for load in loads(scale):
            for name, (pid, address) in (secured if load.tls else plain).items():
                target = Target(address, load.path, tls if load.tls else None)
                before = cpu_micros(pid)
                async with opened(target, load.bodies, load.calls, load.shape) as send:
                    opening = cpu_micros(pid)
                    await send()
                    cost = (cpu_micros(pid) - opening) / load.calls
                if not round_:  # a warm-up
                    continue
                spent.setdefault((load.name, name), []).append(cost)
                if load.tls:
                    spent.setdefault((CONNECTION, name), []).append((opening - before) / load.shape.connections)
    costs = {load.name: load.items for load in loads(scale)} | {CONNECTION: 1}
    return [
        _row(load, items, {name: spent[load, name] for name in plain if (load, name) in spent})
        for load, items in costs.items()
    ]


def _row(load: str, items: int, spent: Mapping[str, list[float]]) -> dict[str, Any]:
    row: dict[str, Any] = {"load": load}
    row |= {f"{name}_us": round(statistics.median(figures) / items, 2) for name, figures in spent.items()}
    for name in TRANSPORTS:
        ratios = sorted(ours / echo for echo, ours in zip(spent[ECHO], spent[name], strict=True))
        row[f"{name}_ratio"] = round(statistics.median(ratios), 3)
        row[f"{name}_range"] = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    shares = [ours / theirs for ours, theirs in zip(spent["h2"], spent["grpcio"], strict=True)]
    row["h2_to_grpcio"] = round(statistics.median(shares), 3)
    if BESIDE in spent:
        shares = [ours / theirs for ours, theirs in zip(spent["h2"], spent[BESIDE], strict=True)]
        row["h2_to_beside"] = round(statistics.median(shares), 3)
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds after the warm-up round (default 7)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies the number of calls in a round (default 1.0)"
    )
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="also measure the server of another checkout")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory, certificates = Path(name), Path(name) / "certificates"
        roles, tls = roles_file(directory), certificates_in(certificates)
        with (
            servers(roles, directory / "plain", beside=options.beside) as plain,
            servers(roles, directory / "secured", certificates) as secured,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            rows = runner.run(compare(plain, secured, tls, options.rounds, options.scale))
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
            table.add_row(*(str(row.get(column, "")) for column in rows[0]))
        console.print(table)
    console.print(report["machine"])


if __name__ == "__main__":
    main()
