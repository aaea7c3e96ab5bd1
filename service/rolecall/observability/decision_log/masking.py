"""What of a record nobody is to read: values that are hashed, and values that are left out, named by JSON pointers.

    pointer = "/input/who" | "/requested_by" | "/req_id" | "/input/context" [ "/" KEY [ "*" ] ]

`*` at the end stands for any ending. Keys are compared without regard to case: a mask that is spelled otherwise than the key
would tell what it was to hide. `~1` is a slash in a key and `~0` a tilde, as in every JSON pointer.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

DEFAULT_MASKS = ("/input/context/oidc:*", "/input/context/saml:*", "/input/context/sts:ExternalId")
"""Hashed in every log: what an identity provider says of people, and what third parties keep as a secret."""

CONTEXT = "/input/context"
WHO = "/input/who"
CALLER = "/requested_by"
REQUEST_ID = "/req_id"

_TEXTS = (WHO, CALLER, REQUEST_ID)
_KEY_BYTES, _DIGEST_BYTES = 32, 16


def read_pointer(text: str) -> str:
    """Return a pointer that can be masked; raise `ValueError`. One that named nothing would hide nothing."""
    if text in _TEXTS or text == CONTEXT:
        return text
    key = text.removeprefix(f"{CONTEXT}/")
    if key == text or not key:
        places = ", ".join(f"`{place}`" for place in (*_TEXTS, CONTEXT, f"{CONTEXT}/KEY", f"{CONTEXT}/PREFIX*"))
        raise ValueError(f"names nothing that can be masked with `{text}`; use {places}")
    if "/" in key or "~" in key.replace("~0", "").replace("~1", ""):
        raise ValueError(f"has a `/` or `~` in the key of `{text}`; write `~1` for `/` and `~0` for `~`")
    return text


def context_pointer(key: str) -> str:
    """Return the pointer to the values of a condition key."""
    return f"{CONTEXT}/{key.replace('~', '~0').replace('/', '~1')}"


class MaskedFields:
    """A set of pointers."""

    def __init__(self, pointers: Iterable[str]) -> None:
        given = [f"{CONTEXT}/*" if pointer == CONTEXT else pointer for pointer in pointers]
        self.texts = frozenset(pointer for pointer in given if pointer in _TEXTS)
        keys = [_key(pointer) for pointer in given if pointer not in _TEXTS]
        self._exact = frozenset(key for key in keys if not key.endswith("*"))
        self._prefixes = tuple(key[:-1] for key in keys if key.endswith("*"))

    def have_key(self, key: str) -> bool:
        """Tell whether the values of a condition key are among the places."""
        folded = key.lower()
        return folded in self._exact or folded.startswith(self._prefixes)


@dataclass(frozen=True, slots=True)
class Masking:
    """Which values are hashed and which are left out; the latter wins. The key of the hash is of this log alone.

    Equal values have equal hashes as long as the process lives, and nobody without the key can try values out.
    """

    hashed: MaskedFields
    erased: MaskedFields
    key: bytes = field(default_factory=lambda: secrets.token_bytes(_KEY_BYTES), repr=False)

    @classmethod
    def of(cls, *, masked: Iterable[str] = (), erased: Iterable[str] = ()) -> Masking:
        """Return the masking of these pointers beside the default ones."""
        return cls(MaskedFields([*DEFAULT_MASKS, *masked]), MaskedFields(erased))

    def hash(self, value: str) -> str:
        """Return what stands for a value."""
        return "hashed:" + blake2b(value.encode(), key=self.key, digest_size=_DIGEST_BYTES).hexdigest()


class Mask:
    """Masks one record, and keeps account of what it did."""

    def __init__(self, masking: Masking) -> None:
        self._masking = masking
        self.erased: list[str] = []
        self.masked: list[str] = []

    def text(self, pointer: str, value: str) -> str | None:
        """Return what is told of a text; None: nothing."""
        if pointer in self._masking.erased.texts:
            self.erased.append(pointer)
            return None
        if pointer in self._masking.hashed.texts and value:
            self.masked.append(pointer)
            return self._masking.hash(value)
        return value

    def values(self, key: str, values: Sequence[str]) -> Sequence[str] | None:
        """Return what is told of the values of a condition key; None: nothing."""
        if self._masking.erased.have_key(key):
            self.erased.append(context_pointer(key))
            return None
        if self._masking.hashed.have_key(key):
            self.masked.append(context_pointer(key))
            return [self._masking.hash(value) for value in values]
        return values


def _key(pointer: str) -> str:
    return pointer.removeprefix(f"{CONTEXT}/").replace("~1", "/").replace("~0", "~").lower()
