"""Measure how soon an agent has caught up when its server is back: `python -m bench.agent_outage`.

A server on a SQLite file, an agent on a unix socket behind a proxy that refuses all connections for a time, and roles that are
created meanwhile. The agent has caught up when a decision has the revision of the last role, and an age of less than the time since
the proxy accepts again plus a second.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.client_local import DENIED
from bench.fixture import ACCOUNT
from bench.processes import machine, rolecall_agent, store_server
from rolecall_client import RolecallClient, query
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.chaos.proxy import Proxy

ASKED = query(f"acs:ram::{ACCOUNT}:user/alice", f"{ACCOUNT}/role-0")
PAUSE_SECONDS = 0.005


@dataclass(frozen=True)
class Stage:
    """A client of the server, one of the agent, and the proxy between both."""

    server: RolecallClient
    agent: RolecallClient
    proxy: Proxy


def main() -> None:
    """Measure outages with writes and without, and print the figures."""
    arguments = _arguments()
    report: dict[str, object] = {"machine": machine()}
    for writes in (0, arguments.writes):
        with _stage() as stage:
            report[f"writes: {writes}"] = outage(stage, arguments.seconds, writes)
    print(json.dumps(report, indent=2))


def outage(stage: Stage, seconds: float, writes: int) -> dict[str, float]:
    """Refuse connections for a time; return the age of the agent's state at its end, and how long catching up took, in seconds."""
    stage.proxy.refuse()
    ends = time.monotonic() + seconds
    for number in range(1, writes + 1):
        _create(stage.server, number)
    time.sleep(max(0.0, ends - time.monotonic()))
    head, oldest = _decision(stage.server).revision, _age(_decision(stage.agent))
    began = time.monotonic()
    stage.proxy.open()
    while True:
        decision, passed = _decision(stage.agent), time.monotonic() - began
        if decision.revision >= head and _age(decision) < passed + 1:
            return {"age_at_the_end": round(oldest, 2), "caught_up_after": round(passed, 3)}
        time.sleep(PAUSE_SECONDS)


@contextmanager
def _stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, account = Path(name), ("--account-id", ACCOUNT)
        (folder / "agent").mkdir()
        _, address = stack.enter_context(store_server(f"sqlite:///{folder}/roles.db", folder, *account))
        server = stack.enter_context(RolecallClient(address))
        _create(server, 0)
        proxy = Proxy("127.0.0.1", int(address.rpartition(":")[2]))
        stack.callback(proxy.close)
        _, socket = stack.enter_context(rolecall_agent(f"127.0.0.1:{proxy.port}", folder / "agent", *account))
        yield Stage(server, stack.enter_context(RolecallClient(socket)), proxy)


def _create(client: RolecallClient, number: int) -> None:
    client.create_role(r.CreateRoleRequest(role_name=f"role-{number}", assume_role_policy_document=DENIED))


def _decision(client: RolecallClient) -> d.Decision:
    return client.check(ASKED).decision


def _age(decision: d.Decision) -> float:
    return decision.staleness.ToMicroseconds() / 1_000_000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.agent_outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=61.0, help="How long connections are refused.")
    parser.add_argument(
        "--writes", type=int, default=600, help="How many roles are created meanwhile, in the second outage."
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
