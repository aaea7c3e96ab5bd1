"""Patterns in which `*` is any run of characters and `?` one code point, matched in bounded time.

A pattern is cut at its stars. The first piece must be at the start of the text, the last at its end, and each piece between
is matched at the first place where it is found: a later place can only leave less text for the rest. There is no
backtracking. A piece with one part between its `?` is found by `str.find`; one with several parts is found at all places of
the text at once, as bits of integers. So the time is at most that of one bit operation over the text for each character of
the pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

_MARK = "\x01"
_MARK_TO_ONE = bytes(ord("1") if code == ord(_MARK) else ord("0") for code in range(256))


class CharacterPlaces(dict[str, int]):
    """The places of each character in a text: bit `i` is set if the character is at index `i`. Computed on first use."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __missing__(self, character: str) -> int:
        places = self[character] = self._places(character)
        return places

    def _places(self, character: str) -> int:
        text, places, at = self.text, 0, self.text.find(character)
        # A text of many characters has each of them rarely: found one by one, all together take the time of a few.
        for _ in range(2 + len(text) // 64):
            if at < 0:
                return places
            places |= 1 << at
            at = text.find(character, at + 1)
        # All in C: mark the character, make the text a row of binary digits, and read the row as one number.
        marked = text if character == _MARK else text.replace(_MARK, " ").replace(character, _MARK)
        return int(marked.encode("latin-1", "replace").translate(_MARK_TO_ONE)[::-1], 2)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a pattern without stars: its length, its parts without `?`, and its characters, each with their offset."""

    length: int
    parts: tuple[tuple[int, str], ...]
    characters: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, text: str) -> _Piece:
        """Return the piece that `text` spells."""
        characters = tuple((offset, character) for offset, character in enumerate(text) if character != "?")
        return cls(len(text), tuple(_parts(text)), characters)

    def is_at(self, text: str, at: int) -> bool:
        """Return whether the piece matches at an index from which the text is long enough."""
        for offset, part in self.parts:
            if not text.startswith(part, at + offset):
                return False
        return True

    def find(self, places: CharacterPlaces, start: int, end: int) -> int:
        """Return the first index from `start` at which the piece matches before `end`, or -1."""
        starts = end - start - self.length + 1
        if starts <= 0:
            return -1
        found = (1 << starts) - 1
        for offset, character in self.characters:
            found &= places[character] >> (start + offset)
            if not found:
                return -1
        return start + (found & -found).bit_length() - 1


Find: TypeAlias = Callable[[str, CharacterPlaces, int, int], int]
"""Returns the first index between two at which a piece matches in a text with these places, or -1."""

Pattern: TypeAlias = Callable[[str, CharacterPlaces], bool]
"""Returns whether a pattern matches the whole of a text with these places."""


class PatternShape(NamedTuple):
    """What matching a pattern takes at most.

    `literals` parts are compared at one place each, `searches` parts of together `searched_characters` are searched for, and
    `masked_pieces` with these characters are found by the places of the characters.
    """

    literals: int
    searches: int
    searched_characters: int
    masked_pieces: int
    masked_characters: str


def pattern_shape(pattern: str) -> PatternShape:
    """Return the shape of a pattern, from which its work is estimated."""
    first, *middle = pattern.split("*")
    last = middle.pop() if middle else ""
    pieces = [list(_parts(piece)) for piece in middle if piece]
    searched = [parts[0][1] for parts in pieces if len(parts) == 1]
    masked = [part for parts in pieces if len(parts) != 1 for _, part in parts]
    return PatternShape(
        literals=len(list(_parts(first))) + len(list(_parts(last))),
        searches=len(searched),
        searched_characters=sum(map(len, searched)),
        masked_pieces=len(pieces) - len(searched),
        masked_characters="".join(masked),
    )


def compile_pattern(pattern: str) -> Pattern:
    """Return the test whether `pattern` matches a whole text."""
    if "*" not in pattern:
        return _without_stars(pattern)
    first, *middle, last = pattern.split("*")
    head, tail = _Piece.of(first), _Piece.of(last)
    finders = [(len(piece), _finder(piece)) for piece in middle if piece]
    shortest = head.length + tail.length

    def matches(text: str, places: CharacterPlaces) -> bool:
        start, end = head.length, len(text) - tail.length
        if shortest and (len(text) < shortest or not head.is_at(text, 0) or not tail.is_at(text, end)):
            return False
        for length, find in finders:
            start = find(text, places, start, end)
            if start < 0:
                return False
            start += length
        return True

    return matches


def matches_any(patterns: Sequence[Pattern]) -> Callable[[str], bool]:
    """Return the test whether any of some patterns matches a whole text."""

    def matches(text: str) -> bool:
        # Shared by the patterns, so that the places of a character are computed once for a text.
        places = CharacterPlaces(text)
        for pattern in patterns:
            if pattern(text, places):
                return True
        return False

    return matches


def _without_stars(pattern: str) -> Pattern:
    if "?" not in pattern:
        return lambda text, _: text == pattern
    piece = _Piece.of(pattern)
    return lambda text, _: len(text) == piece.length and piece.is_at(text, 0)


def _finder(text: str) -> Find:
    if "?" not in text:
        return lambda searched, _, start, end: searched.find(text, start, end)
    piece = _Piece.of(text)
    if len(piece.parts) == 1:
        return partial(_find_part, *piece.parts[0], len(text))
    return lambda _, places, start, end: piece.find(places, start, end)


def _find_part(offset: int, part: str, length: int, text: str, _: CharacterPlaces, start: int, end: int) -> int:
    """Return what `_Piece.find` does, for a piece of `length` with one part."""
    # Not below 0: a negative end would count from the end of the text.
    at = text.find(part, start + offset, max(end - (length - offset - len(part)), 0))
    return at - offset if at >= 0 else -1


def _parts(text: str) -> Iterator[tuple[int, str]]:
    offset = 0
    for part in text.split("?"):
        if part:
            yield offset, part
        offset += len(part) + 1
