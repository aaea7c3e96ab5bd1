"""Tokens that were verified, so that a caller's next call does not verify its token again.

A token is remembered by its hash: what is in memory does not let anybody in. What is found is still checked against the clock
and the keys, so a memo only saves the work on the signature. For one event loop.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from sys import getsizeof
from typing import Generic, TypeVar

from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.verifier import VerifiedToken

T = TypeVar("T")

MAX_TOKENS = 10_000
MAX_BYTES = 16 * 1024 * 1024

_ENTRY_BYTES = 520
_REFUSAL_MICROS = 100_000


def token_hash(text: str) -> bytes:
    """Return the hash that a token is remembered by."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


class RememberedTokens(Generic[T]):
    """What at most so many tokens, of so many bytes, are; the token that was not used for the longest time is dropped first."""

    def __init__(self, max_tokens: int = MAX_TOKENS, max_bytes: int = MAX_BYTES) -> None:
        self._tokens: OrderedDict[bytes, tuple[T, int]] = OrderedDict()
        self._max_tokens, self._max_bytes = max_tokens, max_bytes
        self.bytes = 0

    def get(self, key: bytes) -> T | None:
        """Return a token that is remembered."""
        found = self._tokens.get(key)
        if found is None:
            return None
        self._tokens.move_to_end(key)
        return found[0]

    def put(self, key: bytes, token: T, weight: int) -> None:
        """Remember what a token is, which takes so many bytes."""
        self.drop(key)
        if weight > self._max_bytes:
            return
        self._tokens[key] = token, weight
        self.bytes += weight
        while self.bytes > self._max_bytes or len(self._tokens) > self._max_tokens:
            _, (_, dropped) = self._tokens.popitem(last=False)
            self.bytes -= dropped

    def drop(self, key: bytes) -> None:
        """Forget a token."""
        if found := self._tokens.pop(key, None):
            self.bytes -= found[1]

    def __len__(self) -> int:
        return len(self._tokens)


class LastRefusal:
    """The token that was refused last: a call that cannot be answered at once is read a second time in the next moment."""

    def __init__(self) -> None:
        self._key, self._until = b"", 0
        self._fault, self._why = TokenFault.MALFORMED, ""

    def note(self, key: bytes, error: RefusedTokenError, now: int) -> None:
        """Remember for a moment why a token was refused at the time `now`, in microseconds."""
        self._key, self._until, self._fault, self._why = key, now + _REFUSAL_MICROS, error.fault, error.why

    def raise_again(self, key: bytes, now: int) -> None:
        """Raise `RefusedTokenError` if this token was refused a moment ago."""
        if key == self._key and now < self._until:
            raise RefusedTokenError(self._fault, self._why)


def token_bytes(token: VerifiedToken) -> int:
    """Return the memory of a verified token with its entry."""
    texts = (token.issuer, token.subject, *token.audiences)
    return _ENTRY_BYTES + getsizeof(token.audiences) + sum(map(getsizeof, texts))
