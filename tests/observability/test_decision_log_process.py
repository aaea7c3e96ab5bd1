"""The decision log of a server in a process of its own: signals, limits of the system, and standard output."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc as rpc
from tests.server.serving import ANY_PORTS, check
from tests.transports import TRANSPORT

PROGRAM = """
import sys
from rolecall.server.main import run
from rolecall.config.settings import Config
def ready(bound):
    sys.stderr.write(f"{bound.address} {bound.ops_address}\\n")
    sys.stderr.flush()
sys.exit(run(Config.from_mapping(eval(sys.argv[1]), {}), ready=ready))
"""


class Process:
    def __init__(self, popen: subprocess.Popen[str], decisions: Any, ops_address: str) -> None:
        self.popen, self.decisions, self.ops_address = popen, decisions, ops_address

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://{self.ops_address}/metrics", timeout=20) as answer:
            text: str = answer.read().decode()
            return text

    def decide(self, count: int = 1) -> list[str]:
        request = pb.BatchCheckAssumeRoleRequest(queries=[check().query] * count)
        return [
            result.decision.decision_id for result in self.decisions.BatchCheckAssumeRole(request, timeout=20).results
        ]

    def end(self) -> tuple[str, str]:
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.communicate(timeout=30)


@contextmanager
def process(*, max_file_bytes: int = -1, **flags: object) -> Iterator[Process]:
    command = [sys.executable, "-c", PROGRAM, repr({**ANY_PORTS, "transport": TRANSPORT, **flags})]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    popen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, text=True)
    try:
        assert popen.stderr is not None
        lines = iter(popen.stderr.readline, "")
        address, ops_address = next(line.split() for line in lines if line.startswith("127.0.0.1"))
        if max_file_bytes >= 0:
            resource.prlimit(popen.pid, resource.RLIMIT_FSIZE, (max_file_bytes, resource.RLIM_INFINITY))
        with grpc.insecure_channel(address) as channel:
            yield Process(popen, rpc.DecisionServiceStub(channel), ops_address)
    finally:
        popen.kill()
        popen.communicate()


def ids(path: Path) -> list[str]:
    return [json.loads(line)["decision_id"] for line in path.read_text().splitlines()] if path.exists() else []


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_was_decided_before_the_server_stops_is_in_the_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with process(decision_log=str(path)) as server:
        answered = server.decide(1_000)
        server.end()

        assert server.popen.returncode == 0
    assert ids(path) == answered


def test_a_hangup_reopens_the_file(tmp_path: Path) -> None:
    path, moved = tmp_path / "log", tmp_path / "moved"
    with process(decision_log=str(path), decision_log_files=0) as server:
        before = server.decide()
        wait_until(lambda: ids(path) == before)
        path.rename(moved)

        between = server.decide()
        wait_until(lambda: ids(moved) == before + between)
        server.popen.send_signal(signal.SIGHUP)
        wait_until(path.exists)
        after = server.decide()
        server.end()

    assert (ids(moved), ids(path)) == (before + between, after)


def test_decisions_go_on_beyond_the_largest_file_of_the_system_and_no_line_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with process(decision_log=str(path), max_file_bytes=20_000) as server:
        answered = server.decide(10)
        wait_until(lambda: ids(path) == answered)
        more = server.decide(100)
        wait_until(lambda: "rolecall_decision_log_flush_errors_total 0.0" not in server.metrics())
        meanwhile = ids(path)
        resource.prlimit(server.popen.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: ids(path) == answered + more)
        _, log = server.end()

    assert meanwhile == answered
    assert '"file too large"' in log


def test_standard_output_has_decisions_and_nothing_else() -> None:
    with process(decision_log="stdout") as server:
        answered = server.decide(100)
        out, _ = server.end()

    assert [json.loads(line)["decision_id"] for line in out.splitlines()] == answered
