"""Verifies tokens of the issuers that the operator trusts.

The signature comes last: what can be refused for less is not worth the work.

1. The token is well formed (`unverified.py`), and its issuer is trusted.
2. Its algorithm is one of those of the issuer, so that the token does not choose how it is verified.
3. It has not expired, was not issued in the future, and is not older than the issuer's tokens may be.
4. One of its audiences is one of ours.
5. Its signature is that of a key of this issuer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jwt

from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.key_set import KeySet
from rolecall.security.tokens.public_keys import PublicKeys
from rolecall.security.tokens.unverified import UnverifiedToken, read_token

LEEWAY_SECONDS = 60
"""How far the clock of an issuer may be ahead of ours. An expired token has none: its issuer gave it time enough."""

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """An issuer, the audiences and algorithms that are accepted from it, and its keys. `max_age_seconds` of 0: no limit."""

    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    keys: KeySet
    max_age_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedToken:
    """A token that was verified with `keys`. It is valid from `valid_from` until before `expires_at`, in microseconds."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]
    valid_from: int
    expires_at: int
    keys: PublicKeys

    def require_valid(self, trusted: TrustedIssuer, now: int) -> None:
        """Raise `RefusedTokenError` if the token has expired, or the keys that verified it are no longer the issuer's."""
        if now >= self.expires_at:
            raise RefusedTokenError(TokenFault.EXPIRED, "the token has expired")
        if now < self.valid_from:
            raise RefusedTokenError(TokenFault.NOT_YET_VALID, "the token is not valid yet")
        if trusted.keys.current is not self.keys:
            raise RefusedTokenError(TokenFault.UNKNOWN_KEY, "the keys of the issuer have changed")


def verify_token(text: str, trusted_issuer: Callable[[str], TrustedIssuer | None], now: int) -> VerifiedToken:
    """Return the token that `text` is, at the time `now` in microseconds; raise `RefusedTokenError`."""
    token = read_token(text)
    trusted = trusted_issuer(token.issuer)
    if trusted is None:
        raise RefusedTokenError(TokenFault.UNKNOWN_ISSUER, "the issuer of the token is not trusted")
    if token.issuer != trusted.issuer:
        raise RefusedTokenError(TokenFault.WRONG_ISSUER, f"the issuer is not `{trusted.issuer}`")
    if token.algorithm not in trusted.algorithms:
        raise RefusedTokenError(TokenFault.WRONG_ALGORITHM, "the algorithm is not one of the issuer's")
    expires_at = _require_time(token, trusted, now)
    if trusted.audiences.isdisjoint(token.audiences):
        raise RefusedTokenError(TokenFault.WRONG_AUDIENCE, "the token is for another audience")
    keys = _require_signature(token, trusted)
    return VerifiedToken(
        issuer=token.issuer,
        subject=token.subject,
        audiences=token.audiences,
        valid_from=(max(token.issued_at, token.not_before) - LEEWAY_SECONDS) * _MICROS,
        expires_at=expires_at,
        keys=keys,
    )


def _require_time(token: UnverifiedToken, trusted: TrustedIssuer, now: int) -> int:
    """Return when the token ceases to be valid."""
    if now >= token.expires_at * _MICROS:
        raise RefusedTokenError(TokenFault.EXPIRED, "the token has expired")
    if now < (max(token.issued_at, token.not_before) - LEEWAY_SECONDS) * _MICROS:
        raise RefusedTokenError(TokenFault.NOT_YET_VALID, "`iat` or `nbf` is in the future")
    if not trusted.max_age_seconds:
        return token.expires_at * _MICROS
    oldest = (token.issued_at + trusted.max_age_seconds) * _MICROS
    if now >= oldest:
        raise RefusedTokenError(
            TokenFault.TOO_OLD, f"the token was issued more than {trusted.max_age_seconds} seconds ago"
        )
    return min(oldest, token.expires_at * _MICROS)


def _require_signature(token: UnverifiedToken, trusted: TrustedIssuer) -> PublicKeys:
    """Return the keys among which one verified the signature."""
    keys, key = trusted.keys.find(token.algorithm, token.key_id)
    try:
        jwt.decode(
            token.text,
            key.key,
            algorithms=[token.algorithm],
            audience=trusted.audiences,
            issuer=trusted.issuer,
            options={
                "require": ["exp", "iat", "iss", "sub", "aud"],
                # The times were checked above, by the clock of the server and more strictly.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidSignatureError:
        raise RefusedTokenError(TokenFault.WRONG_SIGNATURE, "the signature is not that of the issuer's key") from None
    except jwt.PyJWTError as error:
        raise RefusedTokenError(TokenFault.MALFORMED, f"the token cannot be verified: {type(error).__name__}") from None
    return keys
