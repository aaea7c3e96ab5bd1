"""Measure how soon a change is visible on the other replicas: `python -m bench.visibility`.

Three servers use one PostgreSQL, all on this machine. A role is changed through the first server; from the moment at which the
response arrives, the others are polled until they decide at that revision. The servers are connected directly, so that they receive
NOTIFY, and then through PgBouncer in transaction mode, which does not deliver NOTIFY, so that they poll.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.fixture import ACCOUNT, plain_document, plain_query
from bench.processes import machine
from rolecall.storage.open import migrate
from rolecall_client import RolecallClient
from rolecall_client.v1 import role_pb2 as r
from tests.chaos.replicas import Replica
from tests.postgres import PostgresServer
from tests.storage.pgbouncer import pooler

REPLICAS = 3
NAME = "plain-0"
CALL_SECONDS = 10.0
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Way:
    """How replicas are connected to the database, and the aim for the median time until a change is visible."""

    name: str
    store: str
    writes: int
    aim_ms: float


def main() -> None:
    """Measure both ways, and print the figures."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name, _database() as server, pooler(server) as port:
        direct = server.create_database()
        pooled = urlsplit(server.create_database())
        through = pooled._replace(netloc=f"{pooled.username}:{pooled.password}@127.0.0.1:{port}").geturl()
        migrate(direct)
        migrate(pooled.geturl())
        ways = [
            Way("with NOTIFY", direct, arguments.writes, 50),
            Way("by polling, through PgBouncer", through, arguments.writes // 2, 1_200),
        ]
        rows = [measured(way, Path(name) / str(number)) for number, way in enumerate(ways)]
    report = {"machine": machine(), "replicas": REPLICAS, "poll_seconds": POLL_SECONDS, "ways": rows}
    if arguments.output == "json":
        print(json.dumps(report, indent=2))
    else:
        _print(report)


def measured(way: Way, directory: Path) -> dict[str, Any]:
    """Return the figures of one way."""
    with _replicas(way.store, directory) as clients:
        first, others = clients[0], clients[1:]
        first.create_role(
            r.CreateRoleRequest(account_id=ACCOUNT, role_name=NAME, assume_role_policy_document=plain_document(0))
        )
        with ThreadPoolExecutor(len(others)) as pool:
            found = [
                milliseconds
                for number in track(range(way.writes), way.name, transient=True)
                for milliseconds in _visible_after(first, others, pool, number)
            ]
    return _row(way, found)


def _visible_after(
    first: RolecallClient, others: Sequence[RolecallClient], pool: ThreadPoolExecutor, number: int
) -> Iterator[float]:
    """Change a role; yield for each other replica the milliseconds from the response until the change is visible."""
    # A random pause keeps the writes independent of the rhythm of the polls.
    time.sleep(random.uniform(0, POLL_SECONDS))
    revision = first.update_role(
        r.UpdateRoleRequest(role=f"{ACCOUNT}/{NAME}", description=f"write {number}")
    ).role.revision
    acknowledged = time.perf_counter()
    for seen in pool.map(lambda other: _seen(other, revision), others):
        yield (seen - acknowledged) * 1_000


def _seen(client: RolecallClient, revision: int) -> float:
    while client.check(plain_query(0)).decision.revision < revision:
        pass
    return time.perf_counter()


def _row(way: Way, milliseconds: Sequence[float]) -> dict[str, Any]:
    median = statistics.median(milliseconds)
    return {
        "way": way.name,
        "changes": len(milliseconds),
        "median_ms": round(median, 1),
        "p95_ms": round(statistics.quantiles(milliseconds, n=20)[-1], 1),
        "max_ms": round(max(milliseconds), 1),
        "aim_ms": way.aim_ms,
        "reached": median <= way.aim_ms,
    }


@contextmanager
def _database() -> Iterator[PostgresServer]:
    server = PostgresServer(fsync="on")
    try:
        server.start()
        yield server
    finally:
        server.close()


@contextmanager
def _replicas(store: str, directory: Path) -> Iterator[list[RolecallClient]]:
    """Yield a client of each replica once all are ready."""
    with ExitStack() as stack:
        replicas = [Replica(f"replica-{n}", store, directory, poll_seconds=POLL_SECONDS) for n in range(REPLICAS)]
        for replica in replicas:
            stack.callback(replica.kill)
            replica.start()
        for replica in replicas:
            replica.wait_ready()
        yield [stack.enter_context(RolecallClient(replica.address, timeout=CALL_SECONDS)) for replica in replicas]


def _print(report: dict[str, Any]) -> None:
    console = Console()
    table = Table(title=f"time until a change is visible on the {REPLICAS - 1} other replicas")
    for column in report["ways"][0]:
        table.add_column(column, justify="left" if column == "way" else "right")
    for row in report["ways"]:
        table.add_row(*map(str, row.values()))
    console.print(table)
    console.print(report["machine"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.visibility", description=__doc__)
    parser.add_argument("--writes", type=int, default=60, help="number of writes with NOTIFY; half as many without it")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
