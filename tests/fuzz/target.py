"""One parser of foreign text as the fuzzer sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

Check = Callable[[bytes], None]
"""Raises if the parser breaks a promise on an input: an error that is not documented, or an answer that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A check, inputs to begin with, and words from which the fuzzer composes more."""

    name: str
    check: Check
    seeds: tuple[bytes, ...]
    words: tuple[str, ...] = ()
    max_bytes: int = 2_048


class ByteRandom(Random):
    """A source of choices that are the bytes of an input, then zeros: the fuzzer changes bytes and so draws another case."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data, self._at = data, 0

    def getrandbits(self, k: int) -> int:
        """Return `k` bits."""
        size = (k + 7) // 8
        taken = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken.ljust(size, b"\0"), "little") & ((1 << k) - 1)

    def random(self) -> float:
        """Return a number from 0 to 1, without 1."""
        return self.getrandbits(8) / 256


def text_of(data: bytes) -> str:
    """Return bytes as text; those that are not UTF-8 become lone surrogates, which parsers must refuse or survive."""
    return data.decode("utf-8", "surrogateescape")


def parts_of(data: bytes, count: int) -> list[str]:
    """Return the first texts between line feeds; missing ones are empty."""
    return (text_of(data).split("\n", count - 1) + [""] * count)[:count]


def outcome(read: Callable[[], object], *errors: type[Exception]) -> object:
    """Return what `read` returns, or None if it raises one of `errors`; any other error is a fault."""
    try:
        return read()
    except errors:
        return None
