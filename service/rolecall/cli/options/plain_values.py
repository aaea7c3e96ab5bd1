"""Read the values of options and arguments: text, numbers within a range, words of a closed set, paths."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from rolecall.cli.failure import CommandError

MOST = (1 << 63) - 1
"""The largest whole number that a message can carry."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)


class WrongValueError(CommandError):
    """The value of an option cannot be read."""

    def __init__(self, flag: str, reason: str) -> None:
        super().__init__(f"invalid value for `{flag}`: {reason}")


class ValueKind(NamedTuple):
    """What a value is, and between which numbers it must be."""

    type: type
    lowest: float | None = None
    highest: float | None = None

    def read(self, text: str, flag: str) -> object:
        """Return the value that a text means; raise `WrongValueError`."""
        if self.type is int or self.type is float:
            return self._number(text, flag)
        if issubclass(self.type, StrEnum):
            return _word(self.type, text, flag)
        return Path(text) if self.type is Path else text

    def _number(self, text: str, flag: str) -> float:
        whole = self.type is int
        if not (_WHOLE if whole else _NUMBER).fullmatch(text):
            raise WrongValueError(flag, f"`{text}` is not a {'whole ' if whole else ''}number")
        number = int(text) if whole else float(text)
        if self.lowest is not None and number < self.lowest:
            raise WrongValueError(flag, f"`{text}` is less than {self.lowest:,}")
        highest = MOST if self.highest is None else self.highest
        if number > highest:
            raise WrongValueError(flag, f"`{text}` is more than {highest:,}")
        return number


def is_readable(kind: Any) -> bool:  # noqa: ANN401 - any annotation
    """Return whether values of this type can be read."""
    return isinstance(kind, type) and (kind in (str, int, float, bool, Path) or issubclass(kind, StrEnum))


def _word(kind: type[StrEnum], text: str, flag: str) -> StrEnum:
    try:
        return kind(text)
    except ValueError:
        words = ", ".join(f"`{word}`" for word in kind)
        raise WrongValueError(flag, f"`{text}` is not one of {words}") from None
