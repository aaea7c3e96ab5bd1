"""How clients may connect: over mTLS, with tokens, from this machine without authentication, or from anywhere with `--insecure`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rolecall.callers.credential import ANONYMOUS, LOCAL, Credential, CredentialKind
from rolecall.callers.declarations import CallersFile
from rolecall.callers.directory import CallerDirectory
from rolecall.security.authentication import Authentication
from rolecall.security.identity import CallContext, Identify, authenticated, fixed_identity
from rolecall.security.tls_files import CredentialsError, TlsFiles
from rolecall.security.tls_reload import ReloadingCertificate
from rolecall.security.tokens.caller_tokens import CallerTokens
from rolecall.security.tokens.key_sets import KeySets
from rolecall.security.tokens.provider_tokens import ProviderTokens

__all__ = ["CredentialsError", "ListenerSecurity", "TlsFiles", "listener_security"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSecurity:
    """The certificate of a listener (None: plain text), how it identifies callers, and a warning to log, which may be empty.

    Where callers have credentials every call passes `authentication` first, and `identify` returns what that has found; without
    it there is nothing to authenticate. `provider_tokens` verifies the tokens in queries, with the keys of `key_sets`.
    """

    certificate: ReloadingCertificate | None
    identify: Identify
    authentication: Authentication | None
    caller_tokens: CallerTokens
    provider_tokens: ProviderTokens
    key_sets: KeySets
    warning: str

    @property
    def authenticate(self) -> Identify | None:
        """Return what identifies the caller of each call, before `identify` returns it; None if all are the same."""
        return self.authentication.authenticate if self.authentication else None

    @property
    def name_of(self) -> Callable[[CallContext], str | None] | None:
        """Return what names the caller of any call; None if only their connections distinguish callers."""
        return self.authentication.name_of if self.authentication else None

    def on_certificate(self) -> None:
        """Trace identities to the CAs that were loaded with a new certificate."""
        if self.authentication:
            self.authentication.renew_authorities()


def listener_security(
    tls: TlsFiles,
    callers: CallerDirectory,
    *,
    loopback: bool,
    insecure: bool,
    key_sets: KeySets | None = None,
    admin_socket: bool = False,
    sees_users: bool = True,
) -> ListenerSecurity:
    """Return the security of a listener; raise `CredentialsError` if it would be unauthenticated, or the files are invalid.

    Beyond loopback every client must present a certificate, or a token over TLS, unless `insecure` is given. Clients with
    certificates have the rights that the callers file gives them, so there must be one. `sees_users` is whether the transport
    knows the user at the other end of a Unix socket.
    """
    if not sees_users and _names_users(callers.file):
        raise CredentialsError(_WITHOUT_USERS)
    key_sets = KeySets() if key_sets is None else key_sets
    caller_tokens, provider_tokens = CallerTokens(callers, key_sets), ProviderTokens(callers, key_sets)
    certificates = bool(tls.client_authority) or (tls.given and bool(_trust_domains(callers)))
    if not (loopback or insecure or certificates or (tls.given and caller_tokens.accepted)):
        raise CredentialsError(_beyond_loopback(tls))
    if tls.client_authority and callers.file is None:
        raise CredentialsError(_WITHOUT_CALLERS)
    certificate = ReloadingCertificate(tls, trust_domains=lambda: _trust_domains(callers)) if tls.given else None
    nameless = None if certificates else _nameless(loopback=loopback, insecure=insecure)
    authentication = None
    if nameless is None or callers.file is not None or admin_socket:
        authentication = Authentication(
            callers,
            caller_tokens,
            nameless=nameless,
            client_authority=lambda: certificate.client_authority if certificate else b"",
        )
    callers.on_change(lambda: _apply(callers, caller_tokens, provider_tokens, authentication, key_sets))
    return ListenerSecurity(
        certificate=certificate,
        identify=authenticated if authentication else fixed_identity(callers, nameless or ANONYMOUS),
        authentication=authentication,
        caller_tokens=caller_tokens,
        provider_tokens=provider_tokens,
        key_sets=key_sets,
        warning=_warning(tls) if nameless is ANONYMOUS else "",
    )


def _names_users(file: CallersFile | None) -> bool:
    return file is not None and any(entry.match.kind is CredentialKind.UID for entry in file.callers)


_WITHOUT_USERS = (
    "the callers file has entries with `uid`, and the transport grpcio does not know the user of a connection: "
    "use --transport h2, or match those callers by `local: true` or by a token"
)
_WITHOUT_CALLERS = (
    "--tls-client-ca lets clients in by certificate, and no callers file says what they may do: write one with "
    "`rolecall callers init --admin IDENTITY > callers.yaml`, where IDENTITY is the SPIFFE id or the DNS name in your own "
    "certificate, and give it with --callers callers.yaml"
)


def _nameless(*, loopback: bool, insecure: bool) -> Credential | None:
    """Return the caller without credentials; None: there is none."""
    if loopback:
        return LOCAL
    return ANONYMOUS if insecure else None


def _trust_domains(callers: CallerDirectory) -> bytes:
    file = callers.file
    return b"\n".join(domain.authority for domain in file.trust_domains) if file else b""


def _apply(
    callers: CallerDirectory,
    caller_tokens: CallerTokens,
    provider_tokens: ProviderTokens,
    authentication: Authentication | None,
    key_sets: KeySets,
) -> None:
    """Identify callers by another callers file from now on."""
    caller_tokens.apply(callers.file)
    provider_tokens.apply(callers.file)
    if authentication:
        authentication.apply(callers.file)
    key_sets.retain(callers.file)


def _beyond_loopback(tls: TlsFiles) -> str:
    if tls.given:
        return (
            "clients on other machines must present a certificate or a token: give --tls-client-ca, or --callers with issuers "
            "or static tokens, or --insecure if a proxy in front of the server authenticates them"
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
