"""The caller's identity, taken from the connection and never from the content of a request.

Over mTLS it is the one identity that the client certificate names:

1. Its only SPIFFE id, beside any DNS names and any other URIs. Several SPIFFE ids, or a malformed one, are no identity.
2. Without a SPIFFE id, its only DNS name, in lower case. Several DNS names, one with a wildcard, or the name of a caller
   without a certificate (`local`), are no identity.

The common name, e-mail addresses and IP addresses are never an identity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeAlias

from grpc.aio import ServicerContext

from rolecall.callers.caller import Caller
from rolecall.callers.credential import ANONYMOUS, LOCAL, LOCAL_ADMIN, Credential, CredentialKind
from rolecall.callers.directory import CallerDirectory

MAX_SPIFFE_ID_BYTES = 2_048
MAX_DNS_NAME_BYTES = 253

CallContext = ServicerContext[Any, Any]
Identify: TypeAlias = Callable[[CallContext], Caller]
"""Returns the caller of a call."""


ConnectionFacts: TypeAlias = Mapping[str, Sequence[bytes]]
"""What a transport knows of a connection, named as in gRPC."""

_SPIFFE_SCHEME = b"spiffe:"
_SPIFFE_ID = re.compile(rb"spiffe://[a-z0-9._-]{1,255}(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._-]+)*")
_DNS_NAME = re.compile(rb"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_RESERVED = frozenset(credential.identity.encode() for credential in (LOCAL, LOCAL_ADMIN, ANONYMOUS))

_caller: ContextVar[Caller] = ContextVar("caller")


class UnidentifiedCallerError(Exception):
    """A client certificate does not name exactly one caller. It has so many SPIFFE ids, valid or not, and DNS names."""

    def __init__(self, *, spiffe_ids: int, dns_names: int) -> None:
        self.spiffe_ids, self.dns_names = spiffe_ids, dns_names
        super().__init__(_found(spiffe_ids, dns_names))


def fixed_identity(callers: CallerDirectory, credential: Credential) -> Identify:
    """Return an `Identify` for which every call has the same credential."""

    def identify(context: CallContext) -> Caller:  # noqa: ARG001
        return callers.caller(credential, source_ip="", secure=False)

    return identify


def set_caller(caller: Caller) -> None:
    """Set the caller of the current call; `authenticated` returns it from now on."""
    # Read only by the same call: it has a task of its own, or awaits nothing, and the next call there sets its caller first.
    _caller.set(caller)


def authenticated(context: CallContext) -> Caller:  # noqa: ARG001  (the signature is that of `Identify`)
    """Return the caller of the current call, which was authenticated."""
    return _caller.get()


def by_certificate(facts: ConnectionFacts) -> Credential:
    """Return the credential that the names in a client certificate are; raise `UnidentifiedCallerError`."""
    # `peer_spiffe_id` of gRPC is no substitute: it is empty for a malformed id, which must not fall back to the DNS name.
    spiffe_ids = [uri for uri in facts.get("peer_uri", ()) if uri[: len(_SPIFFE_SCHEME)].lower() == _SPIFFE_SCHEME]
    if len(spiffe_ids) == 1 and _is_spiffe_id(spiffe_ids[0]):
        return Credential(kind=CredentialKind.SPIFFE, identity=spiffe_ids[0].decode("ascii"))
    # DNS names compare without case, and a name that is listed twice is one name.
    names = {name.lower() for name in facts.get("peer_dns", ())}
    if not spiffe_ids and len(names) == 1 and _is_dns_name(name := next(iter(names))):
        return Credential(kind=CredentialKind.DNS, identity=name.decode("ascii"))
    raise UnidentifiedCallerError(spiffe_ids=len(spiffe_ids), dns_names=len(names))


def _is_spiffe_id(uri: bytes) -> bool:
    return len(uri) <= MAX_SPIFFE_ID_BYTES and bool(_SPIFFE_ID.fullmatch(uri))


def _is_dns_name(name: bytes) -> bool:
    return len(name) <= MAX_DNS_NAME_BYTES and name not in _RESERVED and bool(_DNS_NAME.fullmatch(name))


def _found(spiffe_ids: int, dns_names: int) -> str:
    if spiffe_ids > 1:
        return f"it has {spiffe_ids} SPIFFE ids"
    if spiffe_ids:
        return "its SPIFFE id is malformed"
    if dns_names == 1:
        return "it has no SPIFFE id, and its DNS name has a wildcard, is invalid or reserved"
    return f"it has no SPIFFE id and {dns_names or 'no'} DNS names"
