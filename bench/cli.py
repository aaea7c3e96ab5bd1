"""Compares a check of the command line with a bare program that makes the same call: `python -m bench.cli [--rounds N]`.

It prints the CPU milliseconds of each process, from its start to its end: the least of all rounds, and the median.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.processes import ROLECALL, rolecall_server

ALICE = "acs:ram::123456789012:user/alice"
ROLE = "123456789012/deployer"

BARE = f"""
import sys, grpc
from rolecall_client.v1 import decision_pb2, decision_pb2_grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    query = decision_pb2.AssumeRoleQuery(principal="{ALICE}", role="{ROLE}")
    request = decision_pb2.CheckAssumeRoleRequest(query=query)
    answer = decision_pb2_grpc.DecisionServiceStub(channel).CheckAssumeRole(request, timeout=10)
    print(answer.decision.allowed)
"""


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        (folder / "roles.json").write_text(json.dumps(_roles()))
        with rolecall_server(folder / "roles.json", folder) as (_, address):
            _measure(rounds, folder, address)


def _measure(rounds: int, folder: Path, address: str) -> None:
    measured: Mapping[str, Sequence[str]] = {
        "an empty program": [sys.executable, "-c", ""],
        "a bare program with grpcio": [sys.executable, str(folder / "bare.py"), address],
        "rolecall check": [*ROLECALL, "check", "--as", ALICE, "--role", ROLE, "--address", address],
        "rolecall --help": [*ROLECALL, "--help"],
        "rolecall check --help": [*ROLECALL, "check", "--help"],
    }
    used: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, command in measured.items():
            used[name].append(_cpu_millis(command))
    for name, millis in used.items():
        print(f"{name:30} {min(millis):6.0f} ms at least, {statistics.median(millis):6.0f} ms in the median")
    ratio = min(used["rolecall check"]) / min(used["a bare program with grpcio"])
    print(f"a check takes {ratio:.2f} times what the bare program takes")


def _cpu_millis(command: Sequence[str]) -> float:
    """Run a command that succeeds, with bytecode as an installed package has it; return its CPU time."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return (usage.ru_utime + usage.ru_stime) * 1_000


def _roles() -> dict[str, object]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ALICE}}
    policy = {"Version": "1", "Statement": [statement]}
    role = {"name": "deployer", "account_id": "123456789012", "trust_policy": policy}
    return {"apiVersion": "rolecall/v1", "roles": [role]}


if __name__ == "__main__":
    main()
