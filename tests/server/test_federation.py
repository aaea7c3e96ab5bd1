"""What a server accepts of the providers of its callers file, with and without a token."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.callers.directory import CallerDirectory
from rolecall.engine.errors import InvalidRequestError, UpstreamOnlyError
from rolecall.policy.principal import provider_of_request
from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.key_sets import KeySets
from rolecall.security.tokens.provider_tokens import ProviderTokens
from rolecall.server.agent.federation import AgentFederation
from rolecall.server.federation import ProviderFederation
from rolecall.transport.codecs.federation import RefusedIdentityError, log_refusal
from rolecall.transport.rpc.refusal_log import RefusalLog
from tests.security.known_callers import callers_file
from tests.server.serving import Log, log_lines, logger

ARN = "acs:ram::123456789012:oidc-provider/"
VERIFIED, ASSERTED, UNKNOWN = (provider_of_request(f"{ARN}{name}") for name in ("verified", "asserted", "unknown"))
ISSUER = "https://ci.example"
NOW = 7


def provider(name: str, **fields: object) -> dict[str, object]:
    return {"arn": f"{ARN}{name}", "issuer": ISSUER, "audiences": ["one", "two"], "jwks_file": "k", **fields}


@pytest.fixture
def log() -> Log:
    return logger()


@pytest.fixture
def federation(log: Log) -> ProviderFederation:
    file = callers_file({"callers": [], "providers": [provider("verified"), provider("asserted", allow_asserted=True)]})
    tokens = ProviderTokens(CallerDirectory(file), KeySets())
    return ProviderFederation(tokens, RefusalLog(log.logger), lambda: NOW)


def refused(federation: ProviderFederation, provider: Any, **claims: tuple[str, ...]) -> tuple[str, str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        federation.require_assertable(provider, {f"oidc:{name}": values for name, values in claims.items()})
    (found,) = caught.value.violations
    return found.field, found.reason, found.message


def test_claims_of_a_provider_with_keys_need_a_token(federation: ProviderFederation) -> None:
    assert refused(federation, VERIFIED, iss=(ISSUER,)) == (
        "federated", "TOKEN_REQUIRED", "this provider's tokens are verified: send the token in `oidc`",
    )  # fmt: skip


def test_any_claims_of_a_provider_without_keys_may_be_asserted(federation: ProviderFederation) -> None:
    federation.require_assertable(UNKNOWN, {"oidc:iss": ("https://any",), "oidc:aud": ("x",)})


def test_asserted_claims_are_those_of_the_provider_itself(federation: ProviderFederation) -> None:
    for claims in (
        {},
        {"oidc:iss": (ISSUER,)},
        {"oidc:aud": ("two",)},
        {"oidc:aud": ("one", "two"), "oidc:sub": ("a",)},
    ):
        federation.require_assertable(ASSERTED, claims)

    issuer = ("federated.claims['oidc:iss']", "INVALID_CLAIM", "is not the issuer of this provider")
    audience = ("federated.claims['oidc:aud']", "INVALID_CLAIM", "is not an audience of this provider")
    assert refused(federation, ASSERTED, iss=("https://other",)) == issuer
    assert refused(federation, ASSERTED, iss=(ISSUER, "https://other")) == issuer
    assert refused(federation, ASSERTED, aud=("one", "three")) == audience
    assert refused(federation, ASSERTED, aud=("three",)) == audience


def test_a_verified_token_gives_its_claims_and_its_end(
    federation: ProviderFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    class Token:
        issuer, subject, audiences, expires_at = ISSUER, "alice", ("one", "x"), 99

    def verify(*given: object) -> Token:
        asked.append(given)
        return Token()

    monkeypatch.setattr(federation._tokens, "verify", verify)

    found = federation.verified(VERIFIED, "token")

    assert asked == [(VERIFIED, "token", NOW)]
    assert found.keys == {"oidc:iss": (ISSUER,), "oidc:aud": ("one", "x"), "oidc:sub": ("alice",)}
    assert found.expires_at == 99


def test_why_a_token_is_refused_is_logged_with_its_provider_when_that_is_asked_for(
    federation: ProviderFederation, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(*_: object) -> None:
        raise RefusedTokenError(TokenFault.WRONG_AUDIENCE, "the token is for another audience")

    monkeypatch.setattr(federation._tokens, "verify", verify)
    with pytest.raises(RefusedIdentityError) as caught:
        federation.verified(VERIFIED, "token")
    before = log_lines(log.stream)
    log_refusal(caught.value)

    assert before == []
    assert log_lines(log.stream) == [{
        "event": "credentials_refused", "level": "warning", "cause": "WRONG_AUDIENCE", "why": "the token is for another audience",
        "provider": f"{ARN}verified",
    }]  # fmt: skip


def test_an_agent_verifies_tokens_of_the_providers_that_it_knows_and_no_others(federation: ProviderFederation) -> None:
    agent = AgentFederation(federation._tokens, federation._refusals, lambda: NOW)

    assert [agent.knows(each) for each in (VERIFIED, ASSERTED, UNKNOWN)] == [True, True, False]
    with pytest.raises(UpstreamOnlyError, match="the provider of the token is not known here"):
        agent.verified(UNKNOWN, "token")
    with pytest.raises(RefusedIdentityError):
        agent.verified(VERIFIED, "token")
    with pytest.raises(InvalidRequestError):
        agent.require_assertable(VERIFIED, {})
    agent.require_assertable(UNKNOWN, {})
