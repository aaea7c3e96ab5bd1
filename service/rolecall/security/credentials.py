"""How clients may connect: over mTLS, without authentication from this machine, or so from anywhere with `--insecure`."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.callers.credential import ANONYMOUS, LOCAL
from rolecall.security.identity import Identify, authenticate, authenticated, fixed_identity
from rolecall.security.tls_files import CredentialsError, TlsFiles
from rolecall.security.tls_reload import ReloadingCertificate
from rolecall.security.unrestricted import UnrestrictedCaller

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


def listener_security(tls: TlsFiles, *, loopback: bool, insecure: bool) -> ListenerSecurity:
    """Return the security of a listener; raise `CredentialsError` if it would be unauthenticated, or the files are invalid.

    Beyond loopback every client must present a certificate, unless `insecure` is given.
    """
    if not (loopback or insecure or tls.client_authority):
        raise CredentialsError(_beyond_loopback(tls))
    certificate = ReloadingCertificate(tls) if tls.given else None
    if tls.client_authority:
        return ListenerSecurity(certificate=certificate, identify=authenticated, authenticate=authenticate)
    if loopback:
        return ListenerSecurity(certificate=certificate, identify=fixed_identity(UnrestrictedCaller(LOCAL)))
    return ListenerSecurity(
        certificate=certificate, identify=fixed_identity(UnrestrictedCaller(ANONYMOUS)), warning=_warning(tls)
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
        f"INSECURE: accepting calls from other machines {how}; every client that reaches this port may read and write "
        "every role (--insecure)"
    )
