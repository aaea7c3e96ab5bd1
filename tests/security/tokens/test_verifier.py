"""Which tokens are verified, and why the others are refused. Rows 60 and 61 of the faults."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.key_set import KeySet
from rolecall.security.tokens.unverified import MAX_TOKEN_BYTES
from rolecall.security.tokens.verifier import LEEWAY_SECONDS, TrustedIssuer, VerifiedToken, verify_token
from tests.security.tokens.issuing import AUDIENCE, ISSUER, MICROS, NOON, Issuer, encoded, kubernetes_claims
from tests.security.tokens.reading import Fixed

TRUSTED = Issuer()
KEYS = KeySet(Fixed(TRUSTED.key_set()))
KEYS.refresh()
EVERY = frozenset({"RS256", "ES256", "ES384", "EdDSA", "PS256"})


def trusted(**changes: Any) -> TrustedIssuer:
    options = {"issuer": ISSUER, "audiences": frozenset({AUDIENCE}), "algorithms": EVERY, "keys": KEYS}
    return TrustedIssuer(**{**options, **changes})


def verified(token: str, *, now: int = NOON * MICROS, **changes: Any) -> VerifiedToken:
    issuer = trusted(**changes)
    return verify_token(token, {issuer.issuer: issuer}.get, now)


def fault(token: str, *, now: int = NOON * MICROS, **changes: Any) -> TokenFault:
    with pytest.raises(RefusedTokenError) as caught:
        verified(token, now=now, **changes)
    return caught.value.fault


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "EdDSA"])
def test_a_token_of_the_issuer_names_its_subject_until_it_expires(algorithm: str) -> None:
    token = verified(TRUSTED.token(algorithm))

    assert (token.issuer, token.subject, token.audiences) == (ISSUER, "alice", (AUDIENCE,))
    assert token.expires_at == (NOON + 600) * MICROS
    assert token.keys is KEYS.current


def test_one_of_several_audiences_is_enough() -> None:
    assert verified(TRUSTED.token(aud=["other", AUDIENCE])).audiences == ("other", AUDIENCE)


def test_a_token_of_a_kubernetes_service_account_is_one_of_the_cluster() -> None:
    claims = kubernetes_claims()
    cluster = Issuer(str(claims["iss"]))
    keys = KeySet(Fixed(cluster.key_set("RS256")))
    keys.refresh()

    token = verified(cluster.token("RS256", **claims), issuer=cluster.issuer, keys=keys)

    assert token.subject == "system:serviceaccount:shop:orders"


def test_a_token_without_a_key_id_is_verified_by_the_only_key_for_its_algorithm() -> None:
    header = json.dumps({"alg": "ES256"})
    two = KeySet(Fixed(json.dumps({"keys": [TRUSTED.jwk("ES256"), Issuer().jwk("ES256", kid="second")]}).encode()))
    two.refresh()

    assert verified(TRUSTED.signed(header, json.dumps(TRUSTED.claims()))).subject == "alice"
    assert fault(TRUSTED.signed(header, json.dumps(TRUSTED.claims())), keys=two) is TokenFault.UNKNOWN_KEY


def unsigned(algorithm: str) -> str:
    return f"{encoded(json.dumps({'alg': algorithm}))}.{encoded(json.dumps(TRUSTED.claims()))}.AA"


def with_public_key_as_secret() -> str:
    """The oldest forgery: whoever has the public key signs with it, as if it were a shared secret."""
    public = TRUSTED.keys["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signing = f"{encoded(json.dumps({'alg': 'HS256', 'kid': 'rs256'}))}.{encoded(json.dumps(TRUSTED.claims()))}"
    return f"{signing}.{encoded(hmac.new(public, signing.encode(), sha256).digest())}"


def test_an_algorithm_that_the_issuer_does_not_use_is_refused() -> None:
    assert fault(unsigned("none")) is TokenFault.WRONG_ALGORITHM
    assert fault(unsigned("None")) is TokenFault.WRONG_ALGORITHM
    assert fault(with_public_key_as_secret()) is TokenFault.WRONG_ALGORITHM
    assert fault(TRUSTED.token("ES384"), algorithms=frozenset({"ES256"})) is TokenFault.WRONG_ALGORITHM


def test_an_algorithm_that_is_not_that_of_the_key_is_refused() -> None:
    header = json.dumps({"alg": "PS256", "kid": "rs256"})

    forged = TRUSTED.signed(header, json.dumps(TRUSTED.claims()), "PS256", TRUSTED.keys["RS256"])

    assert fault(forged) is TokenFault.UNKNOWN_KEY  # the key set says `"alg": "RS256"`
    assert fault(TRUSTED.token("ES256", header={"kid": "es384"})) is TokenFault.UNKNOWN_KEY


def test_a_key_of_somebody_else_under_the_same_id_is_refused() -> None:
    other = Issuer(keys={"ES256": ec.generate_private_key(ec.SECP256R1())})

    assert fault(other.token()) is TokenFault.WRONG_SIGNATURE


def test_a_changed_claim_is_refused() -> None:
    head, _, signature = TRUSTED.token().split(".")
    claims = encoded(json.dumps(TRUSTED.claims(sub="admin")))

    assert fault(f"{head}.{claims}.{signature}") is TokenFault.WRONG_SIGNATURE


def test_a_signature_of_another_length_is_refused() -> None:
    head, claims, signature = TRUSTED.token().split(".")

    for cut in (signature[:-4], signature[:-1], "A", signature + "AAAA"):
        assert fault(f"{head}.{claims}.{cut}") in {TokenFault.WRONG_SIGNATURE, TokenFault.MALFORMED}


@pytest.mark.parametrize(
    "issuer", ["https://oidc.example/", "https://oidc.example.attacker.test", "https://OIDC.example", "https://oidc"]
)
def test_another_issuer_is_unknown_however_similar(issuer: str) -> None:
    assert fault(TRUSTED.token(iss=issuer)) is TokenFault.UNKNOWN_ISSUER


@pytest.mark.parametrize("audience", ["other", "Rolecall", ["other"], "rolecall/", " rolecall"])
def test_another_audience_is_refused(audience: object) -> None:
    assert fault(TRUSTED.token(aud=audience)) is TokenFault.WRONG_AUDIENCE


def test_no_audience_is_accepted_where_none_is_configured() -> None:
    assert fault(TRUSTED.token(), audiences=frozenset()) is TokenFault.WRONG_AUDIENCE


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat"])
def test_every_one_of_the_five_claims_is_needed(name: str) -> None:
    assert fault(TRUSTED.token(**{name: None})) is TokenFault.INVALID_CLAIM


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1e308}, {"exp": str(NOON + 60)}, {"exp": True}, {"exp": float(NOON + 60)}, {"exp": 10**30}, {"exp": -1},
        {"exp": [NOON]}, {"iat": "now"}, {"iat": 1.5}, {"nbf": "now"}, {"sub": 7}, {"sub": ""}, {"sub": ["alice"]},
        {"sub": "a\nb"}, {"sub": "a" * 1_025}, {"iss": 7}, {"iss": [ISSUER]}, {"aud": []}, {"aud": [AUDIENCE, 7]}, {"aud": 7},
        {"aud": {AUDIENCE: 1}}, {"aud": [AUDIENCE] * 21}, {"aud": ""},
    ],
    ids=str,
)  # fmt: skip
def test_a_claim_of_another_type_is_refused(changes: dict[str, Any]) -> None:
    assert fault(TRUSTED.token(**changes)) is TokenFault.INVALID_CLAIM


def test_a_number_that_json_does_not_have_is_refused() -> None:
    claims = json.dumps(TRUSTED.claims())[:-1]

    assert fault(TRUSTED.signed('{"alg":"ES256"}', claims + ', "x": NaN}')) is TokenFault.MALFORMED


def test_a_token_is_valid_until_the_second_in_which_it_expires() -> None:
    end = (NOON + 600) * MICROS

    assert verified(TRUSTED.token(), now=end - 1).subject == "alice"
    assert fault(TRUSTED.token(), now=end) is TokenFault.EXPIRED


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_the_clock_of_an_issuer_may_be_a_minute_ahead(name: str) -> None:
    assert LEEWAY_SECONDS == 60
    assert verified(TRUSTED.token(**{name: NOON + 60})).subject == "alice"
    assert fault(TRUSTED.token(**{name: NOON + 61})) is TokenFault.NOT_YET_VALID


def test_an_age_limit_counts_from_the_time_of_issue_and_ends_the_token_sooner() -> None:
    token = TRUSTED.token(iat=NOON - 100, exp=NOON + 5_000)

    assert verified(token, max_age_seconds=101).expires_at == (NOON + 1) * MICROS
    assert fault(token, max_age_seconds=100) is TokenFault.TOO_OLD
    assert verified(token, max_age_seconds=100_000).expires_at == (NOON + 5_000) * MICROS


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ('{"alg":"ES256","alg":"none"}', '{"sub":"alice"}'),
        ('{"alg":"ES256"}', '{"sub":"alice","sub":"admin"}'),
        ('{"alg":"ES256"}', '{"sub":"alice","nested":{"a":1,"a":2}}'),
        ('{"alg":"ES256"}', '{"sub":"alice","s\\u0075b":"admin"}'),
    ],
)
def test_two_members_of_one_name_are_refused(header: str, claims: str) -> None:
    assert fault(TRUSTED.signed(header, claims)) is TokenFault.DUPLICATE_MEMBER


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c", "crit", "b64"])
def test_a_header_that_brings_its_own_key_or_rules_is_refused(name: str) -> None:
    values: dict[str, object] = {"jwk": TRUSTED.jwk("ES256"), "crit": ["exp"], "b64": True}

    assert fault(TRUSTED.token(header={name: values.get(name, "https://x")})) is TokenFault.FORBIDDEN_HEADER


def test_a_token_has_at_most_eight_kilobytes() -> None:
    assert MAX_TOKEN_BYTES == 8_192
    assert fault("a" * 8_193) is TokenFault.TOO_LARGE
    assert fault("a" * 8_192) is TokenFault.MALFORMED
    assert fault(TRUSTED.token(groups=["g" * 8_000])) is TokenFault.TOO_LARGE


@pytest.mark.parametrize(
    "token",
    [
        "", ".", "..", "a.b", "a.b.c", "a.b.c.d", f"{encoded('[]')}.{encoded('{}')}.AA", f"{encoded('7')}.{encoded('{}')}.AA",
        f"{encoded('{}')}=.{encoded('{}')}.AA", "é.b.c", "a.b.c\n", f"{encoded(b'{}' + bytes([255]))}.AA.AA",
        f"{encoded('[' * 3_000)}.{encoded('{}')}.AA",
    ],
)  # fmt: skip
def test_what_is_no_token_is_malformed(token: str) -> None:
    assert fault(token) is TokenFault.MALFORMED


def test_why_a_token_is_refused_does_not_repeat_it() -> None:
    for token in (TRUSTED.token(sub="secret\n"), TRUSTED.token(aud="secret"), TRUSTED.token(iss="secret")):
        with pytest.raises(RefusedTokenError) as caught:
            verified(token)

        assert "secret" not in f"{caught.value!r}"


def test_a_token_that_was_verified_is_checked_again_against_the_time_and_the_keys() -> None:
    reading = Fixed(TRUSTED.key_set())
    keys = KeySet(reading)
    keys.refresh()
    issuer, token = trusted(keys=keys), verified(TRUSTED.token(), keys=keys)

    token.require_valid(issuer, NOON * MICROS)
    keys.refresh()
    token.require_valid(issuer, NOON * MICROS)
    for now in (token.valid_from - 1, token.expires_at):
        with pytest.raises(RefusedTokenError):
            token.require_valid(issuer, now)
    reading.data = TRUSTED.key_set("RS256")
    keys.refresh()

    with pytest.raises(RefusedTokenError, match="have changed"):
        token.require_valid(issuer, NOON * MICROS)
