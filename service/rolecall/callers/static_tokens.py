"""Static tokens: random texts that name a caller by their hash in the callers file."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

STATIC_PREFIX = "rct_"
"""Shows a person, and a scanner of source code, what the text is."""

_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class StaticToken:
    """A token, and its hash for the callers file."""

    text: str = field(repr=False)
    sha256: str


def new_token() -> StaticToken:
    """Return a new token of 256 random bits."""
    # So much that the hash needs neither salt nor a slow function: nobody can try all texts.
    text = STATIC_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return StaticToken(text, hashlib.sha256(text.encode()).hexdigest())
