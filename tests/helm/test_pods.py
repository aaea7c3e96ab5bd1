"""The rendered pods start, serve only callers with certificates, and end in order on SIGTERM."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from rolecall_client.v1 import decision_pb2, decision_pb2_grpc, role_pb2, role_pb2_grpc
from tests.helm.chart import notes, render
from tests.helm.pods import Pod, Process
from tests.postgres import PostgresServer

pytestmark = pytest.mark.long

ACCOUNT = "123456789012"
ALICE = f"acs:ram::{ACCOUNT}:user/alice"
TRUST = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::123456789012:root"]}}]}'
VALUES: dict[str, Any] = {
    "config": {"account_id": ACCOUNT},
    "drain": {"delaySeconds": 1, "graceSeconds": 20},
    "tls": {"existingSecret": "tls", "clientCA": {"existingSecret": "callers"}},
    "callers": {"file": "callers: [{name: alice, match: {dns: alice.example.com}, policies: [AdministratorAccess]}]"},
}
POSTGRES = VALUES | {
    "config": {"account_id": ACCOUNT, "snapshot_seconds": 1},
    "store": {"engine": "postgres", "postgres": {"existingSecret": "database"}},
    "snapshot": {"existingSecret": "snapshot"},
}
IMPORTING = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@dataclass(frozen=True, slots=True)
class Keys:
    """Two certificate authorities: one for the server, one for callers."""

    server: trustme.CA
    callers: trustme.CA

    def secrets(self) -> dict[str, dict[str, bytes]]:
        """Return the two TLS secrets of an installation."""
        certificate = self.server.issue_cert("localhost")
        chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
        return {
            "tls": {"tls.crt": chain, "tls.key": certificate.private_key_pem.bytes()},
            "callers": {"ca.crt": self.callers.cert_pem.bytes()},
        }

    @contextmanager
    def channel(self, port: int, *, caller: trustme.CA | None) -> Iterator[Any]:
        """Yield a channel with a certificate from the authority `caller`, or without a certificate."""
        own = caller.issue_cert("alice.example.com") if caller else None
        credentials = grpc.ssl_channel_credentials(
            self.server.cert_pem.bytes(),
            own.private_key_pem.bytes() if own else None,
            own.cert_chain_pems[0].bytes() if own else None,
        )
        with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
            yield channel

    def write_files_of_a_caller(self, folder: Path) -> None:
        """Write the certificates and the key of a caller, under the names that the notes use."""
        own = self.callers.issue_cert("alice.example.com")
        self.server.cert_pem.write_to_path(folder / "ca.crt")
        own.cert_chain_pems[0].write_to_path(folder / "client.crt")
        own.private_key_pem.write_to_path(folder / "client.key")


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys(trustme.CA(), trustme.CA())


def secrets_of(keys: Keys, server: PostgresServer) -> dict[str, dict[str, bytes]]:
    database = {"url": server.create_database().encode() + b"\n"}
    return {**keys.secrets(), "database": database, "snapshot": {"key": secrets.token_bytes(32)}}


def create(channel: Any) -> role_pb2.Role:
    request = role_pb2.CreateRoleRequest(role_name="deploy", assume_role_policy_document=TRUST)
    role: role_pb2.Role = role_pb2_grpc.RoleServiceStub(channel).CreateRole(request, timeout=20).role
    return role


def check(channel: Any) -> decision_pb2.Decision:
    query = decision_pb2.AssumeRoleQuery(principal=ALICE, role="deploy")
    stub = decision_pb2_grpc.DecisionServiceStub(channel)
    decision: decision_pb2.Decision = stub.CheckAssumeRole(
        decision_pb2.CheckAssumeRoleRequest(query=query), timeout=20
    ).decision
    return decision


def events(log: str) -> list[str]:
    return [json.loads(line)["event"] for line in log.splitlines()]


def migrate(pod: Pod) -> None:
    process = pod.start("migrate").popen
    _, log = process.communicate(timeout=120)
    assert process.returncode == 0, log


def ready(pod: Pod) -> Process:
    process = pod.start()
    process.await_status("/readyz")
    return process


def test_the_pod_with_sqlite_serves_over_mtls_and_ends_in_time(keys: Keys, tmp_path: Path) -> None:
    with Pod(render(VALUES), keys.secrets(), tmp_path) as pod:
        process = ready(pod)

        with keys.channel(pod.ports["grpc"], caller=keys.callers) as channel:
            created, decision = create(channel), check(channel)
        code, log = process.terminate(pod.grace_seconds)

        assert (decision.allowed, decision.revision) == (True, created.revision)
        assert (code, events(log)[-2:]) == (0, ["stopping", "stopped"])
        assert (tmp_path / "data/rolecall.db").exists()


@pytest.mark.parametrize("authority", [None, trustme.CA()], ids=["no-certificate", "another-authority"])
def test_the_pod_refuses_connections_without_a_certificate_of_the_client_ca(
    keys: Keys, tmp_path: Path, authority: trustme.CA | None
) -> None:
    with Pod(render(VALUES), keys.secrets(), tmp_path) as pod:
        ready(pod)

        with keys.channel(pod.ports["grpc"], caller=authority) as channel, pytest.raises(grpc.RpcError) as refused:
            check(channel)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_the_pod_keeps_its_roles_when_it_is_replaced(keys: Keys, tmp_path: Path) -> None:
    with Pod(render(VALUES), keys.secrets(), tmp_path) as pod:
        with keys.channel(pod.ports["grpc"], caller=keys.callers) as channel:
            first = ready(pod)
            create(channel)
            first.terminate(pod.grace_seconds)
        ready(pod)

        with keys.channel(pod.ports["grpc"], caller=keys.callers) as channel:
            assert check(channel).allowed


def test_an_insecure_pod_answers_checks_in_plain_text_and_logs_a_warning(tmp_path: Path) -> None:
    values = {"config": VALUES["config"], "drain": VALUES["drain"], "insecure": {"acknowledged": True}}
    with Pod(render(values), {}, tmp_path) as pod:
        process = ready(pod)

        with (
            grpc.insecure_channel(f"unix:{tmp_path}/tmp/admin.sock") as inside,
            grpc.insecure_channel(f"localhost:{pod.ports['grpc']}") as channel,
        ):
            create(inside)
            decision = check(channel)
            with pytest.raises(grpc.RpcError) as refused:
                create(channel)
        code, log = process.terminate(pod.grace_seconds)

    assert decision.allowed
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert code == 0
    assert "INSECURE" in log


def test_a_pod_that_cannot_read_its_client_ca_exits_with_a_message(keys: Keys, tmp_path: Path) -> None:
    made = keys.secrets()
    made["callers"]["ca.crt"] = b"not a certificate"
    with Pod(render(VALUES), made, tmp_path) as pod:
        process = pod.start().popen
        _, error = process.communicate(timeout=120)

    assert process.returncode == 2
    assert "--tls-client-ca" in error


def test_the_pod_with_postgres_migrates_serves_over_mtls_and_ends_in_time(
    keys: Keys, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    made = secrets_of(keys, postgres_server)
    with Pod(render(POSTGRES), made, tmp_path) as pod:
        migrate(pod)
        migrate(pod)
        process = ready(pod)

        with keys.channel(pod.ports["grpc"], caller=keys.callers) as channel:
            created, decision = create(channel), check(channel)
        code, log = process.terminate(pod.grace_seconds)

    assert (decision.allowed, decision.revision) == (True, created.revision)
    assert (code, events(log)[-2:]) == (0, ["stopping", "stopped"])
    assert made["database"]["url"].decode().strip() not in log


def test_a_container_that_restarts_while_the_database_is_down_serves_from_its_snapshot(
    keys: Keys, tmp_path: Path, own_server: PostgresServer
) -> None:
    # Row 67 of the faults, with a snapshot file.
    with Pod(render(POSTGRES), secrets_of(keys, own_server), tmp_path) as pod:
        migrate(pod)
        first, file = ready(pod), tmp_path / "snapshot/snapshot"
        first.until(file.exists)
        size = file.stat().st_size
        with keys.channel(pod.ports["grpc"], caller=keys.callers) as channel:
            create(channel)
        first.until(lambda: file.stat().st_size > size)
        first.terminate(pod.grace_seconds)
        own_server.stop("immediate")
        ready(pod)

        with keys.channel(pod.ports["grpc"], caller=keys.callers) as channel:
            decision = check(channel)

    assert decision.allowed
    assert decision.served_from == decision_pb2.SERVED_FROM_RESTORED


def test_a_pod_that_starts_while_the_database_is_down_is_live_but_not_ready_until_it_is_back(
    keys: Keys, tmp_path: Path, own_server: PostgresServer
) -> None:
    # Row 67 of the faults, without a snapshot file.
    with Pod(render(POSTGRES), secrets_of(keys, own_server), tmp_path) as pod:
        migrate(pod)
        own_server.stop("immediate")
        process = pod.start()
        process.await_status("/livez")
        process.await_status("/readyz", 503)

        own_server.start()

        process.await_status("/readyz")


def test_the_check_command_in_the_notes_works(keys: Keys, tmp_path: Path) -> None:
    text, folder = notes(VALUES, tmp_path), tmp_path / "pod"
    folder.mkdir()
    with Pod(render(VALUES), keys.secrets(), folder) as pod:
        ready(pod)
        with keys.channel(pod.ports["grpc"], caller=keys.callers) as channel:
            create(channel)
        keys.write_files_of_a_caller(tmp_path)
        shown = text[text.index("rolecall check ") :].partition("\n\n")[0].replace("\\\n", " ")
        command = [
            sys.executable,
            "-m",
            *shlex.split(shown.replace("localhost:50051", f"localhost:{pod.ports['grpc']}")),
        ]

        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=IMPORTING)

    assert (done.returncode, done.stderr) == (0, "")
    assert "ALLOWED" in done.stdout
