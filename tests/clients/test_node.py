"""The client of gRPC for Node, with messages as they are on the wire. `make tools` installs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from rolecall_client.v1 import decision_pb2 as pb
from tests.cli.serving import ACCOUNT
from tests.missing import missing

MODULES = Path(sys.prefix) / "interop" / "node_modules"
SCRIPT = Path(__file__).with_name("node_client.cjs")
SERVICE = "/rolecall.v1.DecisionService"
QUERY = pb.AssumeRoleQuery(principal=f"acs:ram::{ACCOUNT}:user/bob", role="missing")


def answers(address: str, method: str, *messages: Any) -> list[str]:
    node = shutil.which("node")
    if node is None or not MODULES.exists():
        missing("the Node client is not there: install Node and npm, then `make tools`")
    done = subprocess.run(
        [node, str(SCRIPT), str(MODULES), address, f"{SERVICE}/{method}", *(m.SerializeToString().hex() for m in messages)],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_a_check_and_a_stream_of_checks_are_answered(address: str) -> None:
    stream = [pb.StreamCheckAssumeRoleRequest(sequence=number, query=QUERY) for number in (7, 8)]

    batch = answers(address, "BatchCheckAssumeRole", pb.BatchCheckAssumeRoleRequest(queries=[QUERY, QUERY]))
    streamed = answers(address, "StreamCheckAssumeRole", *stream)

    assert len(pb.BatchCheckAssumeRoleResponse.FromString(bytes.fromhex(batch[0])).results) == 2
    assert [pb.StreamCheckAssumeRoleResponse.FromString(bytes.fromhex(line)).sequence for line in streamed] == [7, 8]


def test_statuses_arrive(address: str) -> None:
    invalid = pb.CheckAssumeRoleRequest(query=pb.AssumeRoleQuery(principal="nobody", role="app"))

    assert answers(address, "CheckAssumeRole", invalid) == ["status 3"]
    assert answers(address, "Unknown", pb.CheckAssumeRoleRequest()) == ["status 12"]
