"""How callers may connect: over mTLS, or in plain text from this machine, or in plain text because somebody insists."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from rolecall.security.identity import ANONYMOUS, LOCAL, Identify, as_one, by_certificate


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """How callers come in: with which credentials (None: plain text), and who they are then. `warning` may be empty."""

    credentials: grpc.ServerCredentials | None
    identify: Identify
    warning: str = ""


def entrance(tls: TlsFiles, *, loopback: bool, insecure: bool) -> Entrance:
    """Return how callers come in; raise `CredentialsError` for what would let strangers in, and for unusable files.

    Beyond this machine every caller shows a certificate, unless `insecure` says that none needs to.
    """
    if not (loopback or insecure or tls.client_authority):
        raise CredentialsError(_beyond_loopback(tls))
    credentials = _server_credentials(tls) if tls.given else None
    if tls.client_authority:
        return Entrance(credentials=credentials, identify=by_certificate)
    if loopback:
        return Entrance(credentials=credentials, identify=as_one(LOCAL))
    return Entrance(credentials=credentials, identify=as_one(ANONYMOUS), warning=_warning(tls))


def _beyond_loopback(tls: TlsFiles) -> str:
    if tls.given:
        return (
            "callers from beyond this machine must show a certificate: give --tls-client-ca, "
            "or --insecure if something in front of the server authenticates them"
        )
    return (
        "the server would take calls from beyond this machine in plain text and from anybody: "
        "give --tls-cert, --tls-key and --tls-client-ca, listen on 127.0.0.1, "
        "or give --insecure if something in front of the server does all that"
    )


def _warning(tls: TlsFiles) -> str:
    how = "without client certificates" if tls.given else "in plain text"
    return (
        f"INSECURE: taking calls from beyond this machine {how}; whoever reaches this port may read and write every "
        "role (--insecure)"
    )


def _server_credentials(tls: TlsFiles) -> grpc.ServerCredentials:
    if not (tls.certificate and tls.key):
        raise CredentialsError("TLS needs both --tls-cert and --tls-key")
    certificate, key = _read("--tls-cert", tls.certificate), _read("--tls-key", tls.key)
    _require_pair(tls)
    if not tls.client_authority:
        return grpc.ssl_server_credentials([(key, certificate)])
    authority = _read("--tls-client-ca", tls.client_authority)
    _require_authority(tls)
    return grpc.ssl_server_credentials([(key, certificate)], root_certificates=authority, require_client_auth=True)


def _read(flag: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CredentialsError(f"{flag}: cannot read `{path}`: {(error.strerror or 'unreadable').lower()}") from None


def _require_pair(tls: TlsFiles) -> None:
    try:
        # An empty password keeps an encrypted key from asking for one on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, password="")
    except (ssl.SSLError, ValueError):
        files = f"--tls-cert `{tls.certificate}` and --tls-key `{tls.key}`"
        raise CredentialsError(f"{files} are not a PEM certificate and its unencrypted key") from None


def _require_authority(tls: TlsFiles) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(tls.client_authority)
    except (ssl.SSLError, ValueError):
        raise CredentialsError(f"--tls-client-ca: `{tls.client_authority}` has no PEM certificate") from None
