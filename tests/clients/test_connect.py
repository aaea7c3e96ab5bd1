"""Clients that are made from settings, from the environment and from contexts, with a real server that asks for certificates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from rolecall_client import AsyncRolecallClient, NotAuthenticatedError, RolecallClient, RolecallError
from rolecall_client.connection.settings import ConnectionSettings, TlsFiles
from tests.clients.tls_service import TlsService, tls_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsService]:
    with tls_service(tmp_path_factory.mktemp("tls")) as service:
        yield service


@pytest.fixture
def files(service: TlsService, tmp_path: Path) -> TlsFiles:
    return service.files(tmp_path / "client")


@pytest.fixture(autouse=True)
def contexts(service: TlsService, files: TlsFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a file of two contexts, the first of which is the current one."""
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""
current: here
contexts:
  here:
    address: {service.address}
    tls: {{ca: client/ca.pem, cert: client/cert.pem, key: client/key.pem, server_name: localhost}}
    timeout_seconds: 7
  away:
    address: 127.0.0.1:1
"""
    )
    path.chmod(0o600)
    monkeypatch.setenv("ROLECALL_CONFIG", str(path))


def test_the_environment_selects_the_current_context() -> None:
    with RolecallClient.from_env() as client:
        assert client.who_am_i().identity == "spiffe://td/a"
        assert client._usual.timeout == 7


def test_variables_win_over_the_context(service: TlsService, files: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CA", files.ca), ("CERT", files.cert), ("KEY", files.key)):
        monkeypatch.setenv(f"ROLECALL_TLS_{name}", str(value))
    monkeypatch.setenv("ROLECALL_ADDRESS", f"localhost:{service.address.rpartition(':')[2]}")

    with RolecallClient.from_env(timeout=8) as client:
        assert client.who_am_i().identity == "spiffe://td/a"
        assert client._usual.timeout == 8


async def test_a_context_is_selected_by_its_name() -> None:
    with RolecallClient.from_context("here") as client:
        assert client.who_am_i().identity == "spiffe://td/a"
    async with AsyncRolecallClient.from_context("here") as other:
        assert (await other.who_am_i()).identity == "spiffe://td/a"
    with RolecallClient.from_context("away", timeout=0.2) as client, pytest.raises(RolecallError):
        client.who_am_i()


@pytest.mark.parametrize("client", [RolecallClient, AsyncRolecallClient])
def test_a_context_that_does_not_exist_is_an_error(client: type[RolecallClient]) -> None:
    with pytest.raises(ValueError, match="`none`"):
        client.from_context("none")


def test_settings_may_be_overridden_one_by_one(service: TlsService, files: TlsFiles) -> None:
    settings = ConnectionSettings(address=service.address, tls=files, timeout=7)
    credentials = grpc.ssl_channel_credentials(service.authority.pem)

    with RolecallClient.connect(settings) as client, RolecallClient.connect(settings, timeout=8) as other:
        assert client.who_am_i().identity == "spiffe://td/a"
        assert (client._usual.timeout, other._usual.timeout) == (7, 8)
    with RolecallClient.connect(settings, credentials=credentials) as client, pytest.raises(RolecallError):
        client.who_am_i(timeout=1)


class Refused:
    """A source of a token of no issuer, which counts how often a server refused it."""

    refusals = 0

    def __call__(self) -> str:
        return "nonsense"

    def ready(self) -> str:
        return "nonsense"

    def refused(self) -> None:
        self.refusals += 1


async def test_a_refused_token_is_an_error_of_its_class_which_its_source_learns(
    service: TlsService, files: TlsFiles
) -> None:
    source = Refused()
    settings = ConnectionSettings(address=service.address, tls=files, token=source)

    with RolecallClient.connect(settings) as client:
        with pytest.raises(NotAuthenticatedError):
            client.who_am_i()
        with pytest.raises(NotAuthenticatedError):
            next(client.watch_roles())
    async with AsyncRolecallClient.connect(settings) as other:
        with pytest.raises(NotAuthenticatedError):
            await other.who_am_i()
        with pytest.raises(NotAuthenticatedError):
            await anext(other.watch_roles())

    assert source.refusals == 4
