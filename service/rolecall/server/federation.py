"""The identity providers of the callers file, as queries use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rolecall.callers.declarations import OidcProvider
from rolecall.engine.errors import InvalidRequestError
from rolecall.policy.keys import OIDC_AUDIENCE, OIDC_ISSUER, OIDC_SUBJECT
from rolecall.policy.principal import Principal
from rolecall.roles.errors import FieldViolation
from rolecall.security.tokens.faults import RefusedTokenError
from rolecall.security.tokens.provider_tokens import ProviderTokens
from rolecall.transport.codecs.federation import RefusedIdentityError, VerifiedClaims
from rolecall.transport.rpc.refusal_log import RefusalLog


class ProviderFederation:
    """A `Federation` by the callers file. Why a token is refused is logged; the caller does not learn it."""

    def __init__(self, tokens: ProviderTokens, refusals: RefusalLog, clock: Callable[[], int]) -> None:
        self._tokens, self._refusals, self._clock = tokens, refusals, clock

    def verified(self, provider: Principal, token: str) -> VerifiedClaims:
        """Return what a token of a provider proves now; raise `RefusedIdentityError`."""
        try:
            found = self._tokens.verify(provider, token, self._clock())
        except RefusedTokenError as error:
            log = partial(self._refusals.note, error.fault, error.why, provider=str(provider))
            raise RefusedIdentityError(log) from None
        keys = {OIDC_ISSUER: (found.issuer,), OIDC_AUDIENCE: found.audiences, OIDC_SUBJECT: (found.subject,)}
        return VerifiedClaims(keys, found.expires_at)

    def require_assertable(self, provider: Principal, claims: Mapping[str, Sequence[str]]) -> None:
        """Raise `InvalidRequestError` unless a caller that has the right may assert these claims of a provider.

        1. Of a provider that is not in the callers file any claims, since no keys are known for it.
        2. Of another one only with `allow_asserted`, and then its own issuer and audiences.
        """
        known = self._tokens.provider(provider)
        if known is None:
            return
        if not known.allow_asserted:
            raise _refused(
                "federated", "TOKEN_REQUIRED", "this provider's tokens are verified: send the token in `oidc`"
            )
        _require_own(known, claims)


def _require_own(provider: OidcProvider, claims: Mapping[str, Sequence[str]]) -> None:
    if any(value != provider.issuer for value in claims.get(OIDC_ISSUER, ())):
        raise _refused(f"federated.claims['{OIDC_ISSUER}']", "INVALID_CLAIM", "is not the issuer of this provider")
    if not set(claims.get(OIDC_AUDIENCE, ())) <= set(provider.audiences):
        raise _refused(f"federated.claims['{OIDC_AUDIENCE}']", "INVALID_CLAIM", "is not an audience of this provider")


def _refused(field: str, reason: str, message: str) -> InvalidRequestError:
    return InvalidRequestError([FieldViolation(field=field, reason=reason, message=message)])
