"""Finds the caller of each call: by its certificate, its token, its user on this machine, or where the server listens.

1. Every credential on a call must be valid.
2. A token is the caller. Beside a certificate it is accepted only if its entry of the callers file names that certificate
   (`via`): otherwise a stolen token could be used from anywhere.
3. A token is accepted over TLS or from this machine, where nobody can read it on the way.
4. Nothing is said to the caller about why a token is refused; the log has the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from rolecall.callers.caller import FOREVER, Caller
from rolecall.callers.credential import LOCAL_ADMIN, Credential, CredentialKind
from rolecall.callers.declarations import CallersFile
from rolecall.callers.directory import CallerDirectory
from rolecall.engine.clock import now_micros
from rolecall.security.call_facts import (
    authorization,
    chain_of,
    is_admin,
    is_local,
    is_secure,
    source_ip,
    uid_of,
)
from rolecall.security.certificate_chains import (
    CertificateAuthorities,
    PresentedChain,
    UntrustedCertificateError,
    certificates,
    expiry_of,
)
from rolecall.security.credential_faults import CredentialFault
from rolecall.security.identity import CallContext, ConnectionFacts, UnidentifiedCallerError, by_certificate, set_caller
from rolecall.security.tokens.caller_tokens import CallerTokens
from rolecall.security.tokens.faults import RefusedTokenError

MAX_KNOWN = 10_000
MAX_KNOWN_BYTES = 16 * 1024 * 1024
REFUSED_SECONDS = 60
"""How long it is remembered that a certificate was refused."""

_ENTRY_BYTES = 1_000
_MICROS = 1_000_000
_NOTHING = (b"",)
_SECURE, _ADMIN = b"ssl", b"local"
_NAMELESS = frozenset({CredentialKind.LOCAL, CredentialKind.LOCAL_ADMIN, CredentialKind.ANONYMOUS})
_OF_CERTIFICATES = frozenset({CredentialKind.SPIFFE, CredentialKind.DNS})


class RefusedCredentialsError(Exception):
    """A call has a credential that is not valid, or none. The fault is logged with the message."""

    def __init__(self, fault: CredentialFault, why: str) -> None:
        self.fault = fault
        super().__init__(why)


_NO_CREDENTIALS = partial(
    RefusedCredentialsError, CredentialFault.NO_CREDENTIALS, "the call has no certificate and no token"
)
_CERTIFICATE_EXPIRED = partial(
    RefusedCredentialsError, CredentialFault.CERTIFICATE_EXPIRED, "the client certificate has expired"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What a connection proves, until a time in microseconds: a caller, or nothing, or why its certificate is refused."""

    caller: Caller | None
    until: int
    # Makes the error: one that is raised again and again would collect the traces of all calls.
    error: Callable[[], Exception] | None = None


_Key: TypeAlias = "tuple[bytes, bytes, bytes, bytes, str]"


class Authentication:
    """Finds callers. For one event loop.

    `nameless` is the caller without a certificate and without a token; None: there is no such caller. `client_authority` returns
    the CAs of `--tls-client-ca` (PEM).
    """

    def __init__(
        self,
        directory: CallerDirectory,
        tokens: CallerTokens,
        *,
        nameless: Credential | None,
        client_authority: Callable[[], bytes] = lambda: b"",
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._directory, self._tokens, self._nameless = directory, tokens, nameless
        self._client_authority, self._clock = client_authority, clock
        self._known: dict[_Key, _Known] = {}
        self._domains: dict[str, bytes] = {}
        self.apply(directory.file)

    def apply(self, file: CallersFile | None) -> None:
        """Trust the CAs of this callers file from now on."""
        self._domains = {domain.name: domain.authority for domain in file.trust_domains} if file else {}
        self.renew_authorities()

    def renew_authorities(self) -> None:
        """Trust the current `--tls-client-ca` from now on."""
        self._authorities = CertificateAuthorities(self._domains, self._client_authority())
        self._forget()

    def authenticate(self, context: CallContext) -> Caller:
        """Return the caller of the current call, which is its caller from now on.

        Raise `UnidentifiedCallerError`, `UntrustedCertificateError`, `RefusedTokenError` or `RefusedCredentialsError`.
        """
        caller = self.caller_of(context)
        set_caller(caller)
        return caller

    def name_of(self, context: CallContext) -> str | None:
        """Return the name of the caller of any call; None if only its connection distinguishes it from others."""
        try:
            credential = self.caller_of(context).credential
        except (UnidentifiedCallerError, UntrustedCertificateError, RefusedTokenError, RefusedCredentialsError):
            return None
        return None if credential.kind in _NAMELESS else credential.identity

    def caller_of(self, context: CallContext) -> Caller:
        """Return the caller of a call; raise as `authenticate`."""
        facts: Any = context.auth_context()
        peer, now, get = context.peer(), self._clock(), facts.get
        # The certificate in full: two of different CAs may have the same names.
        key = (
            get("x509_pem_cert", _NOTHING)[0],
            get("x509_pem_cert_chain", _NOTHING)[0],
            get("transport_security_type", _NOTHING)[0],
            get("peer_uid", _NOTHING)[0],
            peer.rpartition(":")[0],
        )
        known = self._known.get(key)
        if known is None or now >= known.until:
            known = self._learn(key, facts, peer, now)
        # Both transports know without reading all metadata, or read it here: a token is never overlooked.
        if given := authorization(context):
            return self._by_token(given, known, key, peer, now)
        if known.caller is None:
            make_error = known.error or _NO_CREDENTIALS
            raise make_error()
        return known.caller

    def _by_token(self, given: tuple[str, ...], known: _Known, key: _Key, peer: str, now: int) -> Caller:
        if known.error is not None:
            raise known.error()
        secure = key[2] == _SECURE
        if key[2] == _ADMIN:
            raise RefusedCredentialsError(
                CredentialFault.TOKEN_ON_ADMIN_SOCKET, "a token is not accepted on the admin socket"
            )
        if not (secure or is_local(peer)):
            raise RefusedCredentialsError(
                CredentialFault.PLAIN_TEXT, "a token was sent in plain text from another machine"
            )
        token = self._tokens.recognised(_bearer(given), now)
        if token.last is not None and token.last[0] is known:
            return token.last[1]
        credential, certificate = token.credential, _certificate_of(known)
        static = credential.kind is CredentialKind.TOKEN
        if (certificate is not None or static) and not self._directory.accepts(credential, certificate):
            why = f"no entry of `{credential.identity}` applies with this certificate, or without one"
            raise RefusedCredentialsError(CredentialFault.NO_ENTRY, why)
        caller = self._directory.caller(credential, source_ip=source_ip(peer), secure=secure, certificate=certificate)
        token.last = known, caller
        return caller

    def _learn(self, key: _Key, facts: ConnectionFacts, peer: str, now: int) -> _Known:
        try:
            credential = self._by_connection(facts, now)
        except UnidentifiedCallerError as error:
            names = {"spiffe_ids": error.spiffe_ids, "dns_names": error.dns_names}
            known = _Known(None, now + REFUSED_SECONDS * _MICROS, partial(UnidentifiedCallerError, **names))
        except UntrustedCertificateError as error:
            refused = partial(UntrustedCertificateError, error.fault, str(error))
            known = _Known(None, now + REFUSED_SECONDS * _MICROS, refused)
        else:
            known = self._caller(credential, facts, peer, now)
        weight = _ENTRY_BYTES + sum(map(len, key))
        if len(self._known) >= MAX_KNOWN or self._known_bytes + weight > MAX_KNOWN_BYTES:
            self._forget()
        if key not in self._known:
            self._known_bytes += weight
        self._known[key] = known
        return known

    def _caller(self, credential: Credential | None, facts: ConnectionFacts, peer: str, now: int) -> _Known:
        if credential is None:
            return _Known(None, FOREVER)
        until = credential.expires_at or FOREVER
        if now >= until:
            return _Known(None, FOREVER, _CERTIFICATE_EXPIRED)
        caller = self._directory.caller(credential, source_ip=source_ip(peer), secure=is_secure(facts))
        return _Known(caller, until)

    def _by_connection(self, facts: ConnectionFacts, now: int) -> Credential | None:
        if is_admin(facts):
            return LOCAL_ADMIN
        if chain := chain_of(facts):
            credential = by_certificate(facts)
            return replace(credential, expires_at=self._expiry(credential, chain, now))
        if (uid := uid_of(facts)) is not None:
            by_uid = Credential(kind=CredentialKind.UID, identity=f"uid:{uid}", uid=uid)
            if self._directory.file is not None and self._directory.accepts(by_uid):
                return by_uid
        return self._nameless

    def _expiry(self, credential: Credential, chain: PresentedChain, now: int) -> int:
        # Without a callers file nobody has rights by a certificate, and the handshake has verified it.
        if self._directory.file is None:
            return expiry_of(certificates(chain.certificate)[0])
        if credential.kind is CredentialKind.SPIFFE:
            return self._authorities.expiry_of_id(credential.identity, chain, now)
        return self._authorities.expiry_of_name(chain, now)

    def _forget(self) -> None:
        self._known, self._known_bytes = {}, 0


def _certificate_of(known: _Known) -> Credential | None:
    """Return the certificate of a connection, without its expiry: a renewed one is the same for `via`."""
    if known.caller is None or known.caller.credential.kind not in _OF_CERTIFICATES:
        return None
    return replace(known.caller.credential, expires_at=None)


def _bearer(given: tuple[str, ...]) -> str:
    """authorization = "Bearer" " " TOKEN, once."""
    if len(given) > 1:
        raise RefusedCredentialsError(CredentialFault.SEVERAL_TOKENS, "the call has several values of `authorization`")
    scheme, _, token = given[0].partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RefusedCredentialsError(CredentialFault.UNKNOWN_SCHEME, "`authorization` is not `Bearer TOKEN`")
    return token
