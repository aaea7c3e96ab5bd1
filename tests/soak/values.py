"""What a condition reads: numbers, times, booleans, addresses, and patterns. Written from docs/policy-language.md alone.

A value that cannot be read raises `Unreadable`. Nothing of the product is used, nor anything that the product uses.
"""

from __future__ import annotations

import re
import socket
from fractions import Fraction

MICROSECONDS = 1_000_000
_DAYS_OF_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DIGITS = frozenset("0123456789")


class Unreadable(Exception):  # noqa: N818 (the word of the documentation)
    """A value is not of the kind that the operator reads."""


def number(text: str) -> Fraction:
    """Return the exact number: a sign or none, digits, and digits after a point or none."""
    unsigned = text[1:] if text[:1] in {"+", "-"} else text
    whole, point, part = unsigned.partition(".")
    if not _digits(whole) or (point and not _digits(part)):
        raise Unreadable(text)
    magnitude = Fraction(int(whole + part), 10 ** len(part))
    return -magnitude if text.startswith("-") else magnitude


def instant(text: str) -> int:
    """Return a time in microseconds since 1970."""
    shape = re.match(r"^(....)-(..)-(..)T(..):(..):(..)(\.[^Z+-]*)?(Z|[+-]..:..)\Z", text, re.DOTALL)
    if shape is None:
        raise Unreadable(text)
    *parts, fraction, zone = shape.groups()
    if not all(_digits(part) for part in parts):
        raise Unreadable(text)
    year, month, day, hour, minute, second = map(int, parts)
    if not 1 <= month <= 12 or not 1 <= day <= _days_of(year, month) or year < 1:
        raise Unreadable(text)
    seconds = _days_since_1970(year, month, day) * 86_400 + _clock(text, hour, minute, second) - _offset(text, zone)
    return seconds * MICROSECONDS + _microseconds(text, fraction)


def boolean(text: str) -> bool:
    """Return `true` or `false`, in any case."""
    if len(text) == 4 and lower(text) == "true":
        return True
    if len(text) == 5 and lower(text) == "false":
        return False
    raise Unreadable(text)


Address = tuple[int, int]
"""The width of an address in bits, and its number."""


def address(text: str) -> Address:
    """Return one address; `::ffff:192.0.2.1` is `192.0.2.1`."""
    bits, value = _packed(text)
    if bits == 128 and value >> 32 == 0xFFFF:
        return 32, value & 0xFFFFFFFF
    return bits, value


def block(text: str) -> tuple[Address, int]:
    """Return the first address of a CIDR block or of a lone address, and how many of its bits count."""
    spelled, slash, length_text = text.partition("/")
    bits, value = _packed(spelled)
    length = int(length_text) if slash else bits
    if bits == 128 and length >= 96 and value >> 32 == 0xFFFF:
        return (32, value & 0xFFFFFFFF), length - 96
    return (bits, value), length


def within(given: Address, expected: tuple[Address, int]) -> bool:
    """Return whether an address is in a block of its own kind."""
    (bits, first), length = expected
    return given[0] == bits and (given[1] ^ first) >> (bits - length) == 0


def lower(text: str) -> str:
    """Return a text with its ASCII letters in lower case, and every other character as it is."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def like(pattern: str, text: str) -> bool:
    """Return whether a pattern matches: `*` is any number of characters, `?` exactly one, all else itself."""
    # The places of the pattern at which the text read so far can stand.
    places = _skipping(pattern, {0})
    for character in text:
        places = _skipping(
            pattern,
            {place if pattern[place] == "*" else place + 1 for place in places if _takes(pattern, place, character)},
        )
    return len(pattern) in places


def _takes(pattern: str, place: int, character: str) -> bool:
    return place < len(pattern) and pattern[place] in {"*", "?", character}


def _skipping(pattern: str, places: set[int]) -> set[int]:
    """Return the places, and those behind stars, which match nothing too."""
    found = set(places)
    for place in sorted(places):
        behind = place
        while behind < len(pattern) and pattern[behind] == "*":
            behind += 1
            found.add(behind)
    return found


def _digits(text: str) -> bool:
    return bool(text) and set(text) <= _DIGITS


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_of(year: int, month: int) -> int:
    return 29 if month == 2 and _is_leap(year) else _DAYS_OF_MONTH[month - 1]


def _days_since_1970(year: int, month: int, day: int) -> int:
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400
    days += sum(_days_of(year, earlier) for earlier in range(1, month)) + day - 1
    return days - 719_162  # the days from the first one of the year 1 to 1970


def _clock(text: str, hour: int, minute: int, second: int) -> int:
    if hour > 23 or minute > 59 or second > 59:
        raise Unreadable(text)
    return hour * 3_600 + minute * 60 + second


def _offset(text: str, zone: str) -> int:
    if zone == "Z":
        return 0
    hours, minutes = zone[1:3], zone[4:6]
    if not _digits(hours) or not _digits(minutes):
        raise Unreadable(text)
    seconds = _clock(text, int(hours), int(minutes), 0)
    return -seconds if zone[0] == "-" else seconds


def _microseconds(text: str, fraction: str | None) -> int:
    if fraction is None:
        return 0
    digits = fraction[1:]
    if not _digits(digits) or len(digits) > 6:
        raise Unreadable(text)
    return int(digits.ljust(6, "0"))


def _packed(text: str) -> Address:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        packed = socket.inet_pton(family, text)
    except (OSError, ValueError, UnicodeError):
        raise Unreadable(text) from None
    return len(packed) * 8, int.from_bytes(packed, "big")
