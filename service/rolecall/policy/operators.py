"""The condition operators: what each reads, when a value matches an expected one, and how that is said in English."""

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
from rolecall.policy.wildcard import compile_pattern, matches_any


class Family(StrEnum):
    """The operators of one family read their values in the same way; the value begins their names, but for addresses."""

    STRING = "String"
    NUMERIC = "Numeric"
    DATE = "Date"
    BOOL = "Bool"
    IP = "IP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A named comparison of a requested value with expected ones.

    `expected` reads a value of a document, `requested` one of a request: both raise `ValueError` with a sentence.
    `any_of` takes the expected values that were read and returns the test whether a requested value that was read matches
    any of them; the test never raises. A negated operator holds when none matches. `phrase` is the comparison in English,
    as it stands between a key and the expected values.
    """

    name: str
    family: Family
    negated: bool
    phrase: str
    expected: Callable[[str], Any]
    requested: Callable[[str], Any]
    any_of: Callable[[Sequence[Any]], Callable[[Any], bool]]


def _equal(operands: Sequence[Any]) -> Callable[[Any], bool]:
    return frozenset(operands).__contains__


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
    phrases: Mapping[str, str],
    family: Family,
    any_of: Callable[[Sequence[Any]], Callable[[Any], bool]],
    expected: Callable[[str], Any],
    requested: Callable[[str], Any],
) -> Iterator[Operator]:
    """Yield an operator and its negation; `phrases` has the phrase of each by its name."""
    for (name, phrase), negated in zip(phrases.items(), (False, True), strict=True):
        yield Operator(
            name=name,
            family=family,
            negated=negated,
            phrase=phrase,
            expected=expected,
            requested=requested,
            any_of=any_of,
        )


def _ordered(
    family: Family, read: Callable[[str], Any], equality: tuple[str, str], order: tuple[str, str, str, str]
) -> Iterator[Operator]:
    """Yield the six comparisons of a family whose values have an order; `order` has the phrases of `_COMPARISONS`."""
    names = f"{family}Equals", f"{family}NotEquals"
    yield from _pair(dict(zip(names, equality, strict=True)), family, _equal, read, read)
    for (suffix, any_of), phrase in zip(_COMPARISONS.items(), order, strict=True):
        yield Operator(
            name=f"{family}{suffix}",
            family=family,
            negated=False,
            phrase=phrase,
            expected=read,
            requested=read,
            any_of=any_of,
        )


_COMPARISONS = {
    "LessThan": _less,
    "LessThanEquals": _less_or_equal,
    "GreaterThan": _greater,
    "GreaterThanEquals": _greater_or_equal,
}


def _all() -> Iterator[Operator]:
    text = Family.STRING
    yield from _pair({"StringEquals": "is", "StringNotEquals": "is not"}, text, _equal, read_text, read_text)
    ignoring_case = {
        "StringEqualsIgnoreCase": "is, ignoring case,",
        "StringNotEqualsIgnoreCase": "is not, ignoring case,",
    }
    yield from _pair(ignoring_case, text, _equal, fold, fold)
    yield from _pair(
        {"StringLike": "is like", "StringNotLike": "is not like"}, text, matches_any, compile_pattern, read_text
    )
    yield from _ordered(
        Family.NUMERIC,
        read_number,
        ("equals", "does not equal"),
        ("is less than", "is at most", "is greater than", "is at least"),
    )
    yield from _ordered(
        Family.DATE,
        read_date,
        ("is exactly", "is not exactly"),
        ("is before", "is not after", "is after", "is not before"),
    )
    yield Operator(
        name="Bool",
        family=Family.BOOL,
        negated=False,
        phrase="is",
        expected=read_bool,
        requested=read_bool,
        any_of=_equal,
    )
    # What RAM means by a border is not documented: both pairs are plain containment.
    for suffix in ("", "IncludeBorder"):
        phrases = {f"IpAddress{suffix}": "is in", f"NotIpAddress{suffix}": "is not in"}
        yield from _pair(phrases, Family.IP, within_any, read_range, read_address)


OPERATORS: Mapping[str, Operator] = MappingProxyType({operator.name: operator for operator in _all()})
"""Every operator by its name."""

LIKE_OPERATORS = frozenset({"StringLike", "StringNotLike"})
"""The operators whose expected values are patterns."""
