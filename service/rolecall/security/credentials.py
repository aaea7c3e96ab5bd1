"""How clients may connect: over mTLS, without authentication from this machine, or so from anywhere with `--insecure`."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.callers.credential import ANONYMOUS, LOCAL
from rolecall.callers.directory import CallerDirectory
from rolecall.security.identity import Identify, authenticated, certificate_authenticator, fixed_identity
from rolecall.security.tls_files import CredentialsError, TlsFiles
from rolecall.security.tls_reload import ReloadingCertificate

__all__ = ["CredentialsError", "ListenerSecurity", "TlsFiles", "listener_security"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSecurity:
    """The certificate of a listener (None: plain text), how it identifies callers, and a warning to log, which may be empty.

    With client certificates every call passes `authenticate` first, and `identify` returns what that has found; without
    them there is nothing to authenticate.
    """

    certificate: ReloadingCertificate | None
    identify: Identify
    authenticate: Identify | None = None
    warning: str = ""


def listener_security(tls: TlsFiles, callers: CallerDirectory, *, loopback: bool, insecure: bool) -> ListenerSecurity:
    """Return the security of a listener; raise `CredentialsError` if it would be unauthenticated, or the files are invalid.

    Beyond loopback every client must present a certificate, unless `insecure` is given. Clients with certificates have the
    rights that the callers file gives them, so there must be one.
    """
    if not (loopback or insecure or tls.client_authority):
        raise CredentialsError(_beyond_loopback(tls))
    if tls.client_authority and callers.file is None:
        raise CredentialsError(_WITHOUT_CALLERS)
    certificate = ReloadingCertificate(tls) if tls.given else None
    if tls.client_authority:
        return ListenerSecurity(
            certificate=certificate, identify=authenticated, authenticate=certificate_authenticator(callers)
        )
    identify = fixed_identity(callers, LOCAL if loopback else ANONYMOUS)
    return ListenerSecurity(certificate=certificate, identify=identify, warning="" if loopback else _warning(tls))


_WITHOUT_CALLERS = (
    "--tls-client-ca lets clients in by certificate, and no callers file says what they may do: write one with "
    "`rolecall callers init --admin IDENTITY > callers.yaml`, where IDENTITY is the SPIFFE id or the DNS name in your own "
    "certificate, and give it with --callers callers.yaml"
)


def _beyond_loopback(tls: TlsFiles) -> str:
    if tls.given:
        return (
            "clients on other machines must present a certificate: give --tls-client-ca, "
            "or --insecure if a proxy in front of the server authenticates them"
        )
    return (
        "the server would accept calls from other machines in plain text and without authentication: "
        "give --tls-cert, --tls-key and --tls-client-ca, listen on 127.0.0.1, "
        "or give --insecure if a proxy in front of the server provides both"
    )


def _warning(tls: TlsFiles) -> str:
    how = "without client certificates" if tls.given else "in plain text"
    return (
        f"INSECURE: accepting calls from other machines {how}; every client that reaches this port may ask for "
        "decisions (--insecure)"
    )
