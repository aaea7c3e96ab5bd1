"""The public keys of an issuer: a JSON Web Key Set (RFC 7517), and which of its keys may verify what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

MAX_KEY_SET_BYTES = 256 * 1024
MAX_KEYS = 100
MIN_RSA_BITS, MAX_RSA_BITS = 2_048, 8_192

PublicKey: TypeAlias = "RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey"

_CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}

_SAMPLE = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
"""An algorithm of each type of key, by which the library reads every key of the type."""


class InvalidKeySetError(Exception):
    """A key set cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One key. Without `algorithm` it verifies all algorithms of its type."""

    key_id: str
    algorithm: str
    key: PublicKey

    def verifies(self, algorithm: str) -> bool:
        """Return whether the key may verify a signature of this algorithm."""
        return self.algorithm in {"", algorithm} and _fits(self.key, algorithm)


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """The keys of a set that verify signatures."""

    keys: tuple[IssuerKey, ...]

    def find(self, algorithm: str, key_id: str) -> IssuerKey | None:
        """Return the key that a token names; of a token that names none, the only key for its algorithm."""
        found = [key for key in self.keys if (not key_id or key.key_id == key_id) and key.verifies(algorithm)]
        return found[0] if len(found) == 1 else None


def read_key_set(data: bytes) -> PublicKeys:
    """key_set = {"keys": [key, ...]}; keys of other kinds and uses are skipped. Raise `InvalidKeySetError`."""
    if len(data) > MAX_KEY_SET_BYTES:
        raise InvalidKeySetError(f"the key set has more than {MAX_KEY_SET_BYTES} bytes")
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_members)
    except (ValueError, RecursionError):
        raise InvalidKeySetError("the key set is not JSON, or two members have one name") from None
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise InvalidKeySetError(f"the key set must be an object with a list `keys` of at most {MAX_KEYS} keys")
    keys = PublicKeys(tuple(key for each in listed if (key := _key(each))))
    if not keys.keys:
        raise InvalidKeySetError("the key set has no public key that verifies signatures")
    return keys


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _key(member: object) -> IssuerKey | None:
    """key = {"kty", "kid"?, "alg"?, "use"?, ...}; None for one that does not verify signatures."""
    if not isinstance(member, dict):
        raise InvalidKeySetError("each of `keys` must be an object")
    kind = member.get("kty")
    if not isinstance(kind, str) or kind not in _SAMPLE or member.get("use", "sig") != "sig":
        return None
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    if "d" in member:
        raise InvalidKeySetError(
            "a key of the set is private: the issuer published what signs its tokens; replace the key"
        )
    key_id, algorithm = member.get("kid", ""), member.get("alg", "")
    if not isinstance(key_id, str) or not isinstance(algorithm, str):
        raise InvalidKeySetError("`kid` and `alg` of a key must be strings")
    key = _public_key(member)
    if key is None or (algorithm and not _fits(key, algorithm)):
        return None
    return IssuerKey(key_id, algorithm, key)


def _public_key(member: Mapping[str, Any]) -> PublicKey | None:
    """Return the key; None for one of a curve or size that is not accepted."""
    try:
        key = PyJWK.from_dict(dict(member), _SAMPLE[member["kty"]]).key
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    return key if isinstance(key, (RSAPublicKey, EllipticCurvePublicKey, Ed25519PublicKey)) else None


def _fits(key: PublicKey, algorithm: str) -> bool:
    """Return whether a key is of the type and size of an algorithm."""
    if isinstance(key, RSAPublicKey):
        return algorithm[:2] in {"RS", "PS"} and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS
    if isinstance(key, EllipticCurvePublicKey):
        return _CURVES.get(algorithm) == key.curve.name
    return algorithm == "EdDSA"
