"""Conditions, one value at a time: fractions for numbers, datetimes for dates, address objects, a table for wildcards."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


def condition_holds(operator: str, expected: list[str], values: list[str], *, unreadable: bool) -> bool:
    """Return whether a condition holds for the values that a request has for its key.

    With no values the key is missing. One value that cannot be read makes the answer `unreadable`.
    """
    prefix, _, name = operator.rpartition(":")
    positive, negated = _positive(name)
    if not values:
        return {"ForAllValues": True, "ForAnyValue": False, "": negated}[prefix]
    read_requested, read_expected, compare = _family(positive)
    try:
        read = [read_requested(value) for value in values]
    except ValueError:
        return unreadable
    matched = []
    for value in read:
        matched.append(any(compare(value, read_expected(text)) for text in expected))
    if prefix == "ForAllValues":
        return all(match != negated for match in matched)
    if prefix == "ForAnyValue":
        return any(match != negated for match in matched)
    return not any(matched) if negated else any(matched)


def instants_of_change(operator: str, expected: list[str]) -> list[int]:
    """Return the instants at which a date condition on the time changes its answer."""
    changes = []
    for text in expected:
        for instant in (microseconds_of(text), microseconds_of(text) + 1):
            if _at(operator, expected, instant) != _at(operator, expected, instant - 1):
                changes.append(instant)
    return changes


def microseconds_of(text: str) -> int:
    """Return an instant in microseconds since 1970; raise `ValueError`."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    *fields, fraction, sign, hours, minutes = found.groups()
    zone = UTC
    if sign is not None:
        if int(minutes) > 59:
            raise ValueError(text)
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(-offset if sign == "-" else offset)
    year, month, day, hour, minute, second = map(int, fields)
    micro = int((fraction or "0").ljust(6, "0"))
    return (datetime(year, month, day, hour, minute, second, micro, zone) - _EPOCH) // timedelta(microseconds=1)


def _at(operator: str, expected: list[str], instant: int) -> bool:
    positive, negated = _positive(operator.rpartition(":")[2])
    compare = _COMPARISONS[positive.removeprefix("Date")]
    return any(compare(instant, microseconds_of(text)) for text in expected) != negated


def _positive(name: str) -> tuple[str, bool]:
    """Return the positive operator of the same meaning, and whether `name` negates it."""
    if name.startswith("Not"):
        return name.removeprefix("Not"), True
    if "Not" in name:
        return name.replace("Not", ""), True
    return name, False


Read = Callable[[str], Any]
Compare = Callable[[Any, Any], bool]

_COMPARISONS: dict[str, Compare] = {
    "Equals": lambda value, expected: value == expected,
    "LessThan": lambda value, expected: value < expected,
    "LessThanEquals": lambda value, expected: value <= expected,
    "GreaterThan": lambda value, expected: value > expected,
    "GreaterThanEquals": lambda value, expected: value >= expected,
}


def _family(positive: str) -> tuple[Read, Read, Compare]:
    if positive == "StringEquals":
        return str, str, _COMPARISONS["Equals"]
    if positive == "StringEqualsIgnoreCase":
        return _folded, _folded, _COMPARISONS["Equals"]
    if positive == "StringLike":
        return str, str, lambda value, pattern: like(pattern, value)
    if positive == "Bool":
        return _truth, _truth, _COMPARISONS["Equals"]
    if positive.startswith("Numeric"):
        return _number, _number, _COMPARISONS[positive.removeprefix("Numeric")]
    if positive.startswith("Date"):
        return microseconds_of, microseconds_of, _COMPARISONS[positive.removeprefix("Date")]
    return _address, _network, lambda value, network: value.version == network.version and value in network


def lowered(texts: list[str]) -> list[str]:
    """Return texts with their ASCII letters in lower case."""
    return [_folded(text) for text in texts]


def _folded(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def _truth(text: str) -> bool:
    words = {"true": True, "false": False}
    if _folded(text) not in words:
        raise ValueError(text)
    return words[_folded(text)]


def _number(text: str) -> Fraction:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(text)
    return Fraction(text)


def like(pattern: str, text: str) -> bool:
    """Return whether a pattern matches a whole text. Fill a table: for each prefix of the pattern, a row that says which prefixes of the text it matches."""
    row = [True] + [False] * len(text)
    for symbol in pattern:
        if symbol == "*":
            row = [any(row[: end + 1]) for end in range(len(row))]
        else:
            row = [False] + [row[end] and symbol in ("?", text[end]) for end in range(len(text))]
    return row[-1]


def _address(text: str) -> IPv4Address | IPv6Address:
    if "%" in text or not text.isascii():
        raise ValueError(text)
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _network(text: str) -> IPv4Network | IPv6Network:
    network = ip_network(text)
    mapped = IPv6Network("::ffff:0:0/96")
    if isinstance(network, IPv6Network) and network.subnet_of(mapped):
        low = int(network.network_address) - int(mapped.network_address)
        return IPv4Network((low, network.prefixlen - 96))
    return network
