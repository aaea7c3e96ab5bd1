"""What each fault of a handshake means, by OpenSSL's numbers and names of them, and what to do about it."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from rolecall.cli.remote import tls_diagnosis
from rolecall.cli.remote.tls_diagnosis import TlsFault
from rolecall_client.connection.settings import TlsFiles

# The names are those of <openssl/x509_vfy.h> without X509_V_ERR_.
NO_ISSUER, NOT_YET_VALID, HAS_EXPIRED, SELF_SIGNED, SELF_SIGNED_IN_CHAIN = 2, 9, 10, 18, 19
NO_ISSUER_LOCALLY, NO_LEAF_SIGNATURE, REVOKED, INVALID_CA, INVALID_PURPOSE = 20, 21, 23, 24, 26
HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH = 62, 64

GIVE_THE_CA = "give --tls-ca with the CA that issued it; be sure that this is the server which you mean"
OTHER_CERTIFICATE = (
    "use one that was issued by a CA of the server (its --tls-client-ca or trust_domains), and that has not expired"
)
WANTS_ONE = TlsFault("the server wants a client certificate", "give --tls-cert and --tls-key")
NO_TLS = TlsFault(
    "the server does not speak TLS", "leave out --tls-ca, or start the server with --tls-cert and --tls-key"
)
REFUSES = "the server refuses the client certificate in `c.pem`"


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return TlsFiles(ca=tmp_path / "ca.pem")


@pytest.fixture
def with_certificate() -> TlsFiles:
    return TlsFiles(ca=Path("ca.pem"), cert=Path("c.pem"), key=Path("k.pem"))


@pytest.fixture
def closed_port() -> int:
    """Return a port at which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def of_certificate(code: int, files: TlsFiles, port: int, message: str = "") -> TlsFault | None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, message
    server = tls_diagnosis._Server("127.0.0.1", port)
    return tls_diagnosis._fault_of_certificate(error, server, files, "roles.example")


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError()
    error.reason = reason
    return error


@pytest.mark.parametrize(
    "code",
    [NO_ISSUER, SELF_SIGNED, SELF_SIGNED_IN_CHAIN, NO_ISSUER_LOCALLY, NO_LEAF_SIGNATURE, INVALID_CA, INVALID_PURPOSE],
)
def test_a_chain_that_ends_at_no_known_ca_is_explained_without_words_of_openssl(
    files: TlsFiles, closed_port: int, code: int
) -> None:
    assert of_certificate(code, files, closed_port, "unable to get local issuer") == TlsFault(
        f"no CA certificate in `{files.ca}` verifies the certificate of the server", GIVE_THE_CA
    )


@pytest.mark.parametrize("code", [1, 3, 8, 11, 17, REVOKED, 25, 27, 61, 63, 65])
def test_any_other_fault_of_a_chain_has_the_words_of_openssl(files: TlsFiles, closed_port: int, code: int) -> None:
    assert of_certificate(code, files, closed_port, "its words") == TlsFault(
        f"no CA certificate in `{files.ca}` verifies the certificate of the server (its words)", GIVE_THE_CA
    )


@pytest.mark.parametrize(("code", "when"), [(HAS_EXPIRED, "has expired"), (NOT_YET_VALID, "is not valid yet")])
def test_a_certificate_at_another_time_is_named(files: TlsFiles, closed_port: int, code: int, when: str) -> None:
    assert of_certificate(code, files, closed_port) == TlsFault(
        f"the certificate of the server, or one of its issuers, {when}", "renew it, or correct the clock"
    )


@pytest.mark.parametrize("code", [HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH])
def test_a_certificate_for_another_name_is_named_also_if_its_names_cannot_be_read(
    files: TlsFiles, closed_port: int, code: int
) -> None:
    assert of_certificate(code, files, closed_port) == TlsFault(
        "the certificate of the server is not for `roles.example`",
        "call the server by a name in its certificate, or give `tls.server_name` in a context",
    )


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], []),
        ([("DNS", "a"), ("email", "b"), ("IP Address", "c"), ("URI", "d")], ["a", "c"]),
        ([("DNS", str(n)) for n in range(5)], ["0", "1", "2", "3", "4"]),
        ([("DNS", str(n)) for n in range(6)], ["0", "1", "2", "3", "4", "..."]),
    ],
)
def test_at_most_five_names_of_a_certificate_are_shown(names: list[tuple[str, str]], shown: list[str]) -> None:
    assert tls_diagnosis._alternative_names({"subjectAltName": tuple(names)}) == shown


def test_a_certificate_without_alternative_names_has_none() -> None:
    assert tls_diagnosis._alternative_names({}) == []
    assert tls_diagnosis._alternative_names({"subjectAltName": "x"}) == []


@pytest.mark.parametrize(
    ("reason", "detail"),
    [
        ("TLSV1_ALERT_UNKNOWN_CA", " (unknown ca)"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", " (certificate expired)"),
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", ""),
        ("", ""),
    ],
)
def test_a_refused_client_certificate_is_named_with_the_alert(
    with_certificate: TlsFiles, reason: str, detail: str
) -> None:
    assert tls_diagnosis._fault_of_client(reason, with_certificate) == TlsFault(REFUSES + detail, OTHER_CERTIFICATE)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (TimeoutError(), TlsFault("the server does not answer the TLS handshake", "is it a server with TLS? leave out --tls-ca if not")),
        (alert("TLSV13_ALERT_CERTIFICATE_REQUIRED"), WANTS_ONE),
        (alert("PEER_DID_NOT_RETURN_A_CERTIFICATE"), WANTS_ONE),
        (alert("SSLV3_ALERT_HANDSHAKE_FAILURE"), WANTS_ONE),
        (alert("WRONG_VERSION_NUMBER"), NO_TLS),
        (alert(""), NO_TLS),
        (ConnectionResetError(), NO_TLS),
    ],
)  # fmt: skip
def test_what_ends_a_handshake_is_explained(files: TlsFiles, error: OSError, fault: TlsFault) -> None:
    assert tls_diagnosis._fault_in_handshake(error, files) == fault


def test_an_alert_in_the_handshake_is_about_the_certificate_that_was_given(with_certificate: TlsFiles) -> None:
    fault = tls_diagnosis._fault_in_handshake(alert("TLSV1_ALERT_UNKNOWN_CA"), with_certificate)

    assert fault == TlsFault(f"{REFUSES} (unknown ca)", OTHER_CERTIFICATE)


class Answering:
    """A connection after the handshake, which has this answer, or this error."""

    def __init__(self, answer: bytes | OSError) -> None:
        self._answer = answer

    def recv(self, size: int) -> bytes:
        if isinstance(self._answer, OSError):
            raise self._answer
        return self._answer[:size]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"settings", None),
        (TimeoutError(), None),
        (b"", TlsFault(REFUSES, OTHER_CERTIFICATE)),
        (ConnectionResetError(), TlsFault(REFUSES, OTHER_CERTIFICATE)),
        (alert("TLSV1_ALERT_UNKNOWN_CA"), TlsFault(f"{REFUSES} (unknown ca)", OTHER_CERTIFICATE)),
        (alert(""), TlsFault(REFUSES, OTHER_CERTIFICATE)),
    ],
)
def test_what_a_server_says_after_the_handshake_is_about_the_client(
    with_certificate: TlsFiles, answer: Any, fault: TlsFault | None
) -> None:
    connection = cast(ssl.SSLSocket, Answering(answer))

    assert tls_diagnosis._fault_after_handshake(connection, with_certificate) == fault


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("localhost:1", ("localhost", 1)),
        ("dns:localhost:1", ("localhost", 1)),
        ("dns:///localhost:1", ("localhost", 1)),
        ("[::1]:50051", ("::1", 50_051)),
        ("localhost", None),
        (":1", None),
        ("localhost:http", None),
        ("unix:/a:1", None),
        ("unix-abstract:a:1", None),
        ("ipv4:127.0.0.1:1", None),
        ("ipv6:[::1]:1", None),
        ("dns://8.8.8.8/localhost:1", None),
    ],
)
def test_only_an_address_with_a_host_and_a_port_is_probed(address: str, server: tuple[str, int] | None) -> None:
    assert tls_diagnosis._server_of(address) == server


def test_a_probe_waits_for_three_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(socket, "create_connection", lambda *arguments: asked.append(arguments))

    tls_diagnosis._connected(tls_diagnosis._Server("h", 1))

    assert asked == [(("h", 1), 3.0)]


def test_the_connection_asks_for_http_2_and_trusts_an_intermediate_ca(
    files: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[list[str]] = []
    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", lambda _, protocols: offered.append(protocols))

    context = tls_diagnosis._context(files)

    assert offered == [["h2"]]
    assert context.verify_flags & ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
