"""Consistency and page tokens: opaque, authenticated, and valid for one history of the store.

token = base64url(kind history payload mac), where `history` is a digest of the incarnation and `mac` is HMAC-SHA256 (its
first 16 bytes) over all before it, and for a page over the filter too. Each token has one spelling: no other
encoding of the same bytes is accepted.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from rolecall.roles.errors import InvalidTokenError, UnknownIncarnationError
from rolecall.roles.role import Revision

MAX_TOKEN_CHARACTERS = 1_024

_CONSISTENCY, _PAGE = b"c", b"p"
_NAMES = {_CONSISTENCY: "consistency_token", _PAGE: "page_token"}
_HISTORY_BYTES = _MAC_BYTES = 16
_FRAME_BYTES = 1 + _HISTORY_BYTES + _MAC_BYTES
_MEMOISED_TOKENS = 16


class Tokens:
    """Makes and reads the tokens of one store."""

    def __init__(self, key: bytes, incarnation: str) -> None:
        self.adopt(key, incarnation)

    def adopt(self, key: bytes, incarnation: str) -> None:
        """Change to another history; tokens of the one before then raise `UnknownIncarnationError` or `InvalidTokenError`."""
        self._key = key
        self._history = hashlib.sha256(incarnation.encode()).digest()[:_HISTORY_BYTES]
        self._memoised = lru_cache(maxsize=_MEMOISED_TOKENS)(self._consistency)

    def consistency(self, revision: Revision) -> str:
        """Return the token of a revision. Memoised, since many requests have answers of one revision."""
        return self._memoised(revision)

    def revision_of(self, token: str) -> Revision:
        """Return the revision of a consistency token.

        Raise `InvalidTokenError` if it is not authentic, `UnknownIncarnationError` if it comes from another history.
        """
        history, payload = self._opened(_CONSISTENCY, token, b"")
        if history != self._history:
            raise UnknownIncarnationError(
                "the consistency token comes from another history of the store; read without it"
            )
        if len(payload) != 8:
            raise _invalid(_CONSISTENCY)
        return Revision(int.from_bytes(payload, "big"))

    def page(self, cursor: str, *, filter: tuple[str, ...]) -> str:
        """Return the token with which a list continues after `cursor`; it is valid for the same `filter` only."""
        return self._sealed(_PAGE, cursor.encode(), _canonical(filter))

    def cursor_of(self, token: str, *, filter: tuple[str, ...]) -> str:
        """Return the cursor of a page token; raise `InvalidTokenError` if it is not a token of this filter."""
        history, payload = self._opened(_PAGE, token, _canonical(filter))
        if history != self._history:
            raise _invalid(_PAGE)
        return payload.decode()

    def _consistency(self, revision: Revision) -> str:
        return self._sealed(_CONSISTENCY, revision.to_bytes(8, "big"), b"")

    def _sealed(self, kind: bytes, payload: bytes, bound: bytes) -> str:
        body = kind + self._history + payload
        return _encoded(body + self._mac(body, bound))

    def _opened(self, kind: bytes, token: str, bound: bytes) -> tuple[bytes, bytes]:
        sealed = _decoded(kind, token)
        body, mac = sealed[:-_MAC_BYTES], sealed[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body, bound)) or body[:1] != kind:
            raise _invalid(kind)
        return body[1 : 1 + _HISTORY_BYTES], body[1 + _HISTORY_BYTES :]

    def _mac(self, body: bytes, bound: bytes) -> bytes:
        return hmac.digest(self._key, len(body).to_bytes(4, "big") + body + bound, "sha256")[:_MAC_BYTES]


def _canonical(filter: tuple[str, ...]) -> bytes:
    # Length prefixes, so that ("ab", "c") and ("a", "bc") are two filters.
    parts = [part.encode() for part in filter]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _encoded(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _decoded(kind: bytes, token: str) -> bytes:
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise _invalid(kind)
    try:
        sealed = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except ValueError:
        raise _invalid(kind) from None
    # The decoder ignores characters outside its alphabet and spare bits; a token has one spelling.
    if len(sealed) < _FRAME_BYTES or _encoded(sealed) != token:
        raise _invalid(kind)
    return sealed


def _invalid(kind: bytes) -> InvalidTokenError:
    name = _NAMES[kind]
    hint = "start the list again without it" if kind == _PAGE else "read without it"
    return InvalidTokenError(name, f"`{name}` was not issued by this store for this request; {hint}")
