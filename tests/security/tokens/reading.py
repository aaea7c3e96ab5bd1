"""Sources of key sets whose content a test sets."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.security.tokens.public_keys import InvalidKeySetError


@dataclass
class Fixed:
    """Gives what it is set to; an error if that is nothing."""

    data: bytes
    seconds: float = 300.0
    reads: int = 0

    def read(self) -> bytes:
        self.reads += 1
        if not self.data:
            raise InvalidKeySetError("cannot be reached")
        return self.data


@dataclass
class Clock:
    """A monotonic clock that a test moves."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now
