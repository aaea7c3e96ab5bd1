"""The tokens of federated identities that a query carries, verified with the keys of its provider."""

from __future__ import annotations

from rolecall.callers.declarations import CallersFile, OidcProvider
from rolecall.callers.directory import CallerDirectory
from rolecall.policy.principal import Principal, provider_of_request
from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.key_sets import KeySets
from rolecall.security.tokens.remembered import LastRefusal, RememberedTokens, token_bytes, token_hash
from rolecall.security.tokens.verifier import TrustedIssuer, VerifiedToken, verify_token


class ProviderTokens:
    """Verifies tokens of the providers in the current callers file. For one event loop.

    The keys are those of the provider that the query names, never those of its issuer: two providers may have one issuer, of
    which one accepts fewer audiences.
    """

    def __init__(self, directory: CallerDirectory, key_sets: KeySets) -> None:
        self._key_sets = key_sets
        self._providers: dict[Principal, OidcProvider] = {}
        self._trusted: dict[Principal, TrustedIssuer] = {}
        self.apply(directory.file)

    def apply(self, file: CallersFile | None) -> None:
        """Verify tokens by this callers file from now on."""
        self._providers = {provider_of_request(known.arn): known for known in file.providers} if file else {}
        self._trusted = {principal: self._trust(known) for principal, known in self._providers.items()}
        self.remembered, self._refused = RememberedTokens[VerifiedToken](), LastRefusal()

    def provider(self, principal: Principal) -> OidcProvider | None:
        """Return a provider of the callers file; None if it has no such provider."""
        return self._providers.get(principal)

    def verify(self, provider: Principal, text: str, now: int) -> VerifiedToken:
        """Return the token of a provider at the time `now`, in microseconds; raise `RefusedTokenError`."""
        trusted = self._trusted.get(provider)
        if trusted is None:
            raise RefusedTokenError(TokenFault.UNKNOWN_ISSUER, "the callers file has no such provider")
        key = token_hash(f"{provider} {text}")
        token = self.remembered.get(key)
        if token is not None:
            try:
                token.require_valid(trusted, now)
            except RefusedTokenError:
                self.remembered.drop(key)
            else:
                return token
        self._refused.raise_again(key, now)
        try:
            token = verify_token(text, lambda _: trusted, now)
        except RefusedTokenError as error:
            self._refused.note(key, error, now)
            raise
        self.remembered.put(key, token, token_bytes(token))
        return token

    def _trust(self, provider: OidcProvider) -> TrustedIssuer:
        return TrustedIssuer(
            issuer=provider.issuer,
            audiences=frozenset(provider.audiences),
            algorithms=frozenset(provider.keys.algorithms),
            keys=self._key_sets.of(provider.arn, provider.keys),
            max_age_seconds=provider.max_token_age_seconds,
        )
