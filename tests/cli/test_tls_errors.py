"""A command that cannot connect over TLS says which of the things that can be wrong is wrong."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from rolecall.cli.remote.tls_diagnosis import tls_fault
from rolecall_client.connection.settings import TlsFiles
from tests.cli.conftest import CommandLine, Outcome
from tests.cli.serving import served


@dataclass(frozen=True)
class Authorities:
    """The CA of a server and of its clients, and a CA that neither knows, in files of a folder."""

    folder: Path
    known: trustme.CA
    unknown: trustme.CA

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def issue(self, name: str, identity: str, authority: trustme.CA, until: dt.datetime | None = None) -> None:
        issued = authority.issue_cert(identity, not_after=until)
        (self.folder / f"{name}.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(self.path(f"{name}.key"))
        Path(self.path(f"{name}.key")).chmod(0o600)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Authorities:
    made = Authorities(tmp_path_factory.mktemp("tls"), trustme.CA(), trustme.CA())
    made.known.cert_pem.write_to_path(made.path("ca.pem"))
    made.unknown.cert_pem.write_to_path(made.path("other-ca.pem"))
    made.issue("server", "localhost", made.known)
    made.issue("elsewhere", "roles.example", made.known)
    made.issue("expired", "localhost", made.known, until=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    made.issue("client", "a-client", made.known)
    made.issue("stranger", "a-client", made.unknown)
    return made


@contextmanager
def serving(tls: Authorities, certificate: str = "server", *flags: str) -> Iterator[str]:
    """Run a server with TLS; give its address by a name."""
    options = ["--tls-cert", tls.path(f"{certificate}.pem"), "--tls-key", tls.path(f"{certificate}.key"), *flags]
    directory = tls.folder / f"{certificate}-{len(flags)}"
    directory.mkdir(exist_ok=True)
    with served(*options, directory=directory) as address:
        yield f"localhost:{address.rpartition(':')[2]}"


@pytest.fixture(scope="module")
def secure(tls: Authorities) -> Iterator[str]:
    with serving(tls) as address:
        yield address


@pytest.fixture(scope="module")
def mutual(tls: Authorities) -> Iterator[str]:
    Path(tls.path("callers.yaml")).write_text("callers: []\n")
    flags = ["--tls-client-ca", tls.path("ca.pem"), "--callers", tls.path("callers.yaml")]
    with serving(tls, "server", *flags) as address:
        yield address


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(directory=tmp_path_factory.mktemp("plain")) as address:
        yield address


def listed(rolecall: CommandLine, address: str, *options: str) -> Outcome:
    return rolecall("role", "list", "--address", address, "--timeout", "3", *options)


def test_a_server_without_tls_is_named(rolecall: CommandLine, tls: Authorities, plain: str) -> None:
    outcome = listed(rolecall, plain, "--tls-ca", tls.path("ca.pem"))

    assert (outcome.code, outcome.out) == (2, "")
    assert f"cannot reach {plain}: the server does not speak TLS" in outcome.err
    assert "help: leave out --tls-ca" in outcome.err


@pytest.mark.parametrize("server", ["secure", "mutual"])
def test_a_server_with_tls_is_named_to_a_client_without(
    rolecall: CommandLine, server: str, request: pytest.FixtureRequest
) -> None:
    outcome = listed(rolecall, request.getfixturevalue(server))

    assert (outcome.code, outcome.out) == (2, "")
    assert "the server speaks TLS, and this client does not" in outcome.err
    assert "help: give --tls-ca" in outcome.err


def test_an_unknown_ca_is_named(rolecall: CommandLine, tls: Authorities, secure: str) -> None:
    outcome = listed(rolecall, secure, "--tls-ca", tls.path("other-ca.pem"))

    assert (outcome.code, outcome.out) == (2, "")
    assert f"no CA certificate in `{tls.path('other-ca.pem')}` verifies the certificate of the server" in outcome.err


def test_a_check_connects_over_tls_and_names_what_is_wrong_as_every_command_does(
    rolecall: CommandLine, tls: Authorities, secure: str
) -> None:
    asking = ["check", "--as", "acs:ram::1:user/a", "--role", "none", "--address", secure, "--timeout", "5"]

    answered = rolecall(*asking, "--tls-ca", tls.path("ca.pem"))
    unknown = rolecall(*asking, "--tls-ca", tls.path("other-ca.pem"))
    plain = rolecall(*asking)

    assert "ROLE_NOT_FOUND" in answered.out
    assert answered.code == 3
    assert "no CA certificate in" in unknown.err
    assert "help: give --tls-ca" in plain.err


def test_a_certificate_for_another_name_is_named_with_the_names_that_it_has(
    rolecall: CommandLine, tls: Authorities
) -> None:
    with serving(tls, "elsewhere") as address:
        outcome = listed(rolecall, address, "--tls-ca", tls.path("ca.pem"))

    assert (outcome.code, outcome.out) == (2, "")
    assert "the certificate of the server is not for `localhost`; it is for `roles.example`" in outcome.err
    assert "server_name" in outcome.err


def test_an_address_that_is_no_name_of_the_certificate_is_named(
    rolecall: CommandLine, tls: Authorities, secure: str
) -> None:
    outcome = listed(rolecall, secure.replace("localhost", "127.0.0.1"), "--tls-ca", tls.path("ca.pem"))

    assert "the certificate of the server is not for `127.0.0.1`; it is for `localhost`" in outcome.err


def test_a_missing_client_certificate_is_named(rolecall: CommandLine, tls: Authorities, mutual: str) -> None:
    outcome = listed(rolecall, mutual, "--tls-ca", tls.path("ca.pem"))

    assert (outcome.code, outcome.out) == (2, "")
    assert "the server wants a client certificate" in outcome.err
    assert "help: give --tls-cert and --tls-key" in outcome.err


def test_a_refused_client_certificate_is_named(rolecall: CommandLine, tls: Authorities, mutual: str) -> None:
    own = ["--tls-cert", tls.path("stranger.pem"), "--tls-key", tls.path("stranger.key")]

    outcome = listed(rolecall, mutual, "--tls-ca", tls.path("ca.pem"), *own)

    assert (outcome.code, outcome.out) == (2, "")
    assert f"the server refuses the client certificate in `{tls.path('stranger.pem')}`" in outcome.err


def test_a_certificate_without_its_key_is_named(rolecall: CommandLine, tls: Authorities, mutual: str) -> None:
    own = ["--tls-cert", tls.path("client.pem"), "--tls-key", tls.path("stranger.key")]

    outcome = listed(rolecall, mutual, "--tls-ca", tls.path("ca.pem"), *own)

    assert (outcome.code, outcome.out) == (2, "")
    assert "are not a certificate and its key in PEM form" in outcome.err


def test_with_the_right_files_there_is_no_fault(rolecall: CommandLine, tls: Authorities, mutual: str) -> None:
    own = TlsFiles(ca=Path(tls.path("ca.pem")), cert=Path(tls.path("client.pem")), key=Path(tls.path("client.key")))

    assert tls_fault(mutual, own) is None


@pytest.mark.parametrize(
    "address", ["unix:/nowhere.sock", "dns:///no-such-host.invalid:1", "ipv4:127.0.0.1:1", "127.0.0.1:9"]
)
def test_a_server_that_cannot_be_reached_has_no_fault_of_tls(tls: Authorities, address: str) -> None:
    assert tls_fault(address, None) is None
    assert tls_fault(address, TlsFiles(ca=Path(tls.path("ca.pem")))) is None


@contextmanager
def one_connection(tls: Authorities, certificate: str) -> Iterator[str]:
    """Complete a handshake with one client, whatever certificate the server has: a server of ours would not start."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.path(f"{certificate}.pem"), tls.path(f"{certificate}.key"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, pytest.raises(OSError, match=r"."), context.wrap_socket(connection, server_side=True):
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"localhost:{listener.getsockname()[1]}"
        thread.join()


def test_an_expired_certificate_is_named(tls: Authorities) -> None:
    with one_connection(tls, "expired") as address:
        fault = tls_fault(address, TlsFiles(ca=Path(tls.path("ca.pem"))))

    assert fault is not None
    assert "has expired" in fault.message
