"""Single rules of tokens at their bounds, and what is remembered of the tokens of callers and of providers."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from rolecall.callers.directory import CallerDirectory
from rolecall.policy.principal import provider_of_request
from rolecall.security.tokens import caller_tokens as module
from rolecall.security.tokens.caller_tokens import CallerTokens
from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.key_set import KeySet
from rolecall.security.tokens.key_sets import KeySets, sources_of
from rolecall.security.tokens.provider_tokens import ProviderTokens
from rolecall.security.tokens.unverified import read_token
from rolecall.security.tokens.verifier import verify_token
from tests.security.known_callers import ADMINISTRATOR, callers_file
from tests.security.tokens.issuing import AUDIENCE, ISSUER, MICROS, NOON, Issuer, encoded
from tests.security.tokens.reading import Fixed
from tests.security.tokens.test_verifier import KEYS, TRUSTED, fault, trusted, verified

NOW = NOON * MICROS
ARN = "acs:ram::123456789012:oidc-provider/ci"
PROVIDER = provider_of_request(ARN)


def test_a_token_is_valid_by_the_given_clock_whatever_that_of_the_machine_says() -> None:
    for now in (1_000_000_000, 4_000_000_000):  # 2001 and 2096
        token = Issuer(now=now, keys=TRUSTED.keys).token(nbf=now)

        assert verified(token, now=now * MICROS).expires_at == (now + 600) * MICROS


def test_a_verified_token_is_valid_from_a_minute_before_the_later_of_its_times() -> None:
    assert verified(TRUSTED.token(iat=NOON - 10)).valid_from == (NOON - 70) * MICROS
    assert verified(TRUSTED.token(iat=NOON - 10, nbf=NOON + 20)).valid_from == (NOON - 40) * MICROS
    assert verified(TRUSTED.token(iat=NOON - 10, nbf=NOON - 30)).valid_from == (NOON - 70) * MICROS


def test_of_a_time_of_issue_and_one_of_validity_the_later_one_counts() -> None:
    assert fault(TRUSTED.token(iat=NOON - 100, nbf=NOON + 61)) is TokenFault.NOT_YET_VALID
    assert fault(TRUSTED.token(iat=NOON + 61, nbf=NOON - 100)) is TokenFault.NOT_YET_VALID


def test_a_token_of_one_issuer_is_not_one_of_another_whose_keys_verify_it() -> None:
    other = trusted(issuer="https://other.example")

    with pytest.raises(RefusedTokenError) as caught:
        verify_token(TRUSTED.token(), lambda _: other, NOW)

    assert (caught.value.fault, caught.value.why) == (
        TokenFault.WRONG_ISSUER,
        "the issuer is not `https://other.example`",
    )


def test_a_remembered_token_says_which_of_its_rules_it_breaks_now() -> None:
    keys = KeySet(Fixed(TRUSTED.key_set()))
    keys.refresh()
    token, issuer = verified(TRUSTED.token(), keys=keys), trusted(keys=keys)
    faults = []

    token.require_valid(issuer, token.valid_from)
    token.require_valid(issuer, token.expires_at - 1)
    for of, now in ((issuer, token.expires_at), (issuer, token.valid_from - 1), (trusted(keys=KEYS), NOW)):
        with pytest.raises(RefusedTokenError) as caught:
            token.require_valid(of, now)
        faults.append(caught.value.fault)

    assert faults == [TokenFault.EXPIRED, TokenFault.NOT_YET_VALID, TokenFault.UNKNOWN_KEY]


@pytest.mark.parametrize("name", ["iss", "sub", "aud"])
def test_a_claim_has_1_to_1024_characters(name: str) -> None:
    def read(text: object) -> str:
        token = read_token(TRUSTED.token(**{name: text}))
        return {"iss": token.issuer, "sub": token.subject, "aud": token.audiences[0]}[name]

    assert [read("a"), read("a" * 1_024)] == ["a", "a" * 1_024]
    for wrong in ("", "a" * 1_025, "a\x1f", "a\x7f", "a\x00", "\ud800"):
        with pytest.raises(
            RefusedTokenError, match=f"`{name}` must be 1 to 1024 characters without control characters"
        ):
            read(wrong)
    assert read("a b~\x80é") == "a b~\x80é"


def test_a_token_has_1_to_20_audiences() -> None:
    many = [f"a{number}" for number in range(20)]

    assert read_token(TRUSTED.token(aud=many)).audiences == tuple(many)
    assert read_token(TRUSTED.token(aud=["a"])).audiences == ("a",)
    for wrong in ([], [*many, "one more"]):
        with pytest.raises(RefusedTokenError, match=r"^`aud` must have 1 to 20 values$"):
            read_token(TRUSTED.token(aud=wrong))
    for other in (["a", ""], ["a", 7], ["a" * 1_025]):
        with pytest.raises(RefusedTokenError, match=r"^`aud` must be 1 to 1024 characters without control characters$"):
            read_token(TRUSTED.token(aud=other))


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_a_time_is_a_second_from_1_to_the_end_of_the_year_9999(name: str) -> None:
    def read(time: object) -> int:
        token = read_token(TRUSTED.token(**{name: time}))
        return {"exp": token.expires_at, "iat": token.issued_at, "nbf": token.not_before}[name]

    assert [read(1), read(253_402_300_799)] == [1, 253_402_300_799]
    for wrong in (0, -1, 253_402_300_800, True, 1.0, "1"):
        with pytest.raises(RefusedTokenError, match=f"`{name}` must be a time in whole seconds"):
            read(wrong)


def test_what_a_token_claims_is_read_whole() -> None:
    text = TRUSTED.token(nbf=NOON - 5, aud=["x", "y"])
    token, bare = read_token(text), read_token(TRUSTED.signed('{"alg":"ES256"}', json.dumps(TRUSTED.claims())))

    assert (token.text, token.algorithm, token.key_id) == (text, "ES256", "es256")
    assert (token.issuer, token.subject, token.audiences) == (ISSUER, "alice", ("x", "y"))
    assert (token.issued_at, token.not_before, token.expires_at) == (NOON - 10, NOON - 5, NOON + 600)
    assert (bare.key_id, bare.not_before, bare.audiences) == ("", 0, (AUDIENCE,))
    assert text not in repr(token)


@pytest.mark.parametrize(
    "header", ["{}", '{"alg":7}', '{"alg":""}', '{"alg":"ES256","kid":7}', '{"alg":"ES256","kid":""}']
)
def test_a_header_names_an_algorithm_and_perhaps_a_key(header: str) -> None:
    assert fault(TRUSTED.signed(header, json.dumps(TRUSTED.claims()))) is TokenFault.INVALID_CLAIM


@pytest.mark.parametrize("what", ["header", "claims"])
def test_which_part_is_malformed_is_said(what: str) -> None:
    good = {"header": '{"alg":"ES256"}', "claims": json.dumps(TRUSTED.claims())}

    def why(text: str) -> str:
        parts = {**good, what: text}
        with pytest.raises(RefusedTokenError) as caught:
            read_token(f"{encoded(parts['header'])}.{encoded(parts['claims'])}.AA")
        return caught.value.why

    assert why("[]") == f"the {what} is not a JSON object"
    assert why("{") == why("{'a': 1}") == why('{"a": Infinity}') == f"the {what} is not JSON in base64url"
    assert why('{"a": 1, "a": 1}') == f"two members of the {what} have one name"


def test_a_part_is_decoded_whatever_its_length() -> None:
    for length in range(8):
        assert read_token(TRUSTED.token(x="x" * length)).subject == "alice"


# --- what is remembered --------------------------------------------------------------------------------------------------


class Reading:
    """Key sets whose keys a test sets, and how often a token was verified."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.source, self.verified = Fixed(TRUSTED.key_set()), 0
        keys = self.keys = KeySet(self.source)
        keys.refresh()

        class Sets(KeySets):
            def of(self, *_: object) -> KeySet:
                return keys

        self.sets = Sets()
        for name in ("caller_tokens", "provider_tokens"):
            monkeypatch.setattr(f"rolecall.security.tokens.{name}.verify_token", self.verify)

    def verify(self, *given: Any) -> Any:
        self.verified += 1
        return verify_token(*given)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(monkeypatch)


def entry(audience: str = AUDIENCE, issuer: str = ISSUER, name: str = "a") -> dict[str, Any]:
    return {
        "name": name,
        "match": {"oidc": {"issuer": issuer, "subject": "alice", "audience": audience}},
        **ADMINISTRATOR,
    }


FILE = callers_file({"issuers": {ISSUER: {"jwks_file": "k", "algorithms": ["ES256"]}}, "callers": [entry()]})
PROVIDERS = callers_file({
    "callers": [],
    "providers": [{
        "arn": ARN, "issuer": ISSUER, "audiences": [AUDIENCE], "jwks_file": "k", "algorithms": ["ES256"], "max_token_age_seconds": 100,
    }],
})  # fmt: skip


def refused(tokens: Any, *given: Any) -> TokenFault:
    with pytest.raises(RefusedTokenError) as caught:
        (tokens.verify if isinstance(tokens, ProviderTokens) else tokens.recognised)(*given)
    return caught.value.fault


def test_a_token_of_a_caller_is_verified_once_until_its_keys_or_the_file_change(reading: Reading) -> None:
    tokens, text = CallerTokens(CallerDirectory(FILE), reading.sets), TRUSTED.token()

    first, again = tokens.recognised(text, NOW), tokens.recognised(text, NOW + 599 * MICROS)
    assert first is again
    assert reading.verified == 1
    reading.source.data = TRUSTED.key_set("ES256")
    reading.keys.refresh()
    assert tokens.recognised(text, NOW) is not first
    assert (reading.verified, len(tokens.remembered)) == (2, 1)
    tokens.apply(FILE)
    assert len(tokens.remembered) == 0
    tokens.recognised(text, NOW)
    assert reading.verified == 3
    assert refused(tokens, text, NOW + 600 * MICROS) is TokenFault.EXPIRED
    assert len(tokens.remembered) == 0


def test_the_credential_of_a_token_has_all_that_is_proved(reading: Reading) -> None:
    found = CallerTokens(CallerDirectory(FILE), reading.sets).recognised(TRUSTED.token(aud=["x", AUDIENCE]), NOW)

    credential = found.credential
    assert (credential.kind, credential.identity) == ("oidc", f"{ISSUER} alice")
    assert (credential.issuer, credential.subject, credential.audiences) == (ISSUER, "alice", ("x", AUDIENCE))
    assert credential.expires_at == (NOON + 600) * MICROS
    assert found.verified is not None


def test_a_refusal_is_repeated_for_a_tenth_of_a_second_without_the_work(reading: Reading) -> None:
    callers = CallerTokens(CallerDirectory(FILE), reading.sets)
    providers = ProviderTokens(CallerDirectory(PROVIDERS), reading.sets)
    forged = Issuer().token()
    ways: list[tuple[Any, tuple[Any, ...]]] = [(callers, (forged,)), (providers, (PROVIDER, forged))]

    for tokens, given in ways:
        before = reading.verified
        for passed in (0, 50_000, 99_999):
            assert refused(tokens, *given, NOW + passed) is TokenFault.WRONG_SIGNATURE
        assert reading.verified == before + 1
        assert refused(tokens, *given, NOW + 100_000) is TokenFault.WRONG_SIGNATURE
        assert reading.verified == before + 2


def test_another_file_may_accept_what_was_refused_a_moment_ago(reading: Reading) -> None:
    tokens = CallerTokens(CallerDirectory(FILE), reading.sets)
    providers = ProviderTokens(CallerDirectory(PROVIDERS), reading.sets)
    text = TRUSTED.token(aud="other")
    assert refused(tokens, text, NOW) is refused(providers, PROVIDER, text, NOW) is TokenFault.WRONG_AUDIENCE

    tokens.apply(callers_file({"issuers": {ISSUER: {"jwks_file": "k"}}, "callers": [entry("other")]}))
    providers.apply(
        callers_file({
            "callers": [],
            "providers": [{"arn": ARN, "issuer": ISSUER, "audiences": ["other"], "jwks_file": "k"}],
        })
    )  # fmt: skip

    assert tokens.recognised(text, NOW).credential.subject == "alice"
    assert providers.verify(PROVIDER, text, NOW).subject == "alice"


def test_the_audiences_of_an_issuer_are_those_of_its_own_entries(reading: Reading) -> None:
    other = "https://other.example"
    file = callers_file({
        "issuers": {ISSUER: {"jwks_file": "k"}, other: {"jwks_file": "k"}},
        "callers": [entry("one"), entry("two", name="b"), entry("three", other, "c"), {"name": "d", "match": {"local": True}, **ADMINISTRATOR}],
    })  # fmt: skip
    tokens = CallerTokens(CallerDirectory(file), reading.sets)

    assert [tokens.recognised(TRUSTED.token(aud=audience), NOW).credential.audiences[0] for audience in ("one", "two")] == ["one", "two"]  # fmt: skip
    assert refused(tokens, TRUSTED.token(aud="three"), NOW) is TokenFault.WRONG_AUDIENCE


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ({"callers": []}, False), ({"issuers": {ISSUER: {"jwks_file": "k"}}, "callers": []}, True),
        ({"callers": [{"name": "s", "match": {"token_sha256": "0" * 64}, **ADMINISTRATOR}]}, True), (None, False),
    ],
)  # fmt: skip
def test_tokens_are_accepted_where_an_issuer_or_a_static_token_is_known(
    reading: Reading, value: dict[str, Any] | None, accepted: bool
) -> None:
    directory = CallerDirectory(callers_file(value) if value else None)

    assert CallerTokens(directory, reading.sets).accepted is accepted


def test_a_static_token_has_at_most_512_characters_and_is_looked_up_once(reading: Reading) -> None:
    texts = ["rct_" + "x" * length for length in (43, 508, 509)]
    entries = [
        {"name": f"s{n}", "match": {"token_sha256": sha256(text.encode()).hexdigest()}, **ADMINISTRATOR}
        for n, text in enumerate(texts)
    ]
    tokens = CallerTokens(CallerDirectory(callers_file({"callers": entries})), reading.sets)

    short, longest = (tokens.recognised(text, NOW) for text in texts[:2])

    assert tokens.recognised(texts[0], NOW) is short
    assert (short.verified, short.credential.kind) == (None, "token")
    assert longest.credential.token_sha256 == sha256(texts[1].encode()).hexdigest()
    assert refused(tokens, texts[2], NOW) is TokenFault.UNKNOWN_TOKEN
    assert len(texts[1]) == module.MAX_STATIC_CHARACTERS


def test_a_recognised_token_is_weighed_with_its_texts(reading: Reading) -> None:
    def weight(**claims: object) -> int:
        tokens = CallerTokens(CallerDirectory(FILE), reading.sets)
        tokens.recognised(TRUSTED.token(**claims), NOW)
        return tokens.remembered.bytes

    # The subject stands in the token, and in the name of the caller.
    assert weight(sub="alice" + "x" * 100) == weight() + 200
    assert weight(aud=[AUDIENCE, "x" * 100]) > weight() + 100


def test_a_token_of_a_provider_is_remembered_for_this_provider_alone(reading: Reading) -> None:
    other = provider_of_request(f"{ARN}2")
    value = {"arn": ARN, "issuer": ISSUER, "audiences": [AUDIENCE], "jwks_file": "k"}
    file = callers_file({"callers": [], "providers": [value, {**value, "arn": f"{ARN}2"}]})
    tokens, text = ProviderTokens(CallerDirectory(file), reading.sets), TRUSTED.token()

    first = tokens.verify(PROVIDER, text, NOW)

    assert tokens.verify(PROVIDER, text, NOW) is first
    assert tokens.verify(other, text, NOW) is not first
    assert (reading.verified, len(tokens.remembered)) == (2, 2)
    assert tokens.remembered.bytes > 0
    assert refused(tokens, PROVIDER, text, NOW + 600 * MICROS) is TokenFault.EXPIRED
    assert len(tokens.remembered) == 1
    with pytest.raises(RefusedTokenError, match=r"^the callers file has no such provider$") as unknown:
        tokens.verify(provider_of_request(f"{ARN}3"), text, NOW)
    assert unknown.value.fault is TokenFault.UNKNOWN_ISSUER


def test_a_provider_has_its_audiences_its_algorithms_and_its_limit_of_age(reading: Reading) -> None:
    tokens = ProviderTokens(CallerDirectory(PROVIDERS), reading.sets)

    assert tokens.verify(PROVIDER, TRUSTED.token(), NOW).expires_at == (NOON - 10 + 100) * MICROS
    assert refused(tokens, PROVIDER, TRUSTED.token(iat=NOON - 100), NOW) is TokenFault.TOO_OLD
    assert refused(tokens, PROVIDER, TRUSTED.token("RS256"), NOW) is TokenFault.WRONG_ALGORITHM
    assert refused(tokens, PROVIDER, TRUSTED.token(aud="x"), NOW) is TokenFault.WRONG_AUDIENCE
    assert tokens.provider(PROVIDER) is PROVIDERS.providers[0]
    tokens.apply(None)
    assert tokens.provider(PROVIDER) is None


def test_the_sources_of_keys_are_those_of_issuers_and_of_providers() -> None:
    assert list(sources_of(None)) == []
    assert [owner for owner, _ in sources_of(FILE)] == [ISSUER]
    assert [(owner, source.file) for owner, source in sources_of(PROVIDERS)] == [(ARN, "k")]
