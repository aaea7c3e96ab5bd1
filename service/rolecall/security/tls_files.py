"""Loads the TLS files, and verifies that they work before a server uses them.

1. They are regular files, and only the owner and the group of the key's file have access to it.
2. The certificate and the key belong together: a handshake in memory succeeds with them.
3. The certificate has not expired.
4. The files have not changed during these checks: all are of one moment.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import grpc

from rolecall.regular_file import read_regular, read_secret, reason_of

ATTEMPTS = 3
MAX_PEM_BYTES = 4 * 1024 * 1024
"""The largest certificate, key or bundle of CA certificates that is read."""

_TURNS = 4
"""At most so many turns of each end complete a handshake."""

_ANY_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which `ssl` has no name: `require_unexpired` has the better message."""


class CredentialsError(Exception):
    """The server cannot listen with these TLS settings; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Paths of PEM files: the server's certificate chain and key, and the CA certificates that verify clients. Empty: none."""

    certificate: str = ""
    key: str = ""
    client_authority: str = ""

    @property
    def given(self) -> bool:
        """Return whether any file is named."""
        return bool(self.certificate or self.key or self.client_authority)


class PemContents(NamedTuple):
    """The contents of the files; `client_authority` is None when none is named, and `trust_domains` is empty without any."""

    certificate: bytes
    key: bytes
    client_authority: bytes | None
    trust_domains: bytes

    @property
    def authorities(self) -> bytes | None:
        """Return every CA that the handshake accepts; None without any."""
        return b"\n".join(filter(None, (self.client_authority, self.trust_domains))) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A verified certificate, as gRPC and as Python are configured with it. `expires_at` is in seconds since the epoch."""

    contents: PemContents = field(repr=False)
    configuration: grpc.ServerCertificateConfiguration = field(repr=False)
    context: ssl.SSLContext = field(repr=False)
    expires_at: int


def read_contents(tls: TlsFiles, trust_domains: bytes) -> PemContents:
    """Return the contents of the files; raise `CredentialsError` for the first that cannot be read.

    `trust_domains` are the CA certificates of all trust domains (PEM), which the handshake accepts, too.
    """
    return PemContents(
        certificate=_read("--tls-cert", tls.certificate),
        key=_read("--tls-key", tls.key, read_secret),
        client_authority=_read("--tls-client-ca", tls.client_authority) if tls.client_authority else None,
        trust_domains=trust_domains,
    )


def load_certificate(
    tls: TlsFiles, now: float, trust_domains: bytes = b"", *, clients_required: bool = False
) -> Certificate:
    """Return the certificate in the files, verified at the time `now`; raise `CredentialsError`."""
    if not (tls.certificate and tls.key):
        raise CredentialsError("TLS needs both --tls-cert and --tls-key")
    for _ in range(ATTEMPTS):
        contents = read_contents(tls, trust_domains)
        expires_at = _expiry_of_pair(tls, contents)
        context = _context(tls, contents, clients_required=clients_required)
        if contents == read_contents(tls, trust_domains):
            break
    else:
        raise CredentialsError(
            f"--tls-cert `{tls.certificate}` and the other TLS files change while they are read; retry"
        )
    require_unexpired(tls, expires_at, now)
    pair = (contents.key, contents.certificate)
    configuration = grpc.ssl_server_certificate_configuration([pair], root_certificates=contents.authorities)
    return Certificate(contents=contents, configuration=configuration, context=context, expires_at=expires_at)


def require_unexpired(tls: TlsFiles, expires_at: int, now: float) -> None:
    """Raise `CredentialsError` if the certificate has expired."""
    if now >= expires_at:
        then = datetime.fromtimestamp(expires_at, UTC).isoformat()
        raise CredentialsError(f"--tls-cert: the certificate in `{tls.certificate}` expired at {then}; renew it")


def _read(flag: str, path: str, read: Callable[[Path, int], bytes] = read_regular) -> bytes:
    try:
        return read(Path(path), MAX_PEM_BYTES)
    except OSError as error:
        raise CredentialsError(f"{flag}: cannot read `{path}`: {reason_of(error)}") from None


def _load_pair(context: ssl.SSLContext, tls: TlsFiles, contents: PemContents) -> None:
    """Load the certificate chain and its key into a context."""
    with _path_of(contents.certificate, tls.certificate) as certificate, _path_of(contents.key, tls.key) as key:
        # Without a password OpenSSL would ask for that of an encrypted key on the terminal.
        context.load_cert_chain(certificate, key, password="")


@contextmanager
def _path_of(content: bytes, path: str) -> Iterator[str]:
    """Yield a path at which OpenSSL finds what was read from `path`: by now that may be another file, or a pipe that blocks."""
    descriptor = _file_in_memory()
    if descriptor is None:
        yield path
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"


def _file_in_memory() -> int | None:
    """Return a new file in memory, None if the system has none."""
    if sys.platform != "linux":
        return None
    try:
        return os.memfd_create("pem", os.MFD_CLOEXEC)
    except OSError:
        # A hardened kernel may refuse it.
        return None


def _expiry_of_pair(tls: TlsFiles, contents: PemContents) -> int:
    """Return when the certificate expires, after a handshake that used it and the key."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _ANY_TIME
    files = f"--tls-cert `{tls.certificate}` and --tls-key `{tls.key}`"
    try:
        _load_pair(server, tls, contents)
        with _path_of(contents.certificate, tls.certificate) as certificate:
            client.load_verify_locations(certificate)
    except (ssl.SSLError, ValueError):
        raise CredentialsError(f"{files} are not a PEM certificate and its unencrypted key") from None
    try:
        return int(ssl.cert_time_to_seconds(str(_presented_certificate(server, client)["notAfter"])))
    except ssl.SSLError as error:
        why = getattr(error, "verify_message", error.reason)
        raise CredentialsError(f"{files} are invalid for a server: {str(why).lower()}") from None


def _presented_certificate(server: ssl.SSLContext, client: ssl.SSLContext) -> dict[str, object]:
    """Return the certificate that `server` presents in a handshake, as verified by `client`."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    client_end = client.wrap_bio(to_client, to_server)
    for end in (client_end, server_end) * _TURNS:
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return dict(client_end.getpeercert() or {})


def _context(tls: TlsFiles, contents: PemContents, *, clients_required: bool) -> ssl.SSLContext:
    """Return the context of connections: TLS 1.2 or 1.3, and a client certificate if there is an authority for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    # A ticket of TLS 1.2 has the client's certificate without those that it sent with it, so its CA could not be traced.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    # Without tickets of TLS 1.3 every connection presents its certificate, which may have expired since the last one.
    context.num_tickets = 0
    _load_pair(context, tls, contents)
    if tls.client_authority or clients_required:
        context.verify_mode = ssl.CERT_REQUIRED
    if contents.client_authority is not None:
        why = f"--tls-client-ca: `{tls.client_authority}` contains no PEM certificate"
        _accept(context, contents.client_authority, why)
    if contents.trust_domains:
        _accept(context, contents.trust_domains, "the CA files of the trust domains contain no PEM certificate")
    return context


def _accept(context: ssl.SSLContext, authorities: bytes, why: str) -> None:
    try:
        context.load_verify_locations(cadata=authorities.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise CredentialsError(why) from None
