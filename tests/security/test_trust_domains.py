"""SPIFFE ids over real connections: one is accepted only from its trust domain's own CA, which is reloaded with the callers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509

from rolecall.callers.directory import CallerDirectory
from rolecall.transport.options import GRPCIO, H2
from tests.security.certificates import Authority
from tests.security.known_callers import ADMINISTRATOR, callers_file, causes, serving_callers
from tests.security.test_caller_tokens import actor
from tests.server.serving import Served
from tests.transport.refusals import refused

HOSTS = {"name": "hosts", "match": {"dns": "*.example"}, **ADMINISTRATOR}


@pytest.fixture(params=[GRPCIO, H2])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class World:
    """The CA of `--tls-client-ca`, and one of each trust domain."""

    def __init__(self, folder: Path) -> None:
        self.clients, self.prod, self.dev = (Authority(folder / name) for name in ("clients", "prod", "dev"))

    def directory(self, **authorities: Authority) -> CallerDirectory:
        return CallerDirectory(self.file(**authorities))

    def file(self, **authorities: Authority) -> Any:
        given = {f"{name}.example": authority.pem for name, authority in authorities.items()}
        entries = [{"name": name, "match": {"spiffe": f"spiffe://{name}/*"}, **ADMINISTRATOR} for name in given]
        value = {"trust_domains": dict.fromkeys(given, "/unread.pem"), "callers": [*entries, HOSTS]}
        return callers_file(value, given)

    @asynccontextmanager
    async def served(self, directory: CallerDirectory, transport: str, **flags: object) -> AsyncIterator[Served]:
        names = {"tls_cert": "cert.pem", "tls_key": "key.pem", "tls_client_ca": "ca.pem"}
        tls = {name: str(self.clients.folder / file) for name, file in names.items()}
        async with serving_callers(directory, transport=transport, **{**tls, **flags}) as service:
            yield service


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("authorities"))


def spiffe(domain: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(f"spiffe://{domain}/app")


HOST = x509.DNSName("client.example")


async def test_ids_are_accepted_from_the_ca_of_their_trust_domain_and_names_from_that_of_clients(
    world: World, transport: str
) -> None:
    directory = world.directory(prod=world.prod, dev=world.dev)
    async with (
        world.served(directory, transport) as service,
        world.clients.client(service, spiffe("prod.example"), issuer=world.prod) as prod,
        world.clients.client(service, spiffe("dev.example"), issuer=world.dev) as dev,
        world.clients.client(service, HOST) as host,
    ):
        found = [await actor(channel, None, f"app-{i}") for i, channel in enumerate((prod, dev, host))]

    assert found == ["spiffe://prod.example/app", "spiffe://dev.example/app", "client.example"]


async def test_each_ca_issues_only_its_own_identities(world: World, transport: str) -> None:
    directory = world.directory(prod=world.prod, dev=world.dev)
    wrong = [
        (spiffe("prod.example"), world.dev),
        (spiffe("prod.example"), world.clients),
        (spiffe("dev.example"), world.prod),
        (HOST, world.prod),
        (spiffe("unknown.example"), world.prod),
    ]
    async with world.served(directory, transport) as service:
        for name, issuer in wrong:
            async with world.clients.client(service, name, issuer=issuer) as channel:
                refusal = await refused(actor(channel, None))
                assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
                assert set(refusal.facts) == {"request_id"}
        revision = service.server.replica.snapshot.revision

    assert causes(service) == ["WRONG_CA"] * 4 + ["UNKNOWN_TRUST_DOMAIN"]
    assert revision == 0


async def test_a_ca_that_the_server_does_not_know_ends_in_the_handshake(world: World, transport: str) -> None:
    async with (
        world.served(world.directory(prod=world.prod), transport) as service,
        world.clients.client(service, spiffe("dev.example"), issuer=world.dev) as channel,
    ):
        refusal = await refused(actor(channel, None))

    assert refusal.code is grpc.StatusCode.UNAVAILABLE


async def test_a_trust_domain_that_is_removed_ends_its_callers_on_connections_that_are_open(
    world: World, transport: str
) -> None:
    directory = world.directory(prod=world.prod, dev=world.dev)
    async with (
        world.served(directory, transport) as service,
        world.clients.client(service, spiffe("prod.example"), issuer=world.prod) as channel,
    ):
        await actor(channel, None)
        directory.replace(world.file(dev=world.dev))
        refusal = await refused(actor(channel, None, "b"))

    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    assert causes(service) == ["UNKNOWN_TRUST_DOMAIN"]


async def test_a_trust_domain_that_is_added_is_accepted_without_a_restart(world: World, transport: str) -> None:
    directory = world.directory(prod=world.prod)
    async with world.served(directory, transport) as service:
        directory.replace(world.file(prod=world.prod, dev=world.dev))
        certificate = service.server._listener_security.certificate
        assert certificate is not None
        assert certificate.reload_if_changed()
        async with world.clients.client(service, spiffe("dev.example"), issuer=world.dev) as channel:
            found = await actor(channel, None)

    assert found == "spiffe://dev.example/app"


async def test_with_trust_domains_alone_clients_must_present_a_certificate(world: World, transport: str) -> None:
    directory = world.directory(prod=world.prod)
    async with (
        world.served(directory, transport, tls_client_ca="") as service,
        world.clients.client(service, spiffe("prod.example"), issuer=world.prod) as channel,
        world.clients.connected(service) as without,
    ):
        found = await actor(channel, None)
        refusal = await refused(actor(without, None, "b"))

    assert found == "spiffe://prod.example/app"
    assert refusal.code is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_that_expires_is_refused_on_a_connection_that_is_open(world: World, transport: str) -> None:
    async with (
        world.served(world.directory(prod=world.prod), transport) as service,
        world.clients.client(service, HOST) as channel,
    ):
        await actor(channel, None)
        authentication: Any = service.server._listener_security.authentication
        expires_at = authentication._clock() + 31 * 86_400_000_000
        authentication._clock = lambda: expires_at
        refusal = await refused(actor(channel, None, "b"))

    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
