"""Whether a condition holds. Written from docs/policy-language.md alone; see `values.py`."""

from __future__ import annotations

import operator as compare
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.soak import values as v

Matches = Callable[[Any, Any], bool]

_ORDER: dict[str, Matches] = {
    "Equals": compare.eq,
    "LessThan": compare.lt,
    "LessThanEquals": compare.le,
    "GreaterThan": compare.gt,
    "GreaterThanEquals": compare.ge,
}
_TEXT: dict[str, Matches] = {
    "StringEquals": lambda given, expected: given == expected,
    "StringEqualsIgnoreCase": lambda given, expected: v.lower(given) == v.lower(expected),
    "StringLike": lambda given, expected: v.like(expected, given),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "NotIpAddressIncludeBorder": "IpAddressIncludeBorder",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition of a document: `operator` with its set prefix, and the key by the name under which it is looked up."""

    operator: str
    key: str
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a condition holds, and whether a value of the request could not be read."""

    holds: bool
    unreadable: bool = False


def judge(condition: Comparison, given: Sequence[str], *, denies: bool, in_any_case: bool = False) -> Finding:
    """Return the finding for the values of a request's key; none: the key is absent.

    `denies`: the statement is a Deny, in which an unreadable value makes the condition hold. `in_any_case`: the text operators
    compare without regard to ASCII case, as they do with the ARN of a role.
    """
    prefix, _, name = condition.operator.rpartition(":")
    positive = _NEGATED.get(name, name)
    negated = positive != name
    if not given:
        return Finding(prefix == "ForAllValues" or (negated and prefix != "ForAnyValue"))
    try:
        matched = [_any_match(positive, condition.expected, value, in_any_case=in_any_case) for value in given]
    except v.Unreadable:
        return Finding(holds=denies, unreadable=True)
    if prefix == "ForAllValues":
        return Finding(all(match != negated for match in matched))
    if prefix == "ForAnyValue":
        return Finding(any(match != negated for match in matched))
    return Finding(not any(matched) if negated else any(matched))


def holds_at(condition: Comparison, now: int) -> bool:
    """Return whether a condition on the time holds at an instant, in microseconds since 1970."""
    name = condition.operator.rpartition(":")[2]
    positive = _NEGATED.get(name, name)
    order = _ORDER[positive.removeprefix("Date")]
    matched = any(order(now, v.instant(text)) for text in condition.expected)
    return matched == (positive == name)


def _any_match(operator: str, expected: Sequence[str], given: str, *, in_any_case: bool) -> bool:
    if operator in _TEXT:
        if in_any_case:
            given, expected = v.lower(given), [v.lower(text) for text in expected]
        return any(_TEXT[operator](given, text) for text in expected)
    if operator.startswith("Numeric"):
        number, order = v.number(given), _ORDER[operator.removeprefix("Numeric")]
        return any(order(number, v.number(text)) for text in expected)
    if operator.startswith("Date"):
        instant, order = v.instant(given), _ORDER[operator.removeprefix("Date")]
        return any(order(instant, v.instant(text)) for text in expected)
    if operator == "Bool":
        truth = v.boolean(given)
        return any(truth == v.boolean(text) for text in expected)
    address = v.address(given)
    return any(v.within(address, v.block(text)) for text in expected)
