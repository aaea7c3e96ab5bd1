"""The files of TLS: read together, and proved to work before anybody is shown what is in them.

1. The certificate and the key belong together: a connection to ourselves, in memory, shows it.
2. The certificate has not expired.
3. The files are the same after these checks as before them, since they are checked by name: somebody may be changing them.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import grpc

ATTEMPTS = 3

_TURNS = 4
"""How often each end has its turn, at most, until both have shaken hands."""

_ANY_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which `ssl` has no name for: expiry gets a sentence of its own."""


class CredentialsError(Exception):
    """The server may not or cannot listen as it was told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files: the server's chain and key, and the authorities of its clients' certificates. Empty: none."""

    certificate: str = ""
    key: str = ""
    client_authority: str = ""

    @property
    def given(self) -> bool:
        """Tell whether any file is named."""
        return bool(self.certificate or self.key or self.client_authority)


class PemContents(NamedTuple):
    """What is in the files; `client_authority` is None when none is named."""

    certificate: bytes
    key: bytes
    client_authority: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a server shows its callers, and demands of them. `expires_at` is in seconds since the epoch."""

    contents: PemContents = field(repr=False)
    configuration: grpc.ServerCertificateConfiguration = field(repr=False)
    expires_at: int


def read_contents(tls: TlsFiles) -> PemContents:
    """Return what is in the files; raise `CredentialsError` naming one that cannot be read."""
    return PemContents(
        certificate=_read("--tls-cert", tls.certificate),
        key=_read("--tls-key", tls.key),
        client_authority=_read("--tls-client-ca", tls.client_authority) if tls.client_authority else None,
    )


def load_certificate(tls: TlsFiles, now: float) -> Certificate:
    """Return what the files hold, if a server can use it at `now`; raise `CredentialsError`."""
    if not (tls.certificate and tls.key):
        raise CredentialsError("TLS needs both --tls-cert and --tls-key")
    for _ in range(ATTEMPTS):
        contents = read_contents(tls)
        expires_at = _expiry_of_pair(tls)
        if tls.client_authority:
            _require_authority(tls)
        if contents == read_contents(tls):
            break
    else:
        raise CredentialsError(f"--tls-cert `{tls.certificate}` and its companions change while they are read")
    require_unexpired(tls, expires_at, now)
    pair = (contents.key, contents.certificate)
    configuration = grpc.ssl_server_certificate_configuration([pair], root_certificates=contents.client_authority)
    return Certificate(contents=contents, configuration=configuration, expires_at=expires_at)


def require_unexpired(tls: TlsFiles, expires_at: int, now: float) -> None:
    """Raise `CredentialsError` if the certificate has expired."""
    if now >= expires_at:
        then = datetime.fromtimestamp(expires_at, UTC).isoformat()
        raise CredentialsError(f"--tls-cert: the certificate in `{tls.certificate}` expired at {then}; renew it")


def _read(flag: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CredentialsError(f"{flag}: cannot read `{path}`: {(error.strerror or 'unreadable').lower()}") from None


def _expiry_of_pair(tls: TlsFiles) -> int:
    """Return when the certificate expires, having made a connection with it and the key."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _ANY_TIME
    files = f"--tls-cert `{tls.certificate}` and --tls-key `{tls.key}`"
    try:
        # An empty password keeps an encrypted key from asking for one on the terminal.
        server.load_cert_chain(tls.certificate, tls.key, password="")
        client.load_verify_locations(tls.certificate)
    except (ssl.SSLError, ValueError):
        raise CredentialsError(f"{files} are not a PEM certificate and its unencrypted key") from None
    try:
        return int(ssl.cert_time_to_seconds(str(_shown_certificate(server, client)["notAfter"])))
    except ssl.SSLError as error:
        why = getattr(error, "verify_message", error.reason)
        raise CredentialsError(f"{files} are of no use to a server: {str(why).lower()}") from None


def _shown_certificate(server: ssl.SSLContext, client: ssl.SSLContext) -> dict[str, object]:
    """Return the certificate that `server` shows `client`, which has verified it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    calling = client.wrap_bio(to_client, to_server)
    for end in (calling, answering) * _TURNS:
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return dict(calling.getpeercert() or {})


def _require_authority(tls: TlsFiles) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(tls.client_authority)
    except (ssl.SSLError, ValueError):
        raise CredentialsError(f"--tls-client-ca: `{tls.client_authority}` has no PEM certificate") from None
