"""The keys of one issuer as they are at present: refreshed beside the calls, never by one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.key_reader import KeyReader
from rolecall.security.tokens.public_keys import InvalidKeySetError, IssuerKey, PublicKeys, read_key_set

COOL_DOWN_SECONDS = 30.0
"""The least time between two fetches of a key set, however many tokens name keys that it does not have."""

MAX_AGE_SECONDS = 86_400.0


class KeySet:
    """The last good keys of a source. They serve until they are `max_age` seconds old, whether or not the source answers.

    `reads` counts the attempts to read them, `errors` those that failed. `clock` is monotonic.
    """

    def __init__(
        self,
        source: KeyReader,
        *,
        max_age: float = MAX_AGE_SECONDS,
        cool_down: float = COOL_DOWN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source, self._clock = source, clock
        self._max_age, self._cool_down = max_age, cool_down
        self._reading = threading.Lock()
        self._keys: PublicKeys | None = None
        self._read_at = self._attempted_at = 0.0
        self._wanted = False
        self.reads = self.errors = 0
        self.error = ""

    @property
    def current(self) -> PublicKeys | None:
        """Return the keys, the same object while they are unchanged; None without any that are young enough."""
        return self._keys if self._keys is not None and self.age_seconds <= self._max_age else None

    @property
    def usable(self) -> bool:
        """Return whether there are keys that are young enough."""
        return self.current is not None

    @property
    def age_seconds(self) -> float:
        """Return how long ago the keys were last read or found unchanged."""
        return self._clock() - self._read_at

    def find(self, algorithm: str, key_id: str) -> tuple[PublicKeys, IssuerKey]:
        """Return the keys, and the one of them that a token names; raise `RefusedTokenError`.

        A key that is unknown makes a refresh due.
        """
        keys = self.current
        if keys is None:
            self._wanted = True
            raise RefusedTokenError(TokenFault.NO_KEYS, "the issuer's keys could not be read, or not for too long")
        if key := keys.find(algorithm, key_id):
            return keys, key
        self._wanted = True
        raise RefusedTokenError(TokenFault.UNKNOWN_KEY, "the issuer has no such key for this algorithm")

    def due(self) -> bool:
        """Return whether the keys should be read now."""
        if not self.reads:
            return True
        interval = min(self._cool_down, self.source.seconds) if self._wanted or self.error else self.source.seconds
        return self._clock() - self._attempted_at >= interval

    def refresh(self) -> None:
        """Read the keys; raise `InvalidKeySetError`, and then keep those of before. Blocks."""
        with self._reading:
            self.reads += 1
            self._attempted_at, self._wanted = self._clock(), False
            try:
                keys = read_key_set(self.source.read())
            except InvalidKeySetError as error:
                self.errors += 1
                self.error = str(error)
                raise
            self.error, self._read_at = "", self._clock()
            if self._keys is None or not _same(keys, self._keys):
                self._keys = keys


def _same(one: PublicKeys, other: PublicKeys) -> bool:
    # Keys of `cryptography` compare by value.
    return one == other
