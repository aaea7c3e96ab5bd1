"""The identity providers of an agent's callers file; those that it does not have are known to the followed server only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rolecall.engine.errors import UpstreamOnlyError
from rolecall.policy.principal import Principal
from rolecall.security.tokens.provider_tokens import ProviderTokens
from rolecall.server.federation import ProviderFederation
from rolecall.transport.codecs.federation import VerifiedClaims
from rolecall.transport.rpc.refusal_log import RefusalLog


class AgentFederation:
    """A `Federation` by the callers file of an agent."""

    def __init__(self, tokens: ProviderTokens, refusals: RefusalLog, clock: Callable[[], int]) -> None:
        self._tokens, self._own = tokens, ProviderFederation(tokens, refusals, clock)

    def knows(self, provider: Principal) -> bool:
        """Return whether the callers file has a provider."""
        return self._tokens.provider(provider) is not None

    def verified(self, provider: Principal, token: str) -> VerifiedClaims:
        """Return what a token of a provider proves now; raise `RefusedIdentityError`, or `UpstreamOnlyError`."""
        if not self.knows(provider):
            raise UpstreamOnlyError("the provider of the token is not known here")
        return self._own.verified(provider, token)

    def require_assertable(self, provider: Principal, claims: Mapping[str, Sequence[str]]) -> None:
        """Raise `InvalidRequestError` unless a caller that has the right may assert these claims of a provider."""
        self._own.require_assertable(provider, claims)
