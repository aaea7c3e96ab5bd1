"""Consistency and page tokens: opaque, authenticated, and valid for one history of the store.

token = base64url(kind history payload mac), where `history` is a digest of the incarnation and `mac` is HMAC-SHA256 (its
first 16 bytes) over all before it, and for a page over the filter too. The payload of a page is masked afterwards: its cursor may
be the name of a role that the caller may not see. Each token has one spelling: no other encoding of the same bytes is accepted.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from operator import xor

from rolecall.roles.errors import InvalidTokenError, UnknownIncarnationError
from rolecall.roles.role import Revision

MAX_TOKEN_CHARACTERS = 1_024

_CONSISTENCY, _PAGE = b"c", b"p"
_NAMES = {_CONSISTENCY: "consistency_token", _PAGE: "page_token"}
_HISTORY_BYTES = _MAC_BYTES = 16
_PAYLOAD_AT = 1 + _HISTORY_BYTES
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

    def revision_of(self, token: str, field: str = "consistency_token") -> Revision:
        """Return the revision of a consistency token; errors name the field of the request that it came in.

        Raise `InvalidTokenError` if it is not authentic, `UnknownIncarnationError` if it comes from another history.
        """
        try:
            sealed = _decoded(_CONSISTENCY, token)
            history, payload = self._authentic(_CONSISTENCY, sealed[:-_MAC_BYTES], sealed[-_MAC_BYTES:], b"")
        except InvalidTokenError:
            raise _invalid(_CONSISTENCY, field) from None
        if history != self._history:
            raise UnknownIncarnationError(f"`{field}` comes from another history of the store; read without it")
        if len(payload) != 8:
            raise _invalid(_CONSISTENCY, field)
        return Revision(int.from_bytes(payload, "big"))

    def page(self, cursor: str, *, filter: tuple[str, ...]) -> str:
        """Return the token with which a list continues after `cursor`; it is valid for the same `filter` only."""
        body, bound = _PAGE + self._history + cursor.encode(), _canonical(filter)
        mac = self._mac(body, bound)
        return _encoded(self._masked(body, mac) + mac)

    def cursor_of(self, token: str, *, filter: tuple[str, ...]) -> str:
        """Return the cursor of a page token; raise `InvalidTokenError` if it is not a token of this filter."""
        sealed = _decoded(_PAGE, token)
        mac = sealed[-_MAC_BYTES:]
        history, payload = self._authentic(_PAGE, self._masked(sealed[:-_MAC_BYTES], mac), mac, _canonical(filter))
        if history != self._history:
            raise _invalid(_PAGE)
        return payload.decode()

    def _consistency(self, revision: Revision) -> str:
        body = _CONSISTENCY + self._history + revision.to_bytes(8, "big")
        return _encoded(body + self._mac(body, b""))

    def _masked(self, body: bytes, mac: bytes) -> bytes:
        """Return the body with its payload masked, or unmasked; the mask depends on the code that authenticates it."""
        payload = body[_PAYLOAD_AT:]
        blocks = (hmac.digest(self._key, b"mask" + bytes([n]) + mac, "sha256") for n in range(len(payload) // 32 + 1))
        return body[:_PAYLOAD_AT] + bytes(map(xor, payload, b"".join(blocks)))

    def _authentic(self, kind: bytes, body: bytes, mac: bytes, bound: bytes) -> tuple[bytes, bytes]:
        """Return the history and the payload of a body; raise `InvalidTokenError` if it is not authentic."""
        if not hmac.compare_digest(mac, self._mac(body, bound)) or body[:1] != kind:
            raise _invalid(kind)
        return body[1:_PAYLOAD_AT], body[_PAYLOAD_AT:]

    def _mac(self, body: bytes, bound: bytes) -> bytes:
        return hmac.digest(self._key, len(body).to_bytes(4, "big") + body + bound, "sha256")[:_MAC_BYTES]


def _canonical(filter: tuple[str, ...]) -> bytes:
    # Length prefixes, so that ("ab", "c") and ("a", "bc") are two filters.
    parts = [part.encode() for part in filter]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _encoded(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().replace("=", "")


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


def _invalid(kind: bytes, field: str = "") -> InvalidTokenError:
    name = field or _NAMES[kind]
    hint = "start the list again without it" if kind == _PAGE else "read without it"
    return InvalidTokenError(name, f"`{name}` was not issued by this store for this request; {hint}")
