"""Which keys of a set are used, and when a set is read again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import InvalidKeyError

from rolecall.security.tokens import public_keys
from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.key_set import KeySet
from rolecall.security.tokens.public_keys import InvalidKeySetError, PublicKeys, read_key_set
from tests.security.tokens.issuing import Issuer
from tests.security.tokens.reading import Clock, Fixed

ISSUED = Issuer()


def key_set(*members: object, **more: object) -> bytes:
    return json.dumps({"keys": [*members], **more}).encode()


def key_ids(*members: object) -> list[str]:
    return [key.key_id for key in read_key_set(key_set(*members)).keys]


# --- keys ------------------------------------------------------------------------------------------------------------------


def rsa_jwk(bits: int, **fields: object) -> dict[str, object]:
    method: Any = get_default_algorithms()["RS256"]
    numbers = rsa.RSAPublicNumbers(65_537, (1 << (bits - 1)) | 1)
    return {**json.loads(method.to_jwk(numbers.public_key())), **fields}


@pytest.mark.parametrize(("bits", "used"), [(2_047, False), (2_048, True), (8_192, True), (8_193, False)])
def test_an_rsa_key_has_2048_to_8192_bits(bits: int, used: bool) -> None:
    keys = read_key_set(key_set(rsa_jwk(bits, kid="k"), ISSUED.jwk("ES256")))

    for algorithm in ("RS256", "RS512", "PS256", "PS384"):
        assert (keys.find(algorithm, "k") is not None) is used
    for other in ("ES256", "EdDSA", "HS256", "XS256"):
        assert keys.find(other, "k") is None


CURVES: dict[str, Any] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


@pytest.mark.parametrize("algorithm", CURVES)
def test_a_curve_has_its_algorithm_and_no_other(algorithm: str) -> None:
    method: Any = get_default_algorithms()[algorithm]
    public = ec.generate_private_key(CURVES[algorithm]).public_key()
    jwk = json.loads(method.to_jwk(public))

    keys = read_key_set(key_set({**jwk, "kid": "k"}))

    found = [name for name in (*CURVES, "RS256", "EdDSA") if keys.find(name, "k")]
    assert found == [algorithm]


def test_an_edwards_key_verifies_eddsa_alone() -> None:
    keys = read_key_set(key_set(ISSUED.jwk("EdDSA", alg=None)))

    assert [name for name in ("EdDSA", "ES256", "RS256") if keys.find(name, "eddsa")] == ["EdDSA"]


def test_a_key_without_an_algorithm_verifies_all_of_its_type_and_one_with_it_that_one() -> None:
    free, bound = read_key_set(key_set(ISSUED.jwk("RS256", alg=None))), read_key_set(key_set(ISSUED.jwk("RS256")))

    assert [bool(keys.find(name, "rs256")) for keys in (free, bound) for name in ("RS256", "PS512")] == [True, True, True, False]  # fmt: skip
    (nameless,) = read_key_set(key_set(ISSUED.jwk("ES256", alg=None, kid=None))).keys
    assert (nameless.key_id, nameless.algorithm) == ("", "")
    assert PublicKeys((nameless,)).find("ES256", "") is nameless
    assert PublicKeys((nameless,)).find("ES256", "es256") is None


@pytest.mark.parametrize(
    ("fields", "used"),
    [
        ({"use": None}, True), ({"use": "sig"}, True), ({"use": "enc"}, False), ({"key_ops": ["verify"]}, True),
        ({"key_ops": ["sign", "verify"]}, True), ({"key_ops": []}, False), ({"key_ops": "verify"}, False), ({"kty": "oct"}, False),
        ({"kty": ["EC"]}, False), ({"crv": "P-384"}, False), ({"crv": "P-1"}, False), ({"x": None}, False), ({"y": 7}, False),
        ({"x": "!"}, False), ({"kty": "OKP"}, False), ({"kty": "RSA"}, False), ({"alg": "ES384"}, False), ({"alg": "RS256"}, False), ({"kid": None}, True),
    ],
    ids=str,
)  # fmt: skip
def test_a_key_that_does_not_verify_signatures_is_skipped(fields: dict[str, object], used: bool) -> None:
    ids = key_ids(ISSUED.jwk("ES256", **fields), ISSUED.jwk("RS256"))

    assert len(ids) == (2 if used else 1)
    assert ids[-1] == "rs256"


@pytest.mark.parametrize("curve", ["P-384", "P-521", "Ed25519", 7])
def test_a_member_that_keys_of_a_type_do_not_have_is_ignored(curve: object) -> None:
    assert key_ids(ISSUED.jwk("RS256", crv=curve, other="x"), ISSUED.jwk("ES256", e="AQAB")) == ["rs256", "es256"]


@pytest.mark.parametrize("error", [InvalidKeyError("x"), ValueError("x"), TypeError("x"), KeyError("x")], ids=repr)
def test_a_key_that_the_library_cannot_read_is_skipped_whatever_it_raises(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = public_keys.PyJWK.from_dict  # type: ignore[attr-defined]

    def reading(jwk: dict[str, Any], algorithm: str) -> Any:
        if jwk["kid"] == "bad":
            raise error
        return read(jwk, algorithm)

    monkeypatch.setattr("rolecall.security.tokens.public_keys.PyJWK.from_dict", reading)

    assert key_ids(ISSUED.jwk("ES256", kid="bad"), ISSUED.jwk("ES256")) == ["es256"]


def test_a_set_has_at_most_100_keys_and_262144_bytes() -> None:
    hundred = [ISSUED.jwk("ES256", kid=f"k{number}") for number in range(100)]
    assert len(read_key_set(key_set(*hundred)).keys) == 100
    with pytest.raises(InvalidKeySetError, match="at most 100 keys"):
        read_key_set(key_set(*hundred, hundred[0]))

    small = key_set(ISSUED.jwk("ES256"))
    assert read_key_set(small + b" " * (262_144 - len(small))).keys
    with pytest.raises(InvalidKeySetError, match="more than 262144 bytes"):
        read_key_set(small + b" " * (262_144 - len(small) + 1))


@pytest.mark.parametrize("field", ["kid", "alg"])
def test_the_names_of_a_key_are_texts(field: str) -> None:
    with pytest.raises(InvalidKeySetError, match="`kid` and `alg` of a key must be strings"):
        key_ids(ISSUED.jwk("ES256", **{field: 7}))


# --- when a set is read ----------------------------------------------------------------------------------------------------


def test_keys_that_became_too_old_are_asked_for_before_the_interval_ends() -> None:
    clock = Clock()
    keys = KeySet(Fixed(ISSUED.key_set()), max_age=60, clock=clock)
    keys.refresh()
    clock.now += 60
    assert keys.usable
    clock.now += 0.5
    assert (keys.usable, keys.due()) == (False, False)

    with pytest.raises(RefusedTokenError) as caught:
        keys.find("ES256", "es256")

    assert caught.value.fault is TokenFault.NO_KEYS
    assert keys.due()


@pytest.mark.parametrize(("interval", "after"), [(10.0, 10.0), (300.0, 30.0)])
def test_after_a_failure_or_an_unknown_key_a_set_is_read_after_30_seconds_or_its_interval(
    interval: float, after: float
) -> None:
    reading, clock = Fixed(ISSUED.key_set(), seconds=interval), Clock()
    keys = KeySet(reading, clock=clock)
    for cause in ("unknown key", "failure"):
        reading.data = ISSUED.key_set()
        keys.refresh()
        if cause == "failure":
            reading.data = b""
            with pytest.raises(InvalidKeySetError):
                keys.refresh()
        else:
            with pytest.raises(RefusedTokenError):
                keys.find("ES256", "none")

        clock.now += after - 0.001
        assert not keys.due()
        clock.now += 0.001
        assert keys.due()


def test_attempts_and_failures_are_counted_and_an_unchanged_set_is_the_same_object() -> None:
    reading, clock = Fixed(ISSUED.key_set()), Clock()
    keys = KeySet(reading, clock=clock)
    assert (keys.due(), keys.usable, keys.reads, keys.errors, keys.error) == (True, False, 0, 0, "")

    keys.refresh()
    first = keys.current
    clock.now += 5
    keys.refresh()
    assert keys.current is first
    assert (keys.reads, keys.errors, keys.age_seconds) == (2, 0, 0)
    clock.now += 5
    reading.data = b""
    for _ in range(2):
        with pytest.raises(InvalidKeySetError):
            keys.refresh()
    assert (keys.reads, keys.errors, keys.error, keys.age_seconds) == (4, 2, "cannot be reached", 5)
    reading.data = ISSUED.key_set("RS256")
    keys.refresh()
    assert (keys.reads, keys.errors, keys.error, keys.age_seconds) == (5, 2, "", 0)
    assert keys.current is not first
