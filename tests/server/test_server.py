"""A whole server: TLS with real certificates, start, drain, the ops port, and secrets that must not be logged or shown."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
import trustme

from rolecall.config.settings import Config
from rolecall.server.background import cancel
from rolecall.server.main import StartError, running_server
from rolecall.server.shutdown import StopSignal
from rolecall.transport.endpoint import AddressError
from rolecall_client.v1 import decision_pb2_grpc, role_pb2, role_pb2_grpc
from tests.server.serving import (
    ACCOUNT,
    ANY_PORTS,
    DOCUMENT,
    check,
    config,
    for_ever,
    idle_server,
    log_lines,
    logger,
    served,
    until,
)
from tests.transports import TRANSPORT

PROGRAM = "import sys; from rolecall.server.main import run; from rolecall.config.settings import Config; "
SERVE = (
    PROGRAM + "sys.exit(run(Config.from_mapping(eval(sys.argv[1]), {}), ready=lambda b: print(b.address, flush=True)))"
)


async def ops(address: str, path: str) -> tuple[int, str]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return int(head.split(" ")[1]), body


class Certificates:
    """An authority, a server's certificate, and certificates of clients."""

    def __init__(self, folder: Path) -> None:
        self.authority, other = trustme.CA(), trustme.CA()
        self.folder = folder
        self.authority.cert_pem.write_to_path(folder / "ca.pem")
        issued = self.authority.issue_cert("localhost", "127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        issued.private_key_pem.write_to_path(folder / "key.pem")
        (folder / "key.pem").chmod(0o600)
        (folder / "callers.yaml").write_text(
            "callers: [{name: web, match: {dns: web.example.org}, policies: [AdministratorAccess]}]"
        )
        past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        self.clients = {
            "known": self.authority.issue_cert("web.example.org"),
            "of another authority": other.issue_cert("web.example.org"),
            "expired": self.authority.issue_cert("web.example.org", not_before=past, not_after=past.replace(year=2021)),
        }

    def flags(self, **more: object) -> dict[str, object]:
        names = {"tls_cert": "cert.pem", "tls_key": "key.pem", "tls_client_ca": "ca.pem", "callers": "callers.yaml"}
        return {**ANY_PORTS, **{name: str(self.folder / file) for name, file in names.items()}, **more}

    def credentials(self, client: str) -> grpc.ChannelCredentials:
        root = self.authority.cert_pem.bytes()
        if not client:
            return grpc.ssl_channel_credentials(root)
        certificate = self.clients[client]
        return grpc.ssl_channel_credentials(
            root, certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes()
        )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


# Row 57 of the faults.
@pytest.mark.parametrize(
    "client", ["", "of another authority", "expired"], ids=["no certificate", "wrong authority", "expired"]
)
async def test_a_client_without_a_valid_certificate_cannot_connect(certificates: Certificates, client: str) -> None:
    async with (
        running_server(Config.from_mapping(certificates.flags(), {})) as server,
        grpc.aio.secure_channel(server.bound.address, certificates.credentials(client)) as channel,
    ):
        decisions: Any = decision_pb2_grpc.DecisionServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await decisions.CheckAssumeRole(check(), timeout=10)

        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert not any(stats.started for stats in server.grpc_server.methods.method_stats)


async def test_a_writer_is_named_by_its_certificate(certificates: Certificates) -> None:
    async with (
        running_server(Config.from_mapping(certificates.flags(), {})) as server,
        grpc.aio.secure_channel(server.bound.address, certificates.credentials("known")) as channel,
    ):
        roles: Any = role_pb2_grpc.RoleServiceStub(channel)
        await roles.CreateRole(role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=DOCUMENT))
        history = await roles.ListRoleRevisions(role_pb2.ListRoleRevisionsRequest(role="app"))

    assert [entry.actor for entry in history.revisions] == ["web.example.org"]


async def test_plain_text_cannot_connect_to_a_tls_port(certificates: Certificates) -> None:
    async with (
        running_server(Config.from_mapping(certificates.flags(), {})) as server,
        grpc.aio.insecure_channel(server.bound.address) as channel,
    ):
        decisions: Any = decision_pb2_grpc.DecisionServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await decisions.CheckAssumeRole(check(), timeout=10)

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_beyond_loopback_without_authentication_nothing_starts() -> None:
    with pytest.raises(StartError, match="--insecure"):
        async with running_server(config(listen="0.0.0.0:0")):
            pass


async def test_an_address_in_use_is_reported_in_one_sentence() -> None:
    async with served() as service:
        with pytest.raises(StartError, match=r"cannot listen on `127\.0\.0\.1:\d+`: address already in use"):
            async with running_server(config(listen=service.server.bound.address)):
                pass
        with pytest.raises(StartError, match=r"cannot listen on `127\.0\.0\.1:\d+`: address already in use"):
            async with running_server(config(ops_listen=service.server.bound.ops_address)):
                pass


async def test_a_store_in_use_by_another_server_is_reported_in_one_sentence(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/roles.db"
    async with served(store=store):
        with pytest.raises(StartError, match="another server"):
            async with running_server(config(store=store)):
                pass


async def test_a_server_on_a_socket_file_is_reached_through_it(tmp_path: Path) -> None:
    async with served(listen=f"unix:{tmp_path}/rolecall.sock") as service:
        answer = await service.decisions.CheckAssumeRole(check())

        assert not answer.decision.allowed


async def test_roles_outlive_their_server(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/roles.db"
    async with served(store=store) as service:
        await service.create()

    async with served(store=store) as service:
        assert (await service.decisions.CheckAssumeRole(check())).decision.allowed


async def test_the_ops_port_serves_liveness_readiness_and_metrics() -> None:
    async with served() as service:
        address = service.server.bound.ops_address
        await service.decisions.CheckAssumeRole(check())

        assert await ops(address, "/livez") == (200, "live\n")
        assert await ops(address, "/readyz") == (200, "ready\n")
        status, metrics = await ops(address, "/metrics")

    assert status == 200
    labels = 'grpc_method="CheckAssumeRole",grpc_service="rolecall.v1.DecisionService",grpc_type="unary"'
    assert f"grpc_server_started_total{{{labels}}} 1.0" in metrics
    assert f'grpc_server_handled_total{{grpc_code="OK",{labels}}} 1.0' in metrics
    assert f'grpc_server_handled_total{{grpc_code="Internal",{labels}}} 0.0' in metrics
    assert 'rolecall_decisions_total{decision="deny",reason="ROLE_NOT_FOUND",served_from="EVALUATED"} 1.0' in metrics
    assert "rolecall_snapshot_revision 0.0" in metrics


async def test_a_crashed_server_that_cannot_bind_its_address_is_not_live_until_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(transport="grpcio") as service:
        server, address = service.server.grpc_server, service.server.bound.ops_address
        revive = server.revive

        async def fail() -> None:
            raise AddressError("127.0.0.1:1", "the address is in use")

        monkeypatch.setattr(server, "revive", fail)
        cast("Any", server.wire)._crashed.set()
        await until(lambda: service.server.health.listen_error)
        failed = await ops(address, "/livez")
        monkeypatch.setattr(server, "revive", revive)
        await until(lambda: server.revivals)

        assert failed == (503, "not live: cannot listen on `127.0.0.1:1`: the address is in use\n")
        assert await ops(address, "/livez") == (200, "live\n")
        crashed, *not_revived = log_lines(service.log)

    assert crashed == {"event": "server_crashed", "level": "error", "revivals": 1}
    assert not_revived[0] == {
        "event": "server_not_revived", "level": "error", "error": "cannot listen on `127.0.0.1:1`: the address is in use",
    }  # fmt: skip


async def test_reloads_of_the_certificate_are_logged(certificates: Certificates, tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_bytes((certificates.folder / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    key, log = (tmp_path / "key.pem").read_bytes(), logger()
    settings = config(tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem"))
    async with running_server(settings, log=log.logger) as server:
        (watch_files,) = [work for work in server.background_work() if isinstance(work, partial)]
        watching = asyncio.create_task(watch_files(seconds=0.005))
        (tmp_path / "key.pem").write_bytes(b"")
        await until(lambda: len(log_lines(log.stream)) == 1)
        (tmp_path / "key.pem").write_bytes(key)
        await until(lambda: len(log_lines(log.stream)) == 2)
        await cancel(watching)

    kept, renewed = log_lines(log.stream)
    assert "are not a PEM certificate and its unencrypted key" in kept.pop("error")
    assert kept == {"event": "certificate_kept", "level": "warning"}
    assert renewed == {"event": "certificate", "level": "info"}


async def test_a_server_without_a_certificate_watches_no_files() -> None:
    async with idle_server() as server:
        assert not [work for work in server.background_work() if isinstance(work, partial)]


# Row 77 of the faults, as the next.
async def test_a_call_in_progress_is_finished_before_the_server_has_drained() -> None:
    async with served(drain_delay_seconds=0.05, drain_grace_seconds=20) as service:
        await service.create()
        release, order = asyncio.Event(), list[str]()

        async def held() -> None:
            await release.wait()
            order.append("continued")

        service.let_catching_up_take(held)
        call = service.decisions.CheckAssumeRole(check(consistent=True))
        await until(lambda: service.calls)

        draining = asyncio.create_task(service.server.drain(StopSignal()))
        draining.add_done_callback(lambda _: order.append("drained"))
        await until(service.server.health.not_ready)
        assert await ops(service.server.bound.ops_address, "/readyz") == (503, "not ready: the server is stopping\n")
        await until(lambda: service.server.grpc_server.open_streams._stopped)
        release.set()

        assert (await call).decision.allowed
        await draining

    assert order == ["continued", "drained"]


async def test_a_second_signal_ends_the_calls_in_progress() -> None:
    async with served(drain_delay_seconds=60, drain_grace_seconds=60) as service:
        await service.create()
        service.let_catching_up_take(for_ever)
        call = service.decisions.CheckAssumeRole(check(consistent=True))
        await until(lambda: service.calls)
        stopping = StopSignal()
        stopping.request()

        draining = asyncio.create_task(service.server.drain(stopping))
        stopping.request()
        await asyncio.wait_for(draining, timeout=20)

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


async def test_a_forced_drain_ends_only_when_the_calls_in_progress_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(drain_grace_seconds=60) as service:
        ended, order, stopping = asyncio.Event(), list[str](), StopSignal()

        async def stop(grace: float) -> None:
            if not grace:
                order.append("forced")
                asyncio.get_running_loop().call_soon(ended.set)
                return
            await ended.wait()
            await asyncio.sleep(0)
            order.append("ended")

        with monkeypatch.context() as patched:
            patched.setattr(service.server.grpc_server, "stop", stop)
            stopping.request()
            stopping.request()
            await service.server.drain(stopping)
        order.append("drained")

    assert order == ["forced", "ended", "drained"]


def program(flags: Mapping[str, object]) -> list[str]:
    return [sys.executable, "-c", SERVE, repr(flags)]


@pytest.mark.parametrize("called", [True, False])
def test_a_signal_ends_the_process_in_good_order(tmp_path: Path, called: bool) -> None:
    flags = {**ANY_PORTS, "transport": TRANSPORT, "store": f"sqlite:///{tmp_path}/roles.db"}
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(program(flags), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    if called:
        with grpc.insecure_channel(address) as channel:
            decision_pb2_grpc.DecisionServiceStub(channel).CheckAssumeRole(check(), timeout=20)

    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)

    assert process.returncode == 0
    serving, *rest = [json.loads(line) for line in log.splitlines() if '"event"' in line]
    assert [line["event"] for line in (serving, *rest)] == ["serving", "stopping", "stopped"]
    assert (serving["address"], serving["roles"]) == (address, 0)
    assert serving["ops"].startswith("127.0.0.1:")


def test_an_error_of_the_start_is_one_sentence_and_exit_code_2() -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        program({**ANY_PORTS, "listen": "0.0.0.0:0"}), capture_output=True, env=environ, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("rolecall: ")
    assert done.stderr.count("\n") == 1


async def test_secrets_are_neither_logged_nor_shown(tmp_path: Path) -> None:
    canary = "canary7f3a"
    store = f"sqlite:///{tmp_path}/{canary}.db"
    async with served(store=store, log_level="debug", reflection=True) as service:
        metadata = [("authorization", f"Bearer {canary}"), ("x-request-id", "r1")]
        shown = []
        query = check(principal=f"acs:ram::{ACCOUNT}:user/{canary}")
        query.query.context["acs:SourceVpc"].values.append(canary)
        await service.decisions.CheckAssumeRole(query, metadata=metadata)
        document = DOCUMENT.replace("Allow", canary)
        for role, text in (("app", document), (f"{canary}!", DOCUMENT)):
            request = role_pb2.CreateRoleRequest(role_name=role, assume_role_policy_document=text, tags={"t": canary})
            with pytest.raises(grpc.aio.AioRpcError):
                await service.roles.CreateRole(request, metadata=metadata)
        service.server.replica.repository.close()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.roles.ListRoles(role_pb2.ListRolesRequest(), metadata=metadata)
        shown.append(repr(caught.value))
        shown.append((await ops(service.server.bound.ops_address, "/metrics"))[1])

        assert canary not in service.log.getvalue()
        assert canary not in "".join(shown)
