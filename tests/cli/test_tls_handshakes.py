"""The faults of TLS that a handshake shows, with servers of this process: each server accepts connections until the test ends."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from rolecall.cli.remote.tls_diagnosis import TlsFault, tls_fault
from rolecall_client.connection.settings import TlsFiles

SPEAKS_TLS = TlsFault(
    "the server speaks TLS, and this client does not", "give --tls-ca with the CA certificates of the server"
)
NO_TLS = TlsFault(
    "the server does not speak TLS", "leave out --tls-ca, or start the server with --tls-cert and --tls-key"
)
NO_NAME = "call the server by a name in its certificate, or give `tls.server_name` in a context"


@dataclass(frozen=True)
class Files:
    """Two CAs, and what the first has issued, in files of a folder."""

    folder: Path
    known: trustme.CA

    def __getitem__(self, name: str) -> Path:
        return self.folder / name

    def issue(self, name: str, authority: trustme.CA, *identities: str, until: dt.datetime | None = None) -> None:
        issued = authority.issue_cert(*identities, not_after=until)
        self[f"{name}.pem"].write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(self[f"{name}.key"]))

    def client(self, name: str = "") -> TlsFiles:
        """Return what a client has: the CA, and a certificate if it has one."""
        if not name:
            return TlsFiles(ca=self["ca.pem"])
        return TlsFiles(ca=self["ca.pem"], cert=self[f"{name}.pem"], key=self[f"{name}.key"])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    made, other = Files(tmp_path_factory.mktemp("tls"), trustme.CA()), trustme.CA()
    made.known.cert_pem.write_to_path(str(made["ca.pem"]))
    other.cert_pem.write_to_path(str(made["other-ca.pem"]))
    made.issue("local", made.known, "localhost")
    made.issue("named", made.known, "roles.example", "127.0.0.9")
    made.issue("expired", made.known, "localhost", until=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    made.issue("client", made.known, "a-client")
    made.issue("stranger", other, "a-client")
    return made


@contextmanager
def serving(files: Files, certificate: str = "", *, asks: bool = False, greeting: bytes = b"settings") -> Iterator[str]:
    """Serve connections one after the other, with TLS if there is a certificate; give the address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(files[f"{certificate}.pem"], files[f"{certificate}.key"])
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        files.known.configure_trust(context)

    def answer(plain: socket.socket) -> None:
        with suppress(OSError), plain:
            if not certificate:
                plain.recv(1)
                plain.sendall(b"not TLS")
                return
            with context.wrap_socket(plain, server_side=True) as connection:
                connection.sendall(greeting)

    def serve() -> None:
        with suppress(OSError):
            while True:
                answer(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"localhost:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("asks", [False, True])
def test_a_server_with_tls_is_named_to_a_client_without(files: Files, asks: bool) -> None:
    with serving(files, "local", asks=asks) as address:
        assert tls_fault(address, None) == SPEAKS_TLS


def test_a_server_without_tls_is_named_to_a_client_with_it_alone(files: Files) -> None:
    with serving(files) as address:
        assert tls_fault(address, None) is None
        assert tls_fault(address, files.client()) == NO_TLS


@pytest.mark.parametrize(("asks", "client"), [(False, ""), (False, "client"), (True, "client")])
def test_without_a_fault_there_is_none(files: Files, asks: bool, client: str) -> None:
    with serving(files, "local", asks=asks) as address:
        assert tls_fault(address, files.client(client)) is None


def test_the_names_of_a_certificate_for_another_one_are_shown(files: Files) -> None:
    with serving(files, "named") as address:
        other = tls_fault(address, files.client())
        known = tls_fault(address, TlsFiles(ca=files["ca.pem"], server_name="roles.example"))
        wrong = tls_fault(address, TlsFiles(ca=files["ca.pem"], server_name="wrong.example"))

    found = "it is for `roles.example`, `127.0.0.9`"
    assert known is None
    assert other == TlsFault(f"the certificate of the server is not for `localhost`; {found}", NO_NAME)
    assert wrong == TlsFault(f"the certificate of the server is not for `wrong.example`; {found}", NO_NAME)


def test_a_chain_to_another_ca_and_one_that_has_ended_are_distinguished(files: Files) -> None:
    with serving(files, "local") as address:
        unknown = tls_fault(address, TlsFiles(ca=files["other-ca.pem"]))
    with serving(files, "expired") as address:
        expired = tls_fault(address, files.client())

    assert unknown == TlsFault(
        f"no CA certificate in `{files['other-ca.pem']}` verifies the certificate of the server",
        "give --tls-ca with the CA that issued it; be sure that this is the server which you mean",
    )
    assert expired == TlsFault(
        "the certificate of the server, or one of its issuers, has expired", "renew it, or correct the clock"
    )


@pytest.mark.parametrize(
    ("client", "message"),
    [
        ("", "the server wants a client certificate"),
        ("stranger", "the server refuses the client certificate in `FOLDER/stranger.pem` (unknown ca)"),
    ],
)
def test_a_client_certificate_that_is_missing_or_refused_is_named(files: Files, client: str, message: str) -> None:
    with serving(files, "local", asks=True) as address:
        fault = tls_fault(address, files.client(client))

    assert fault is not None
    assert fault.message == message.replace("FOLDER", str(files.folder))


def test_a_server_that_closes_after_the_handshake_refuses_the_client(files: Files) -> None:
    with serving(files, "local", greeting=b"") as address:
        fault = tls_fault(address, files.client())

    assert fault == TlsFault("the server wants a client certificate", "give --tls-cert and --tls-key")


def test_a_server_that_is_not_there_has_no_fault(files: Files) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"localhost:{unused.getsockname()[1]}"

    assert tls_fault(address, None) is None
    assert tls_fault(address, files.client()) is None
    assert tls_fault("unix:/nowhere", files.client()) is None
