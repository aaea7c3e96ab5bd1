"""How callers may connect: over mTLS, or in plain text from this machine, or in plain text because somebody insists."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from rolecall.security.certificate_files import CredentialsError, TlsFiles
from rolecall.security.certificate_reload import ReloadingCertificate
from rolecall.security.identity import ANONYMOUS, LOCAL, Identify, by_certificate, fixed_identity

__all__ = ["CredentialsError", "ListenerSecurity", "TlsFiles", "listener_security"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSecurity:
    """How callers come in: with which certificate (None: plain text), and who they are then. `warning` may be empty.

    Somebody must `keep` the certificate, so that it is taken up anew when its files change.
    """

    certificate: ReloadingCertificate | None
    identify: Identify
    warning: str = ""

    @property
    def credentials(self) -> grpc.ServerCredentials | None:
        """Return what gRPC takes calls with; None: plain text."""
        return self.certificate.credentials if self.certificate else None


def listener_security(tls: TlsFiles, *, loopback: bool, insecure: bool) -> ListenerSecurity:
    """Return how callers come in; raise `CredentialsError` for what would let strangers in, and for unusable files.

    Beyond this machine every caller shows a certificate, unless `insecure` says that none needs to.
    """
    if not (loopback or insecure or tls.client_authority):
        raise CredentialsError(_beyond_loopback(tls))
    certificate = ReloadingCertificate(tls) if tls.given else None
    if tls.client_authority:
        return ListenerSecurity(certificate=certificate, identify=by_certificate)
    if loopback:
        return ListenerSecurity(certificate=certificate, identify=fixed_identity(LOCAL))
    return ListenerSecurity(certificate=certificate, identify=fixed_identity(ANONYMOUS), warning=_warning(tls))


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
