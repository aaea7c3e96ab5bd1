"""Who is at the other end of a connection, as the transport of asyncio says it."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from types import SimpleNamespace
from typing import Any

import pytest

from rolecall.transport.connection_counts import ConnectionRefusal
from rolecall.transport.http2.handshakes import refusal_of
from rolecall.transport.http2.peer import ADMIN_FACTS, facts_of, is_own_user, peer_of

CERTIFICATES = [b"own", b"issuer", b"root"]
PEM = [ssl.DER_cert_to_PEM_cert(one) for one in CERTIFICATES]


class Transport:
    """A transport with what is known of its connection."""

    def __init__(self, **known: object) -> None:
        self._known = known

    def get_extra_info(self, name: str) -> object:
        return self._known.get(name)


class Tls:
    """A session of TLS with the certificates that the client sent."""

    def __init__(self, *names: tuple[str, str], chain: list[bytes] = CERTIFICATES) -> None:
        self._names, self._chain = names, chain

    def getpeercert(self, *, binary_form: bool = False) -> Any:
        if not self._chain:
            return None
        if binary_form:
            return CERTIFICATES[0]
        return {"subject": (), **({"subjectAltName": self._names} if self._names else {})}

    def get_unverified_chain(self) -> list[bytes]:
        return self._chain[1:] if self._chain == [b"resumed"] else self._chain


class Certificate:
    """A certificate as the extension module of Python before 3.13 has it."""

    def __init__(self, der: bytes) -> None:
        self._der = der

    def public_bytes(self, encoding: int) -> bytes:
        assert encoding == 2  # DER
        return self._der


class TlsBefore313:
    """A session of TLS of a Python that has no public name for the certificates that came with that of the client."""

    def __init__(self, chain: list[bytes]) -> None:
        certificates = [*map(Certificate, chain)]
        # A session that was resumed has none.
        self._sslobj = SimpleNamespace(get_unverified_chain=lambda: certificates or None)

    def getpeercert(self, *, binary_form: bool = False) -> Any:
        return CERTIFICATES[0] if binary_form else {"subject": ()}


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        (("10.0.0.1", 7), "ipv4:10.0.0.1:7"),
        (("::1", 7, 0, 0), "ipv6:[::1]:7"),
        ("", "unix:"),
        ("/tmp/client.sock", "unix:"),
        (None, "unix:"),
    ],
)
def test_an_address_is_written_as_grpc_writes_it(name: object, peer: str) -> None:
    assert peer_of(Transport(peername=name)) == peer


def test_the_names_in_a_certificate_are_known_in_their_order_with_the_certificates_that_came_with_it() -> None:
    names = [
        ("URI", "spiffe://a/b"),
        ("DNS", "a.example"),
        ("email", "a@b"),
        ("URI", "spiffe://a/c"),
        ("DNS", "ü\udcff"),
    ]

    assert facts_of(Transport(ssl_object=Tls(*names))) == {
        "transport_security_type": [b"ssl"],
        "peer_uri": [b"spiffe://a/b", b"spiffe://a/c"],
        "peer_dns": [b"a.example", "ü".encode() + b"\\udcff"],
        "x509_pem_cert": [PEM[0].encode()],
        "x509_pem_cert_chain": [(PEM[1] + PEM[2]).encode()],
    }


@pytest.mark.parametrize("chain", [CERTIFICATES[:1], [b"resumed"]])
def test_a_certificate_that_came_alone_has_no_chain(chain: list[bytes]) -> None:
    assert facts_of(Transport(ssl_object=Tls(chain=chain))) == {
        "transport_security_type": [b"ssl"],
        "x509_pem_cert": [PEM[0].encode()],
    }


@pytest.mark.parametrize("chain", [CERTIFICATES, CERTIFICATES[:1], []])
def test_certificates_are_also_known_in_a_python_without_a_public_name_for_them(chain: list[bytes]) -> None:
    others = {"x509_pem_cert_chain": [(PEM[1] + PEM[2]).encode()]} if len(chain) > 1 else {}

    assert facts_of(Transport(ssl_object=TlsBefore313(chain))) == {
        "transport_security_type": [b"ssl"],
        "x509_pem_cert": [PEM[0].encode()],
        **others,
    }


def test_a_client_of_tls_without_a_certificate_has_no_names() -> None:
    assert facts_of(Transport(ssl_object=Tls(("DNS", "a"), chain=[]))) == {"transport_security_type": [b"ssl"]}


def test_a_client_of_plain_text_is_not_known() -> None:
    with socket.socket() as plain:
        assert facts_of(Transport(socket=plain)) == {}
        assert is_own_user(Transport(socket=plain))
    assert facts_of(Transport()) == {}
    assert ADMIN_FACTS == {"transport_security_type": [b"local"]}


class UnixSocket:
    """A Unix socket with a client of another user."""

    family = socket.AF_UNIX

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        assert (level, option, size) == (socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return struct.pack("iII", 1, self._uid, 3)


@pytest.mark.parametrize("uid", [0, 1_000, 4_294_967_294])
def test_the_user_of_a_client_on_a_unix_socket_is_known(uid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Transport(socket=UnixSocket(uid))
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)

    assert facts_of(transport) == {"peer_uid": [str(uid).encode()]}
    assert is_own_user(transport) is (uid == 1_000)


def error_of_tls(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, "x")
    error.reason = reason  # type: ignore[assignment]
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ssl.SSLCertVerificationError(1, "x"), ConnectionRefusal.CERTIFICATE),
        (error_of_tls("PEER_DID_NOT_RETURN_A_CERTIFICATE"), ConnectionRefusal.CERTIFICATE),
        (error_of_tls("TLSV1_ALERT_UNKNOWN_CA"), ConnectionRefusal.REJECTED_BY_CLIENT),
        (error_of_tls("UNSUPPORTED_PROTOCOL"), ConnectionRefusal.TLS),
        (error_of_tls(None), ConnectionRefusal.TLS),
        (ConnectionResetError(), ConnectionRefusal.LEFT),
        (None, ConnectionRefusal.LEFT),
    ],
)
def test_a_handshake_that_failed_has_a_reason(error: OSError | None, reason: ConnectionRefusal) -> None:
    assert refusal_of(error) is reason
