"""Texts that are a file, or a part of one, or inside a JSON string of another; and the location in the file of each character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from rolecall.cli.problems.problem import Location

_BLOCK = 1 << 16
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.ASCII | re.DOTALL
)


class TextInFile(Protocol):
    """A text whose characters have locations in a file."""

    @property
    def text(self) -> str:
        """The text."""

    def location(self, offset: int) -> Location:
        """Return the location of a character, counted from 0."""


class FileText:
    """The text of a whole file. Many locations in a long text are found fast: only one block of it is searched for each."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self._text = file, text

    @property
    def text(self) -> str:
        """Return the text of the file."""
        return self._text

    def location(self, offset: int) -> Location:
        """Return the location of a character."""
        block = min(offset // _BLOCK, len(self._blocks) - 1)
        line, start = self._blocks[block]
        line += self._text.count("\n", block * _BLOCK, offset)
        start = max(start, self._text.rfind("\n", block * _BLOCK, offset) + 1)
        return Location(self.file, line, offset - start + 1)

    @cached_property
    def _blocks(self) -> list[tuple[int, int]]:
        """The line number at the start of each block, and the offset where that line begins."""
        blocks, line, start = [(1, 0)], 1, 0
        for begin in range(0, len(self._text) - _BLOCK, _BLOCK):
            end = begin + _BLOCK
            line += self._text.count("\n", begin, end)
            start = max(start, self._text.rfind("\n", begin, end) + 1)
            blocks.append((line, start))
        return blocks


@dataclass(frozen=True, slots=True, eq=False)
class LineText:
    """One line of a file; lines count from 1."""

    file: str
    line: int
    text: str

    def location(self, offset: int) -> Location:
        """Return the location of a character."""
        return Location(self.file, self.line, offset + 1)


@dataclass(frozen=True, slots=True, eq=False)
class PartText:
    """A part of another text, from `start`."""

    outer: TextInFile
    start: int
    text: str

    def location(self, offset: int) -> Location:
        """Return the location of a character."""
        return self.outer.location(self.start + offset)


@dataclass(frozen=True, slots=True, eq=False)
class StringText:
    """The text that a JSON string contains; `start` is the offset of its opening quote in the text around it."""

    outer: TextInFile
    start: int
    text: str

    def location(self, offset: int) -> Location:
        """Return the location of a character, which is that of its escape sequence if it is written as one."""
        written, at, left = self.outer.text, self.start + 1, offset
        while (escape := written.find("\\", at, at + left)) >= 0:
            found = _ESCAPE.match(written, escape)
            if found is None:
                break
            left -= escape - at + 1
            at = found.end()
        return self.outer.location(at + left)
