"""The condition operators: what each reads, and when a value that was read matches one that is expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Family(StrEnum):
    """Operators of one family read their values alike."""

    STRING = "String"
    NUMERIC = "Numeric"
    DATE = "Date"
    BOOL = "Bool"
    IP = "IP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A named comparison of a requested value with expected ones.

    `expected` reads a value of a document, `requested` one of a request: both raise `ValueError` with a sentence.
    `any_of` makes, of expected values that were read, the test whether a requested value that was read matches any of them;
    it never raises. A negated operator holds when none matches.
    """

    name: str
    family: Family
    negated: bool
    expected: Callable[[str], Any]
    requested: Callable[[str], Any]
    any_of: Callable[[Sequence[Any]], Callable[[Any], bool]]


OPERATORS: Mapping[str, Operator] = {}
