"""Read parts of a JSON text without building the rest, so that a large file needs little more memory than its text.

A part is named by the offset of its first character. Duplicate names, and constants that JSON does not have, are refused in every
part that is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn

from rolecall.cli.declarations.text_in_file import StringText, TextInFile
from rolecall.cli.declarations.tree import MAX_DEPTH
from rolecall.cli.problems.problem import Problem, ProblemsError, error_at
from rolecall.policy.positions import JsonSyntaxError, scan

_FAULTS = {
    "Expecting value": "expecting a value",
    "Expecting ',' delimiter": "expecting `,`",
    "Expecting ':' delimiter": "expecting `:`",
    "Expecting property name enclosed in double quotes": "expecting a name in double quotes",
    "Invalid control character at": "a string has a line break or another control character, or is cut here",
    "Unterminated string starting at": "the string that begins here has no end",
}
_BLANKS = re.compile(r"[ \t\n\r]*")


class Member(NamedTuple):
    """A member of an object: its name, and the offsets of its name and of its value."""

    name: str
    at: int
    value: int


class JsonParts:
    """The parts of the JSON values in a text; what cannot be read raises `ProblemsError` with its location."""

    def __init__(self, source: TextInFile) -> None:
        self.source, self.text = source, source.text
        self._skip = json.JSONDecoder().raw_decode
        self._read = json.JSONDecoder(object_pairs_hook=_table, parse_constant=_refuse_constant).raw_decode
        # The parts that ended last and farthest, from their first to after their last character: these are not read again.
        self._last = self._farthest = (-1, -1)

    @property
    def read_until(self) -> int:
        """The offset after the part that ends farthest in the text, of all that were read to their end."""
        return max(self._farthest[1], 0)

    def start(self, at: int = 0) -> int:
        """Return the offset of the first character that is not blank, at or after `at`."""
        found = _BLANKS.match(self.text, at)
        return found.end() if found else at

    def opens(self, at: int, bracket: str) -> bool:
        """Return whether a part begins with a character."""
        return self.text.startswith(bracket, at)

    def members(self, at: int) -> Iterator[Member]:
        """Yield the members of an object; nothing if the value is of another kind."""
        names: set[str] = set()
        for start, value in self._elements(at, "{}"):
            name = str(self._decode(start)[0])
            if name in names:
                raise ProblemsError([self._duplicate(name, start)])
            names.add(name)
            yield Member(name, start, value)

    def items(self, at: int) -> Iterator[int]:
        """Yield the offsets of the elements of an array; nothing if the value is of another kind."""
        for _, value in self._elements(at, "[]"):
            yield value

    def find(self, at: int, names: Sequence[str]) -> Member | None:
        """Return the member that names lead to, each that of a member of the one before; None if one is missing."""
        member = None
        for name in names:
            member = next((each for each in self.members(at) if each.name == name), None)
            if member is None:
                return None
            at = member.value
        return member

    def value(self, at: int) -> object:
        """Return a part as a value; none is returned for an object with a duplicate name at any depth."""
        try:
            value, end = self._read(self.text, at)
        except _DuplicateNameError:
            raise ProblemsError(self._duplicates(at)) from None
        except (ValueError, RecursionError) as error:
            self._refuse(error, at)
        self._pass(at, end)
        return value

    def string(self, at: int) -> StringText | None:
        """Return the text that a string contains; None if the value is of another kind."""
        value = self.value(at) if self.opens(at, '"') else None
        return StringText(self.source, at, value) if isinstance(value, str) else None

    def end(self, at: int) -> int:
        """Return the offset after a part."""
        return next((end for start, end in (self._last, self._farthest) if start == at), 0) or self._decode(at)[1]

    def pass_over(self, at: int) -> None:
        """Walk to the end of a part, of which only one element at a time is in memory."""
        for _ in self._elements(at, "{}" if self.opens(at, "{") else "[]"):
            pass

    def _elements(self, at: int, brackets: str) -> Iterator[tuple[int, int]]:
        """Yield the offsets of each element and of its value, which differ in an object."""
        opening, closing = brackets[0], brackets[1]
        if not self.opens(at, opening):
            return
        after = self.start(at + 1)
        if not self.opens(after, closing):
            while True:
                value = self._value_of_name(after) if opening == "{" else after
                yield after, value
                after = self.start(self.end(value))
                if not self.opens(after, ","):
                    break
                after = self.start(after + 1)
        if not self.opens(after, closing):
            self._fail(f"expecting `,` or `{closing}`", after)
        self._pass(at, after + 1)

    def _pass(self, at: int, end: int) -> None:
        self._last = (at, end)
        if end >= self._farthest[1]:
            self._farthest = self._last

    def _value_of_name(self, at: int) -> int:
        if not self.opens(at, '"'):
            self._fail("expecting a name in double quotes", at)
        colon = self.start(self._decode(at)[1])
        if not self.opens(colon, ":"):
            self._fail("expecting `:`", colon)
        return self.start(colon + 1)

    def _decode(self, at: int) -> tuple[object, int]:
        try:
            return self._skip(self.text, at)
        except (ValueError, RecursionError) as error:
            self._refuse(error, at)

    def _duplicates(self, at: int) -> list[Problem]:
        """Return the problem of each name that an object in a part has twice."""
        try:
            flaws = scan(self.text[at : self.end(at)], max_depth=MAX_DEPTH).flaws
        except JsonSyntaxError as error:
            self._fail(error.message, at + error.offset)
        found = [flaw for flaw in flaws if flaw.reason == "DUPLICATE_KEY"]
        return [self._duplicate(str(self._decode(at + flaw.offset)[0]), at + flaw.offset) for flaw in found]

    def _duplicate(self, name: str, at: int) -> Problem:
        return Problem(
            location=self.source.location(at),
            message=f"the key `{name}` is given twice",
            reason="DUPLICATE_KEY",
            hint="keep one of the two",
        )

    def _refuse(self, error: ValueError | RecursionError, at: int) -> NoReturn:
        if isinstance(error, json.JSONDecodeError):
            self._fail(_FAULTS.get(error.msg, error.msg.lower()), error.pos)
        if isinstance(error, RecursionError):
            raise error_at(self.source.location(at), f"is nested deeper than {MAX_DEPTH} levels") from None
        self._fail(str(error), at)

    def _fail(self, message: str, at: int) -> NoReturn:
        ends = " (the text ends here)" if at >= len(self.text) else ""
        raise error_at(self.source.location(at), f"not JSON: {message}{ends}") from None


class _DuplicateNameError(Exception):
    """An object has two members of one name."""


def _table(members: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(members)
    if len(table) != len(members):
        raise _DuplicateNameError
    return table


def _refuse_constant(name: str) -> object:
    raise ValueError(f"`{name}` is not a number of JSON")
