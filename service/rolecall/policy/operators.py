"""The condition operators: what each reads, and when a value that was read matches one that is expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from operator import ge, gt, le, lt
from types import MappingProxyType
from typing import Any

from rolecall.policy.ip import read_address, read_range, within_any
from rolecall.policy.readers import fold, read_bool, read_date, read_number, read_text
from rolecall.policy.wildcard import compile_pattern


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
    `any_of` makes, of expected values that were read, the test whether a requested value that was read matches any of
    them; it never raises. A negated operator holds when none matches.
    """

    name: str
    family: Family
    negated: bool
    expected: Callable[[str], Any]
    requested: Callable[[str], Any]
    any_of: Callable[[Sequence[Any]], Callable[[Any], bool]]


def _equal(operands: Sequence[Any]) -> Callable[[Any], bool]:
    return frozenset(operands).__contains__


def _like(patterns: Sequence[Callable[[str], bool]]) -> Callable[[str], bool]:
    if len(patterns) == 1:
        return patterns[0]
    return lambda text: any(matches(text) for matches in patterns)


def _never(_: object) -> bool:
    return False


# To be less than any of several operands is to be less than the greatest.
def _less(operands: Sequence[Any]) -> Callable[[Any], bool]:
    return partial(gt, max(operands)) if operands else _never


def _less_or_equal(operands: Sequence[Any]) -> Callable[[Any], bool]:
    return partial(ge, max(operands)) if operands else _never


def _greater(operands: Sequence[Any]) -> Callable[[Any], bool]:
    return partial(lt, min(operands)) if operands else _never


def _greater_or_equal(operands: Sequence[Any]) -> Callable[[Any], bool]:
    return partial(le, min(operands)) if operands else _never


def _pair(
    names: tuple[str, str],
    family: Family,
    any_of: Callable[[Sequence[Any]], Callable[[Any], bool]],
    expected: Callable[[str], Any],
    requested: Callable[[str], Any],
) -> Iterator[Operator]:
    """Yield an operator and its negation."""
    for name, negated in zip(names, (False, True), strict=True):
        yield Operator(name=name, family=family, negated=negated, expected=expected, requested=requested, any_of=any_of)


def _ordered(prefix: str, family: Family, read: Callable[[str], Any]) -> Iterator[Operator]:
    """Yield the six comparisons of a family whose values have an order."""
    yield from _pair((f"{prefix}Equals", f"{prefix}NotEquals"), family, _equal, read, read)
    for suffix, any_of in _COMPARISONS.items():
        yield Operator(name=prefix + suffix, family=family, negated=False, expected=read, requested=read, any_of=any_of)


_COMPARISONS = {
    "LessThan": _less,
    "LessThanEquals": _less_or_equal,
    "GreaterThan": _greater,
    "GreaterThanEquals": _greater_or_equal,
}


def _all() -> Iterator[Operator]:
    text = Family.STRING
    yield from _pair(("StringEquals", "StringNotEquals"), text, _equal, read_text, read_text)
    yield from _pair(("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"), text, _equal, fold, fold)
    yield from _pair(("StringLike", "StringNotLike"), text, _like, compile_pattern, read_text)
    yield from _ordered("Numeric", Family.NUMERIC, read_number)
    yield from _ordered("Date", Family.DATE, read_date)
    yield Operator(
        name="Bool", family=Family.BOOL, negated=False, expected=read_bool, requested=read_bool, any_of=_equal
    )
    # What RAM means by a border is not documented: both pairs are plain containment.
    for suffix in ("", "IncludeBorder"):
        names = (f"IpAddress{suffix}", f"NotIpAddress{suffix}")
        yield from _pair(names, Family.IP, within_any, read_range, read_address)


OPERATORS: Mapping[str, Operator] = MappingProxyType({operator.name: operator for operator in _all()})
"""Every operator by its name."""

LIKE_OPERATORS = frozenset({"StringLike", "StringNotLike"})
"""The operators whose expected values are patterns."""
