"""JSON Web Tokens and key sets: no change of a token is verified, and no key set that is not one is read."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

from rolecall.security.tokens.faults import RefusedTokenError
from rolecall.security.tokens.key_set import KeySet
from rolecall.security.tokens.public_keys import InvalidKeySetError, PublicKeys, read_key_set
from rolecall.security.tokens.unverified import MAX_TOKEN_BYTES, UnverifiedToken, read_token
from rolecall.security.tokens.verifier import TrustedIssuer, VerifiedToken, verify_token
from tests.fuzz.target import Target, outcome, text_of

_ISSUER, _AUDIENCE, _NOW = "https://oidc.example", "rolecall", 1_800_000_000
_CLAIMS = {"iss": _ISSUER, "sub": "repo:a/b", "aud": [_AUDIENCE], "iat": _NOW - 10, "exp": _NOW + 600}
# Always the same key, so that a seed repeats a run. It is worth nothing.
_KEY = derive_private_key(20_261_129, SECP256R1())
_PUBLIC_PEM = _KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def _part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _jwks() -> bytes:
    key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(_KEY.public_key()))
    return json.dumps({"keys": [{**key, "kid": "k1", "use": "sig", "alg": "ES256"}]}).encode()


class _Source:
    seconds = 300.0

    def read(self) -> bytes:
        """Return the key set."""
        return _jwks()


def _trusted() -> TrustedIssuer:
    keys = KeySet(_Source(), clock=lambda: 0.0)
    keys.refresh()
    return TrustedIssuer(
        issuer=_ISSUER,
        audiences=frozenset({_AUDIENCE}),
        algorithms=frozenset({"ES256"}),
        keys=keys,
        max_age_seconds=3_600,
    )


_TRUSTED = _trusted()
_GENUINE = jwt.encode(_CLAIMS, _KEY, "ES256", headers={"kid": "k1"})


def check_token(data: bytes) -> None:
    """A token is refused with its reason, or it is the one that was signed."""
    text = text_of(data)
    verified = outcome(lambda: verify_token(text, lambda _: _TRUSTED, _NOW * 1_000_000), RefusedTokenError)
    if isinstance(verified, VerifiedToken):
        assert text.rpartition(".")[0] == _GENUINE.rpartition(".")[0]
        assert (verified.issuer, verified.subject, verified.audiences) == (_ISSUER, "repo:a/b", (_AUDIENCE,))
    else:
        assert text != _GENUINE


def check_claims(data: bytes) -> None:
    """The header and the claims, which are lines of the input, are refused or read as the library reads them."""
    header, _, claims = data.partition(b"\n")
    parts = [urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, claims, b"signature")]
    text = ".".join(parts)
    token = outcome(lambda: read_token(text), RefusedTokenError)
    if isinstance(token, UnverifiedToken):
        assert len(text) <= MAX_TOKEN_BYTES
        read = jwt.decode(text, options={"verify_signature": False, "verify_aud": False, "verify_sub": False})
        audience = read["aud"] if isinstance(read["aud"], list) else [read["aud"]]
        assert (token.issuer, token.subject, list(token.audiences)) == (read["iss"], read["sub"], audience)
        assert (token.expires_at, token.issued_at) == (read["exp"], read["iat"])
        assert token.algorithm == jwt.get_unverified_header(text)["alg"]


def check_key_set(data: bytes) -> None:
    """A key set is refused, or it has keys that fit the algorithms they are for, and none is symmetric or private."""
    keys = outcome(lambda: read_key_set(data), InvalidKeySetError)
    if isinstance(keys, PublicKeys):
        assert keys.keys
        assert not any(key.verifies(a) for key in keys.keys for a in ("none", "HS256", "HS512", ""))
        assert not any(hasattr(key.key, "private_bytes") for key in keys.keys)


_HEADERS = (
    {"alg": "ES256", "kid": "k1", "typ": "JWT"}, {"alg": "none"}, {"alg": "HS256", "kid": "k1"}, {"alg": "ES256", "crit": ["exp"]},
    {"alg": "ES256", "jku": "https://evil.example"}, {"alg": "es256"},
)  # fmt: skip
_FORGED = (
    jwt.encode(_CLAIMS, "", "none"),
    f"{_part(_HEADERS[2])}.{_part(_CLAIMS)}.{urlsafe_b64encode(_PUBLIC_PEM[:32]).decode()}",
    *(f"{_part(header)}.{_part(_CLAIMS)}.{_GENUINE.rpartition('.')[2]}" for header in _HEADERS),
)
_WORDS = (
    '"iss":', '"sub":', '"aud":', '"exp":', '"iat":', '"nbf":', '"alg":"none"', '"alg":"HS256"', '"kid":"k1"', '"crit":[', '"b64":false',
    "1e308", "true", "null", "\\\\ud800", "\\\\u0000", "NaN", "9999999999999", "-1", "1800000000", '["rolecall"]', '"https://oidc.example"',
)  # fmt: skip
_KEY_WORDS = (
    '"kty":',
    '"oct"',
    '"RSA"',
    '"EC"',
    '"OKP"',
    '"crv":"Ed25519"',
    '"k":"',
    '"d":"',
    '"use":"enc"',
    '"key_ops":["sign"]',
    '"alg":',
)
_CLAIM_SEEDS = tuple(json.dumps(header).encode() + b"\n" + json.dumps(_CLAIMS).encode() for header in _HEADERS)

TARGETS = (
    Target(name="web-token", check=check_token, seeds=tuple(t.encode() for t in (_GENUINE, *_FORGED)), words=tuple(_GENUINE.split("."))),
    Target(name="web-token-claims", check=check_claims, seeds=_CLAIM_SEEDS, words=_WORDS),
    Target(name="key-set", check=check_key_set, seeds=(_jwks(), b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "AAAA"}]}', b'{"keys": [{"kty": [{}],"d":"6"}]}'), words=_KEY_WORDS),
)  # fmt: skip
