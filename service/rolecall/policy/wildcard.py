"""Patterns in which `*` is any run of characters and `?` one code point, matched in bounded time.

A pattern is cut at its stars. The first piece must be at the start of the text, the last at its end, and each piece between
is matched at the first place where it is found: a later place can only leave less text for the rest. There is no
backtracking, so the time is at most the length of the pattern times the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple


class _Piece(NamedTuple):
    """A part of a pattern without stars. `find` returns its first place from a position on, or -1."""

    length: int
    find: Callable[[str, int], int]
    is_at: Callable[[str, int], bool]


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """Return the test whether the whole of a text matches `pattern`."""
    first, *rest = map(_piece, pattern.split("*"))
    if not rest:
        return lambda text: len(text) == first.length and first.is_at(text, 0)
    *middle, last = rest
    shortest = first.length + last.length

    def matches(text: str) -> bool:
        end = len(text) - last.length
        if len(text) < shortest or not first.is_at(text, 0) or not last.is_at(text, end):
            return False
        return _match_in_order(middle, text, first.length, end)

    return matches


def _match_in_order(pieces: list[_Piece], text: str, start: int, end: int) -> bool:
    for piece in pieces:
        found = piece.find(text, start)
        if found < 0:
            return False
        start = found + piece.length
    return start <= end


def _piece(piece: str) -> _Piece:
    if "?" not in piece:
        return _Piece(
            len(piece), lambda text, start: text.find(piece, start), lambda text, at: text.startswith(piece, at)
        )
    spelled = re.compile("".join("." if c == "?" else re.escape(c) for c in piece), re.DOTALL)

    def find(text: str, start: int) -> int:
        found = spelled.search(text, start)
        return found.start() if found else -1

    return _Piece(len(piece), find, lambda text, at: spelled.match(text, at) is not None)
