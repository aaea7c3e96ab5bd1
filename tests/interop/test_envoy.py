"""The server behind Envoy, with TLS and client certificates between them: every kind of call, errors, limits and endings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc, role_pb2, role_pb2_grpc, watch_pb2, watch_pb2_grpc
from tests.interop.envoy import envoy
from tests.security.certificates import Authority
from tests.server.serving import BOB, DOCUMENT, Served, check, until
from tests.transport.refusals import refused
from tests.transport.watching import Watching

pytestmark = pytest.mark.long

QUERY = check().query
IDENTITY = "spiffe://example.org/proxy"


@dataclass
class Proxied:
    """A server, and a channel to the Envoy in front of it."""

    service: Served
    channel: Any

    @property
    def decisions(self) -> Any:
        return decision_pb2_grpc.DecisionServiceStub(self.channel)

    @property
    def roles(self) -> Any:
        return role_pb2_grpc.RoleServiceStub(self.channel)

    @property
    def connections(self) -> Any:
        """Return the connections of the server: those of Envoy."""
        wire: Any = self.service.server.grpc_server.wire
        return wire.connections


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")  # short: it has the path of a socket


@asynccontextmanager
async def proxied(folder: Path, *, with_certificate: bool = True) -> AsyncIterator[Proxied]:
    authority = Authority(folder)
    certificate, key = authority.issue(x509.UniformResourceIdentifier(IDENTITY))
    files = {"cert": folder / "proxy.pem", "key": folder / "proxy-key.pem"}
    files["cert"].write_bytes(certificate)
    files["key"].write_bytes(key)
    own = {name: str(file) for name, file in files.items()} if with_certificate else None
    async with authority.served(transport="h2", reflection=True) as service:
        port = int(service.server.bound.address.rpartition(":")[2])
        async with envoy(folder, port, certificate=own) as address, grpc.aio.insecure_channel(address) as channel:
            yield Proxied(service, channel)


@pytest.fixture
async def proxy(folder: Path) -> AsyncIterator[Proxied]:
    async with proxied(folder) as proxy:
        await proxy.roles.CreateRole(
            role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=DOCUMENT), wait_for_ready=True
        )
        yield proxy


async def test_checks_and_batches_are_answered(proxy: Proxied) -> None:
    checked = await proxy.decisions.CheckAssumeRole(check())
    batch = await proxy.decisions.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=[QUERY] * 1_000))

    assert checked.decision.allowed
    assert [item.decision.allowed for item in batch.results] == [True] * 1_000


async def test_the_caller_is_the_proxy_with_the_names_in_its_certificate(proxy: Proxied) -> None:
    assert [connection.auth_context["peer_uri"] for connection in proxy.connections] == [[IDENTITY.encode()]]


async def test_a_stream_is_answered_message_by_message(proxy: Proxied) -> None:
    stream = proxy.decisions.StreamCheckAssumeRole()
    answers = []
    for sequence in (7, 8, 9):
        await stream.write(pb.StreamCheckAssumeRoleRequest(sequence=sequence, query=QUERY))
        answers.append((await stream.read()).sequence)
    await stream.done_writing()

    assert answers == [7, 8, 9]
    assert await stream.read() is grpc.aio.EOF
    assert await stream.code() is grpc.StatusCode.OK


async def test_an_upload_of_more_than_a_window_is_stored(proxy: Proxied) -> None:
    roles = [
        role_pb2.RoleDeclaration(role_name=f"role-{n}", assume_role_policy_document=DOCUMENT, description="x" * 500)
        for n in range(1_000)
    ]

    async def messages() -> AsyncIterator[role_pb2.ApplyRolesRequest]:
        yield role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions())
        for start in range(0, 1_000, 100):
            yield role_pb2.ApplyRolesRequest(roles=role_pb2.RoleChunk(roles=roles[start : start + 100]))

    await proxy.roles.ApplyRoles(messages())

    assert (await proxy.decisions.CheckAssumeRole(check("role-999"))).decision.allowed


async def test_a_watch_gets_changes_and_its_cancellation_reaches_the_server(proxy: Proxied) -> None:
    request = role_pb2.CreateRoleRequest(role_name="next", assume_role_policy_document=DOCUMENT)
    stub: Any = watch_pb2_grpc.WatchServiceStub(proxy.channel)
    watching = Watching(stub.WatchRoles(watch_pb2.WatchRolesRequest()))
    await watching.read()

    created = (await proxy.roles.CreateRole(request)).role
    changes = await watching.up_to(created.revision)
    watching.stream.cancel()

    assert [change.role.role_name for change in changes] == ["next"]
    await until(lambda: not proxy.service.server.grpc_server.watches)


async def test_health_is_checked_and_watched(proxy: Proxied) -> None:
    stub: Any = health_pb2_grpc.HealthStub(proxy.channel)

    checked = await stub.Check(health_pb2.HealthCheckRequest())
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    watched = await watch.read()
    watch.cancel()

    assert checked.status == watched.status == health_pb2.HealthCheckResponse.SERVING


async def test_an_error_arrives_with_its_code_message_and_details(proxy: Proxied) -> None:
    refusal = await refused(proxy.decisions.CheckAssumeRole(check(principal="nobody")))
    unknown = await refused(proxy.channel.unary_unary("/rolecall.v1.DecisionService/Nothing")(b""))

    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.message
    assert [field.field for field in refusal.fields] == ["principal"]
    assert unknown.code is grpc.StatusCode.UNIMPLEMENTED


async def test_an_error_in_the_middle_of_a_stream_arrives_after_its_answers(proxy: Proxied) -> None:
    stream = proxy.decisions.StreamCheckAssumeRole(metadata=[("padding", "x" * 1_000)])
    await stream.write(pb.StreamCheckAssumeRoleRequest(sequence=1, query=QUERY))
    answered = await stream.read()
    for connection in proxy.connections:
        connection.fail_calls(14, "the server is stopping")

    ended = await refused(stream.read())

    assert answered.sequence == 1
    assert (ended.code, ended.message) == (grpc.StatusCode.UNAVAILABLE, "the server is stopping")


async def test_metadata_beyond_the_limit_is_refused_by_the_server_and_the_next_call_answered(proxy: Proxied) -> None:
    refusal = await refused(proxy.decisions.CheckAssumeRole(check(), metadata=[("padding", "x" * 20_000)]))
    after = await proxy.decisions.CheckAssumeRole(check())

    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert after.decision.allowed


async def test_a_deadline_ends_the_call_on_the_server(proxy: Proxied) -> None:
    proxy.service.let_catching_up_take(asyncio.Event().wait)

    refusal = await refused(proxy.decisions.CheckAssumeRole(check(consistent=True), timeout=0.2))

    assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED
    await until(lambda: not proxy.service.calls)


async def test_connections_that_end_because_of_their_age_lose_no_call(proxy: Proxied) -> None:
    async def ask(count: int) -> list[bool]:
        return [(await proxy.decisions.CheckAssumeRole(check())).decision.allowed for _ in range(count)]

    asking = [asyncio.create_task(ask(150)) for _ in range(8)]
    seen = set[Any]()
    while not all(task.done() for task in asking):
        for connection in set(proxy.connections) - seen:
            seen.add(connection)
            connection.shut_down()
        await asyncio.sleep(0.01)

    assert [all(await task) for task in asking] == [True] * 8
    assert len(seen) > 1


async def test_a_proxy_without_a_certificate_gets_no_answer(folder: Path) -> None:
    async with proxied(folder, with_certificate=False) as proxy:
        refusal = await refused(proxy.decisions.CheckAssumeRole(check(principal=BOB), wait_for_ready=True))

        assert refusal.code is grpc.StatusCode.UNAVAILABLE
        assert not proxy.service.stats("CheckAssumeRole").handled[0]
