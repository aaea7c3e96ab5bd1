"""Masking of the decision log: values that are hashed or left out, selected by JSON pointers.

    pointer = "/input/who" | "/requested_by" | "/req_id" | "/input/context" [ "/" KEY [ "*" ] ]

A final `*` matches any suffix. Keys match regardless of case. In a key, `~1` is a slash and `~0` a tilde, as in every JSON pointer.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from rolecall.policy.positions import unescaped

DEFAULT_MASKS = ("/input/context/oidc:*", "/input/context/saml:*", "/input/context/sts:ExternalId")
"""Hashed in every log: claims of identity providers about people, and secrets of third parties."""

CONTEXT = "/input/context"
WHO = "/input/who"
CALLER = "/requested_by"
REQUEST_ID = "/req_id"

_TEXTS = (WHO, CALLER, REQUEST_ID)
_KEY_BYTES, _DIGEST_BYTES = 32, 16
_ESCAPED_KEY = re.compile(r"([^/~]|~[01])+")


def read_pointer(text: str) -> str:
    """Return a pointer to something that can be masked; raise `ValueError`."""
    if text in _TEXTS or text == CONTEXT:
        return text
    key = text.removeprefix(f"{CONTEXT}/")
    if key == text or not key:
        places = ", ".join(f"`{place}`" for place in (*_TEXTS, CONTEXT, f"{CONTEXT}/KEY", f"{CONTEXT}/PREFIX*"))
        raise ValueError(f"names nothing that can be masked with `{text}`; use {places}")
    if not _ESCAPED_KEY.fullmatch(key):
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
        self._exact = frozenset(keys)
        self._prefixes = tuple(key[:-1] for key in keys if key.endswith("*"))

    def have_key(self, key: str) -> bool:
        """Return whether the values of a condition key are in the set."""
        # A mask in another case than the key must still hide the value.
        folded = key.lower()
        return folded in self._exact or folded.startswith(self._prefixes)


@dataclass(frozen=True, slots=True)
class Masking:
    """Which values are hashed and which are left out; a value in both sets is left out.

    The hash is keyed with a secret of this process: equal values have equal hashes, and guessed values cannot be verified.
    """

    hashed: MaskedFields
    erased: MaskedFields
    key: bytes = field(default_factory=lambda: secrets.token_bytes(_KEY_BYTES), repr=False)

    @classmethod
    def of(cls, *, masked: Iterable[str] = (), erased: Iterable[str] = ()) -> Masking:
        """Return a masking with these pointers and the default ones."""
        return cls(MaskedFields([*DEFAULT_MASKS, *masked]), MaskedFields(erased))

    def hash(self, value: str) -> str:
        """Return the hash that replaces a value."""
        return "hashed:" + blake2b(value.encode(), key=self.key, digest_size=_DIGEST_BYTES).hexdigest()


class Mask:
    """Masks one record, and lists the pointers that it hashed and left out."""

    def __init__(self, masking: Masking) -> None:
        self._masking = masking
        self.erased: list[str] = []
        self.masked: list[str] = []

    def text(self, pointer: str, value: str) -> str | None:
        """Return a text as it is logged; None: it is left out."""
        if pointer in self._masking.erased.texts:
            self.erased.append(pointer)
            return None
        if pointer in self._masking.hashed.texts and value:
            self.masked.append(pointer)
            return self._masking.hash(value)
        return value

    def values(self, key: str, values: Sequence[str]) -> Sequence[str] | None:
        """Return the values of a condition key as they are logged; None: they are left out."""
        if self._masking.erased.have_key(key):
            self.erased.append(context_pointer(key))
            return None
        if self._masking.hashed.have_key(key):
            self.masked.append(context_pointer(key))
            return [self._masking.hash(value) for value in values]
        return values


def _key(pointer: str) -> str:
    # `~1` first: `~01` is a tilde and a one, not a slash.
    return unescaped(pointer.removeprefix(f"{CONTEXT}/")).lower()
