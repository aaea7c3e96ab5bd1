"""Find the position of every value in a JSON text: a scanner without recursion that accepts what `json_text.decode` accepts.

It runs only when there is a violation or a finding to report. It stores one entry for each value, linked to its parent, so
that its memory grows with the text and not with the length of the pointers.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from rolecall.policy.syntax_hints import ExpectedToken, SyntaxHint, hint_of_string, hint_of_syntax

_MAX_SHOWN_TOKEN = 1024

_BLANKS = " \t\n\r"
_STRING = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*+)*+"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_WORD = re.compile(r"true|false|null")
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonSyntaxError(Exception):
    """A text is not JSON, or is too deep. `offset` counts characters from 0."""

    def __init__(self, reason: str, message: str, offset: int, *, suggestion: str = "", pointer: str = "") -> None:
        self.reason, self.message, self.offset = reason, message, offset
        self.suggestion, self.pointer = suggestion, pointer
        super().__init__(message)


class Position(NamedTuple):
    """The position of one value and of its name (-1 without a name). `parent` is -1 for the whole document.

    `token` is its name in an object or its number in an array; `source` is its text, or just the bracket that opens it.
    """

    parent: int
    token: str
    offset: int
    name_offset: int
    source: str


class Flaw(NamedTuple):
    """Something that JSON allows and the language does not."""

    pointer: str
    reason: str
    offset: int


@dataclass(frozen=True, slots=True)
class Scan:
    """The position of every value, and the flaws, in document order."""

    places: list[Position] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    _children: dict[tuple[int, str], int] = field(default_factory=dict)

    def find(self, pointer: str) -> Position | None:
        """Return the position of the value that a JSON pointer names; of duplicate names the last."""
        if not self.places:
            return None
        at = 0
        for token in pointer.split("/")[1:]:
            child = self._children.get((at, unescaped(token)))
            if child is None:
                return None
            at = child
        return self.places[at]

    def pointer_of(self, at: int) -> str:
        """Return the pointer of the value numbered `at`; names are cut after 1,024 characters."""
        tokens: list[str] = []
        while at > 0:
            tokens.append(escaped(self.places[at].token[:_MAX_SHOWN_TOKEN]))
            at = self.places[at].parent
        return "".join(f"/{token}" for token in reversed(tokens))

    def add(self, place: Position) -> int:
        """Add a position and return its number; a name that its parent already has is a flaw."""
        number = len(self.places)
        self.places.append(place)
        known = (place.parent, place.token) in self._children
        self._children[place.parent, place.token] = number
        if known:
            self.flaws.append(Flaw(self.pointer_of(number), "DUPLICATE_KEY", place.name_offset))
        return number


class Lines:
    """Converts offsets to lines and columns, both counted from 1, in characters."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def at(self, offset: int) -> tuple[int, int]:
        """Return line and column of a character."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def escaped(token: str) -> str:
    """Return a name as a part of a JSON pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def unescaped(token: str) -> str:
    """Return the name that a part of a JSON pointer stands for."""
    return token.replace("~1", "/").replace("~0", "~")


def scan(text: str, *, max_depth: int) -> Scan:
    """Return the position of every value; raise `JsonSyntaxError` at the first text that is not strict JSON."""
    return _Scanner(text, max_depth).document()


class _Open:
    """An array or object that is not closed yet, and the number of its elements so far."""

    __slots__ = ("count", "is_object", "place")

    def __init__(self, place: int, *, is_object: bool) -> None:
        self.place, self.is_object, self.count = place, is_object, 0


class _Scanner:
    def __init__(self, text: str, max_depth: int) -> None:
        self._text, self._max_depth = text, max_depth
        self._at = 0
        self._open: list[_Open] = []
        self._scan = Scan()

    def document(self) -> Scan:
        """Read document = blank value blank"""
        self._skip_blanks()
        self._value(-1, "", -1)
        while self._open:
            self._next_of(self._open[-1])
        self._skip_blanks()
        if self._at < len(self._text):
            self._fail(ExpectedToken.NOTHING)
        return self._scan

    def _next_of(self, container: _Open) -> None:
        """Read one more element of a container, or its end."""
        self._skip_blanks()
        if self._peek() == ("}" if container.is_object else "]"):
            self._at += 1
            self._open.pop()
            return
        if container.count:
            self._comma(container)
        container.count += 1
        if container.is_object:
            self._member(container.place)
        else:
            self._value(container.place, str(container.count - 1), -1)

    def _comma(self, container: _Open) -> None:
        comma = self._at
        if self._peek() != ",":
            self._fail(ExpectedToken.MEMBER_END if container.is_object else ExpectedToken.ELEMENT_END)
        self._at += 1
        self._skip_blanks()
        if self._peek() and self._peek() in "}]":
            raise self._error(
                SyntaxHint("TRAILING_COMMA", "a comma before the closing bracket is not JSON; remove it", comma)
            )

    def _member(self, parent: int) -> None:
        """Read member = string blank ":" blank value"""
        offset = self._at
        if self._peek() != '"':
            self._fail(ExpectedToken.NAME)
        name = self._string()
        self._skip_blanks()
        if self._peek() != ":":
            self._fail(ExpectedToken.COLON)
        self._at += 1
        self._skip_blanks()
        self._value(parent, name, offset)

    def _value(self, parent: int, token: str, name_offset: int) -> None:
        offset, first = self._at, self._peek()
        if first and first in "{[":
            self._at += 1
            number = self._add(Position(parent, token, offset, name_offset, first))
            self._enter(number, is_object=first == "{")
        elif first == '"':
            value = self._string()
            number = self._add(Position(parent, token, offset, name_offset, self._text[offset : self._at]))
            self._note_flaws(number, value, offset)
        else:
            found = _WORD.match(self._text, offset) or _NUMBER.match(self._text, offset)
            if not found:
                self._fail(ExpectedToken.VALUE)
            self._at = found.end()
            self._add(Position(parent, token, offset, name_offset, found[0]))

    def _enter(self, number: int, *, is_object: bool) -> None:
        if len(self._open) == self._max_depth:
            message = f"arrays and objects lie more than {self._max_depth} deep here; {self._max_depth} are allowed"
            raise self._error(SyntaxHint("TOO_DEEP", message, self._at - 1))
        self._open.append(_Open(number, is_object=is_object))

    def _add(self, place: Position) -> int:
        number = self._scan.add(place)
        if place.name_offset >= 0:
            self._note_flaws(number, place.token, place.name_offset)
        return number

    def _note_flaws(self, number: int, value: str, offset: int) -> None:
        if _SURROGATE.search(value):
            self._scan.flaws.append(Flaw(self._scan.pointer_of(number), "INVALID_UNICODE", offset))
        if "\0" in value:
            self._scan.flaws.append(Flaw(self._scan.pointer_of(number), "NUL_CHARACTER", offset))

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        if not found:
            raise self._error(hint_of_string(self._text, self._at))
        self._at = found.end()
        value: str = json.loads(found[0])
        return value

    def _skip_blanks(self) -> None:
        while self._peek() in _BLANKS and self._at < len(self._text):
            self._at += 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _fail(self, expected: ExpectedToken) -> NoReturn:
        raise self._error(hint_of_syntax(self._text, self._at, expected))

    def _error(self, hint: SyntaxHint) -> JsonSyntaxError:
        pointer = self._scan.pointer_of(self._open[-1].place) if self._open else ""
        return JsonSyntaxError(hint.reason, hint.message, hint.offset, suggestion=hint.suggestion, pointer=pointer)
