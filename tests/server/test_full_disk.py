"""A server whose disk is full: it decides, its RoleService is not healthy, and recovers without a write of a client."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rolecall.transport.server import DECISION_SERVICE, ROLE_SERVICE
from rolecall_client import RolecallClient, UnavailableError
from rolecall_client.v1.role_pb2 import CreateRoleRequest
from tests.server.serving import ANY_PORTS, DOCUMENT
from tests.server.test_server import program
from tests.transports import TRANSPORT

pytestmark = pytest.mark.long


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    flags = {**ANY_PORTS, "transport": TRANSPORT, "store": f"sqlite:///{tmp_path}/roles.db"}
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(program(flags), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, text=True)
    yield process
    process.kill()
    process.communicate()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_health_of_administration_follows_a_full_disk(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    address = process.stdout.readline().strip()
    with RolecallClient(address) as client, grpc.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)

        def serves(service: str) -> bool:
            answer = health.Check(health_pb2.HealthCheckRequest(service=service))
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

        def create(name: str) -> None:
            client.create_role(CreateRoleRequest(role_name=name, assume_role_policy_document=DOCUMENT), timeout=5)

        create("before")
        # No file may grow, as on a disk without space.
        limits = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        with pytest.raises(UnavailableError) as refused:
            create("during")
        until(lambda: not serves(ROLE_SERVICE))
        during = serves(""), serves(DECISION_SERVICE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
        until(lambda: serves(ROLE_SERVICE))
        create("after")

    assert refused.value.reason == "STORE_UNAVAILABLE"
    assert during == (True, True)
