"""Callers over real connections with real certificates: only one that is identified is answered, whatever it calls."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509

from rolecall.transport.rpc.stats import MethodStats
from rolecall_client.v1 import decision_pb2_grpc, role_pb2, role_pb2_grpc
from tests.security.certificates import Authority
from tests.server.serving import DOCUMENT, Served, check
from tests.transport.refusals import Refusal, refused

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
REQUEST = b""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


def dns(text: str) -> x509.GeneralName:
    return x509.DNSName(text)


def creation(name: str) -> role_pb2.CreateRoleRequest:
    return role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=DOCUMENT)


IDENTIFIED = {
    "a SPIFFE id": ([uri("spiffe://td/ns/a")], "spiffe://td/ns/a"),
    "beside DNS names": ([uri("spiffe://td/a"), dns("x"), dns("*.y")], "spiffe://td/a"),
    "beside other URIs": ([uri("https://td/a"), uri("spiffe://td/a"), uri("urn:x:1")], "spiffe://td/a"),
    "a DNS name": ([dns("client.example")], "client.example"),
    "a DNS name in upper case": ([dns("Client.EXAMPLE")], "client.example"),
    "a DNS name twice": ([dns("client.example"), dns("CLIENT.example")], "client.example"),
    "a DNS name beside another URI": ([dns("client.example"), uri("http://td/a")], "client.example"),
    "a DNS name beside others": (
        [dns("client.example"), x509.RFC822Name("a@b.c"), x509.IPAddress(ipaddress.ip_address("10.0.0.1"))],
        "client.example",
    ),
}


@pytest.mark.parametrize(("names", "identity"), IDENTIFIED.values(), ids=IDENTIFIED)
async def test_a_certificate_that_names_one_caller_is_accepted_and_its_writes_are_in_that_name(
    authority: Authority, names: list[x509.GeneralName], identity: str
) -> None:
    async with authority.served() as service, authority.client(service, *names) as channel:
        roles = role_pb2_grpc.RoleServiceStub(channel)
        await roles.CreateRole(creation("app"))
        decision = await decision_pb2_grpc.DecisionServiceStub(channel).CheckAssumeRole(check())
        history = await roles.ListRoleRevisions(role_pb2.ListRoleRevisionsRequest(role="app"))

    assert history.revisions[0].actor == identity
    assert decision.decision.revision == 1


UNIDENTIFIED = {
    "no names": ([], "0", "0"),
    "two SPIFFE ids": ([uri("spiffe://td/a"), uri("spiffe://td/b")], "2", "0"),
    "two SPIFFE ids and a DNS name": ([uri("spiffe://td/a"), uri("spiffe://td/b"), dns("x")], "2", "1"),
    "a scheme in upper case": ([uri("SPIFFE://td/a"), dns("x")], "1", "1"),
    "dots": ([uri("spiffe://td/a/../b"), dns("x")], "1", "1"),
    "percent": ([uri("spiffe://td/%61"), dns("x")], "1", "1"),
    "an empty segment": ([uri("spiffe://td//a"), dns("x")], "1", "1"),
    "a new line": ([uri("spiffe://td/a\nCreateRole")], "1", "0"),
    "a long one": ([uri("spiffe://td/" + "a" * 3_000)], "1", "0"),
    "only another URI": ([uri("http://td/a")], "0", "0"),
    "two DNS names": ([dns("client.example"), dns("other.example")], "0", "2"),
    "a wildcard": ([dns("*.example")], "0", "1"),
    "a wildcard beside a name": ([dns("*.example"), dns("example")], "0", "2"),
    "an invalid DNS name": ([dns("a..b")], "0", "1"),
    "a mailbox": ([x509.RFC822Name("client.example")], "0", "0"),
    "an address": ([x509.IPAddress(ipaddress.ip_address("10.0.0.1"))], "0", "0"),
}


@pytest.mark.parametrize(("names", "spiffe_ids", "dns_names"), UNIDENTIFIED.values(), ids=UNIDENTIFIED)
async def test_a_certificate_that_does_not_name_one_caller_is_refused_with_what_it_names(
    authority: Authority, names: list[x509.GeneralName], spiffe_ids: str, dns_names: str
) -> None:
    async with authority.served() as service, authority.client(service, *names, common_name="admin") as channel:
        roles = role_pb2_grpc.RoleServiceStub(channel)
        refusals = [
            await refused(roles.CreateRole(creation("app"))),
            await refused(roles.ListRoles(role_pb2.ListRolesRequest())),
            await refused(decision_pb2_grpc.DecisionServiceStub(channel).CheckAssumeRole(check())),
        ]
        revision = service.server.replica.snapshot.revision

    assert [(r.code, r.reason) for r in refusals] == [(UNAUTHENTICATED, "UNAUTHENTICATED")] * 3
    for refusal in refusals:
        assert (refusal.facts["spiffe_ids"], refusal.facts["dns_names"]) == (spiffe_ids, dns_names)
        assert "needs one valid SPIFFE id, or no SPIFFE id and one DNS name without a wildcard" in refusal.message
        assert "td" not in refusal.message
    assert revision == 0


async def called(channel: Any, stats: MethodStats, name: str) -> Refusal:
    """Call a method in the shape that it has, with an empty request; return how it is refused."""

    async def requests() -> Any:
        yield REQUEST

    async def read(call: Any) -> None:
        async for _ in call:
            pass

    match stats.kind:
        case "unary":
            return await refused(channel.unary_unary(name)(REQUEST))
        case "client_stream":
            return await refused(channel.stream_unary(name)(requests()))
        case "server_stream":
            return await refused(read(channel.unary_stream(name)(REQUEST)))
        case _:
            # The client of grpc.aio fails with INTERNAL if it sends a message after the status has arrived.
            return await refused(channel.stream_stream(name)().read())


async def test_an_unidentified_caller_is_refused_by_every_method_before_it_does_anything(authority: Authority) -> None:
    async with (
        authority.served(reflection=True) as service,
        authority.client(service, dns("a"), dns("b")) as channel,
    ):
        methods = service.server.grpc_server.methods.method_stats
        refusals = {stats.name: await called(channel, stats, stats.name) for stats in methods}
        handled = {stats.name: stats.handled[UNAUTHENTICATED.value[0]] for stats in methods}
        received = sum(stats.messages_in for stats in methods)

    assert {name: refusal.code for name, refusal in refusals.items()} == dict.fromkeys(refusals, UNAUTHENTICATED)
    assert handled == dict.fromkeys(refusals, 1)
    assert len(refusals) > 15
    assert received == 0


async def test_connections_of_two_callers_are_never_confused(authority: Authority) -> None:
    async def write(service: Served, channel: Any, prefix: str) -> None:
        roles = role_pb2_grpc.RoleServiceStub(channel)
        for number in range(20):
            await roles.CreateRole(creation(f"{prefix}-{number}"))

    async with (
        authority.served() as service,
        authority.client(service, uri("spiffe://td/a")) as first,
        authority.client(service, uri("spiffe://td/b")) as second,
        authority.client(service, uri("spiffe://td/a"), uri("spiffe://td/b")) as neither,
    ):
        writing = [write(service, first, "a"), write(service, second, "b")]
        refusals = [
            refused(role_pb2_grpc.RoleServiceStub(neither).ListRoles(role_pb2.ListRolesRequest())) for _ in range(20)
        ]
        found = await asyncio.gather(*writing, *refusals)
        roles = role_pb2_grpc.RoleServiceStub(first)
        actors = {
            f"{prefix}-{number}": (
                await roles.ListRoleRevisions(role_pb2.ListRoleRevisionsRequest(role=f"{prefix}-{number}"))
            )
            .revisions[0]
            .actor
            for prefix in "ab"
            for number in range(20)
        }

    assert actors == {name: f"spiffe://td/{name[0]}" for name in actors}
    assert {refusal.code for refusal in found[2:] if isinstance(refusal, Refusal)} == {UNAUTHENTICATED}


async def test_the_decision_log_names_the_caller_of_its_certificate(authority: Authority, tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    async with (
        authority.served(decision_log=str(path)) as service,
        authority.client(service, dns("Web.Example")) as channel,
    ):
        await decision_pb2_grpc.DecisionServiceStub(channel).CheckAssumeRole(check())

    assert '"requested_by":"web.example"' in path.read_text()
