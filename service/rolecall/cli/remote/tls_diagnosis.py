"""Find out by a handshake of its own why TLS with a server failed, because gRPC says only that it cannot connect.

1. The server does not speak TLS, or it does and the client did not.
2. The certificate of the server goes back to no CA of the client, or it has expired.
3. The certificate of the server is for another name.
4. The server wants a client certificate, or refuses the one that it got.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rolecall_client.connection.settings import TlsFiles

PROBE_SECONDS = 3.0
_MAX_NAMES = 5

_UNKNOWN_CA = frozenset({2, 18, 19, 20, 21, 24, 26})
"""OpenSSL's codes of chains that end at no known CA: no issuer, self-signed, an issuer that is none, a wrong purpose."""
_EXPIRED, _NOT_YET_VALID = 10, 9
_OTHER_NAME = frozenset({62, 64})

_WANTED = frozenset({"TLSV13_ALERT_CERTIFICATE_REQUIRED", "PEER_DID_NOT_RETURN_A_CERTIFICATE"})


class TlsFault(NamedTuple):
    """What is wrong with TLS, and what to do about it."""

    message: str
    hint: str


class _Server(NamedTuple):
    host: str
    port: int


def tls_fault(address: str, tls: TlsFiles | None) -> TlsFault | None:
    """Return what is wrong with TLS between this machine and a server; None if nothing is, or it cannot be reached at all."""
    if (server := _server_of(address)) is None:
        return None
    with suppress(OSError):
        if tls is None:
            return _fault_without_tls(server)
        return _fault_with_tls(server, tls, tls.server_name or server.host)
    return None


def _fault_without_tls(server: _Server) -> TlsFault | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with _connected(server) as plain, context.wrap_socket(plain, server_hostname=server.host):
            pass
    except (ssl.SSLError, OSError) as error:
        if not _is_refusal(error):
            return None
    return TlsFault(
        "the server speaks TLS, and this client does not", "give --tls-ca with the CA certificates of the server"
    )


def _fault_with_tls(server: _Server, tls: TlsFiles, name: str) -> TlsFault | None:
    context = _context(tls)
    plain = _connected(server)
    try:
        with plain, context.wrap_socket(plain, server_hostname=name) as connection:
            return _fault_after_handshake(connection, tls)
    except ssl.SSLCertVerificationError as error:
        return _fault_of_certificate(error, server, tls, name)
    except (ssl.SSLError, OSError) as error:
        return _fault_in_handshake(error, tls)


def _fault_after_handshake(connection: ssl.SSLSocket, tls: TlsFiles) -> TlsFault | None:
    """Return what a server of TLS 1.3 says after the handshake, when it has seen the certificate of the client."""
    try:
        answer = connection.recv(1)
    except TimeoutError:
        return None
    except ssl.SSLError as error:
        return _fault_of_client(error.reason or "", tls)
    except OSError:
        answer = b""
    # A server of HTTP/2 speaks first. One that only closes does not like the client, and does not say why.
    return None if answer else _fault_of_client("", tls)


def _fault_in_handshake(error: OSError, tls: TlsFiles) -> TlsFault | None:
    if isinstance(error, TimeoutError):
        return TlsFault(
            "the server does not answer the TLS handshake", "is it a server with TLS? leave out --tls-ca if not"
        )
    reason = error.reason if isinstance(error, ssl.SSLError) else ""
    if _is_refusal(error):
        return _fault_of_client(reason or "", tls)
    return TlsFault(
        "the server does not speak TLS", "leave out --tls-ca, or start the server with --tls-cert and --tls-key"
    )


def _is_refusal(error: OSError) -> bool:
    """Return whether the server answered with an alert of TLS."""
    reason = (error.reason if isinstance(error, ssl.SSLError) else "") or ""
    return "_ALERT_" in reason or reason in _WANTED


def _fault_of_client(reason: str, tls: TlsFiles) -> TlsFault:
    if tls.cert is None:
        return TlsFault("the server wants a client certificate", "give --tls-cert and --tls-key")
    detail = f" ({reason.partition('_ALERT_')[2].lower().replace('_', ' ')})" if "_ALERT_" in reason else ""
    return TlsFault(
        f"the server refuses the client certificate in `{tls.cert}`{detail}",
        "use one that was issued by a CA of the server (its --tls-client-ca or trust_domains), and that has not expired",
    )


def _fault_of_certificate(
    error: ssl.SSLCertVerificationError, server: _Server, tls: TlsFiles, name: str
) -> TlsFault | None:
    code = error.verify_code
    if code in _OTHER_NAME:
        names = _names_of(server, tls)
        found = f"; it is for {', '.join(f'`{one}`' for one in names)}" if names else ""
        return TlsFault(
            f"the certificate of the server is not for `{name}`{found}",
            "call the server by a name in its certificate, or give `tls.server_name` in a context",
        )
    if code in (_EXPIRED, _NOT_YET_VALID):
        when = "has expired" if code == _EXPIRED else "is not valid yet"
        return TlsFault(
            f"the certificate of the server, or one of its issuers, {when}", "renew it, or correct the clock"
        )
    why = "" if code in _UNKNOWN_CA else f" ({error.verify_message})"
    return TlsFault(
        f"no CA certificate in `{tls.ca}` verifies the certificate of the server{why}",
        "give --tls-ca with the CA that issued it; be sure that this is the server which you mean",
    )


def _names_of(server: _Server, tls: TlsFiles) -> Sequence[str]:
    """Return the names in the certificate of the server, which a known CA has issued."""
    context = _context(tls)
    context.check_hostname = False
    with suppress(OSError), _connected(server) as plain, context.wrap_socket(plain) as connection:
        return _alternative_names(connection.getpeercert() or {})
    return ()


def _alternative_names(certificate: Mapping[str, object]) -> Sequence[str]:
    listed = certificate.get("subjectAltName", ())
    names = [str(name) for kind, name in listed if kind in ("DNS", "IP Address")] if isinstance(listed, tuple) else []
    return [*names[:_MAX_NAMES], "..."] if len(names) > _MAX_NAMES else names


def _context(tls: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    # As gRPC does: an intermediate CA may be the root of trust.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(tls.ca)
    if tls.cert:
        # Without a password OpenSSL would ask for that of an encrypted key on the terminal.
        context.load_cert_chain(tls.cert, tls.key, password="")
    return context


def _connected(server: _Server) -> socket.socket:
    return socket.create_connection(server, PROBE_SECONDS)


def _server_of(address: str) -> _Server | None:
    """Return the host and the port of a target of gRPC; None if it is none that can be probed."""
    target = address.removeprefix("dns:///").removeprefix("dns:")
    if target.startswith(("unix:", "unix-abstract:", "ipv4:", "ipv6:", "//")):
        return None
    host, _, port = target.rpartition(":")
    return _Server(host.strip("[]"), int(port)) if host and port.isdigit() else None
