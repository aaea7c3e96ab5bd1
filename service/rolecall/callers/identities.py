"""Identities as an operator writes them, and the credentials that they mean.

identity = SPIFFE id | DNS name | ISSUER " " SUBJECT | "token:" SHA-256 | "uid:" NUMBER | "local" | "local-admin" | "anonymous"
"""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.callers.credential import ANONYMOUS, LOCAL, LOCAL_ADMIN, Credential, CredentialKind
from rolecall.callers.declarations import CallerMatch
from rolecall.callers.declared_value import CallersViolations, DeclaredValue
from rolecall.callers.errors import InvalidCallersError
from rolecall.callers.match_reader import read_match
from rolecall.policy.json_text import Number
from rolecall.policy.wording import quoted

_NAMELESS = {credential.identity: credential for credential in (LOCAL, LOCAL_ADMIN, ANONYMOUS)}
_ANY = "any"


class InvalidIdentityError(Exception):
    """A text is not the identity of one caller."""


def credential_of(identity: str, audiences: Sequence[str] = ()) -> Credential:
    """Return the credential of the caller with this identity; raise `InvalidIdentityError`.

    `audiences` are those of an OIDC token.
    """
    if identity in _NAMELESS:
        return _NAMELESS[identity]
    match = match_of(identity)
    if match.has_wildcard:
        raise InvalidIdentityError(f"{quoted(identity)} has `*`; write the identity of one caller")
    return example_of(match, audiences)


def match_of(identity: str) -> CallerMatch:
    """Return the match that has exactly this identity; raise `InvalidIdentityError`. An OIDC token has no audience in it."""
    violations = CallersViolations()
    match = read_match(DeclaredValue(_declared(identity), "", violations))
    try:
        violations.raise_if_any()
    except InvalidCallersError as error:
        raise InvalidIdentityError(error.violations[0].message) from None
    if match is None:
        raise InvalidIdentityError(f"{quoted(identity)} is no identity")
    return match


def example_of(match: CallerMatch, audiences: Sequence[str] = ()) -> Credential:
    """Return a credential that matches; each `*` is the segment `any`."""
    text = match.text.replace("*", _ANY)
    match match.kind:
        case CredentialKind.OIDC:
            return Credential(
                kind=CredentialKind.OIDC,
                identity=f"{match.issuer} {text}",
                issuer=match.issuer,
                subject=text,
                audiences=tuple(audiences) or (match.audience,),
            )
        case CredentialKind.TOKEN:
            return Credential(kind=CredentialKind.TOKEN, identity=f"token:{text[:16]}", token_sha256=text)
        case CredentialKind.UID:
            return Credential(kind=CredentialKind.UID, identity=f"uid:{text}", uid=int(text))
        case CredentialKind.LOCAL:
            return LOCAL
    return Credential(kind=match.kind, identity=text)


def _declared(identity: str) -> dict[str, object]:
    """Return an identity as `match` has it in the callers file."""
    issuer, space, subject = identity.partition(" ")
    kind, _, rest = identity.partition(":")
    if space:
        return {"oidc": {"issuer": issuer, "subject": subject, "audience": _ANY}}
    if kind.lower() == "spiffe":
        return {"spiffe": identity}
    if kind == "token":
        return {"token_sha256": rest}
    if kind == "uid":
        return {"uid": Number(rest)}
    return {"local": True} if identity == LOCAL.identity else {"dns": identity}
