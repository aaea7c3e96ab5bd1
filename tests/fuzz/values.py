"""Condition values: addresses and ranges, dates, numbers, booleans and wildcards, each beside the oracle's reading."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from rolecall.policy.ip import IpAddress, IpRange, read_address, read_range
from rolecall.policy.readers import read_bool, read_date, read_number
from rolecall.policy.wildcard import compile_pattern, matches_any
from tests.fuzz.target import Target, outcome, parts_of, text_of
from tests.oracle import conditions as oracle

_PREFIX = re.compile(r"[^/]+(/(0|[1-9][0-9]{0,2}))?", re.ASCII)


def check_address(data: bytes) -> None:
    """An address and a range are read as the standard library reads them, with mapped addresses as IPv4."""
    text = text_of(data)
    address = outcome(lambda: read_address(text), ValueError)
    expected: Any = outcome(lambda: oracle._address(text), ValueError)
    assert (address is None) == (expected is None)
    if isinstance(address, IpAddress):
        assert address == (expected.version, int(expected))
    _check_range(text)


def _check_range(text: str) -> None:
    found = outcome(lambda: read_range(text), ValueError)
    # The standard library also reads netmasks, host masks and zones, which the language refuses.
    plain = _PREFIX.fullmatch(text) is not None and "%" not in text and text.isascii()
    expected: Any = outcome(lambda: oracle._network(text), ValueError) if plain else None
    assert (found is None) == (expected is None)
    if isinstance(found, IpRange):
        first, last = int(expected.network_address), int(expected.broadcast_address)
        assert found == (expected.version, first, last)


def check_scalar(data: bytes) -> None:
    """Dates, numbers and booleans are read as the oracle reads them, and refused when it refuses them."""
    text = text_of(data)
    _agree(text, read_date, oracle.microseconds_of, int)
    _agree(text, read_bool, oracle._truth, bool)
    if len(text) <= 512:
        _agree(text, read_number, oracle._number, Fraction)
    else:
        assert outcome(lambda: read_number(text), ValueError) is None


def _agree(text: str, read: Callable[[str], Any], expected: Callable[[str], Any], kind: Callable[[Any], Any]) -> None:
    # The oracle's calendar ends with the years 1 and 9999 in UTC, the language with those that are written.
    found = outcome(lambda: kind(read(text)), ValueError)
    other = outcome(lambda: kind(expected(text)), ValueError, OverflowError)
    edge = text[:4] in {"0001", "9999"}
    assert found == other or (edge and other is None), (found, other)


def check_wildcard(data: bytes) -> None:
    """A pattern matches what the oracle's table says, alone and beside others."""
    pattern, text, other = parts_of(data, 3)
    if len(pattern) * len(text) > 20_000:
        return
    expected = oracle.like(pattern, text)
    assert matches_any([compile_pattern(pattern)])(text) == expected
    assert matches_any([compile_pattern(other), compile_pattern(pattern)])(text) == (
        expected or oracle.like(other, text)
    )


ADDRESS_WORDS = (
    "10.0.0.0/8",
    "::ffff:",
    "::",
    "/",
    "%eth0",
    "0x",
    "255",
    "fe80::1",
    "/128",
    "/0",
    "/255.0.0.0",
    "\u0661",
)
SCALAR_WORDS = (
    "2026-01-01T",
    "00:00:00",
    "Z",
    "+08:00",
    ".000001",
    "-12:00",
    "23:59:59",
    "true",
    "FALSE",
    "1e5",
    "+",
    "\u0663",
)

TARGETS = (
    Target(
        name="address",
        check=check_address,
        words=ADDRESS_WORDS,
        max_bytes=100,
        seeds=(
            b"10.0.0.1",
            b"10.0.0.0/8",
            b"2001:db8::/32",
            b"::ffff:10.0.0.1",
            b"::ffff:0:0/96",
            b"fe80::1%eth0",
            b"010.0.0.1",
        ),
    ),
    Target(
        name="scalar",
        check=check_scalar,
        words=SCALAR_WORDS,
        max_bytes=600,
        seeds=(
            b"2026-01-01T00:00:00Z",
            b"2026-02-29T23:59:59.123456+08:00",
            b"-1.50",
            b"True",
            b"false",
            b"9999-12-31T23:59:59Z",
        ),
    ),
    Target(
        name="wildcard",
        check=check_wildcard,
        words=("*", "?", "**", "?*", "\n", "\x01", "\n*a*\n"),
        max_bytes=300,
        seeds=(
            b"a*b?c\naxxbyc\n*",
            b"*a?a*b\naaaaab\n?",
            b"?\n\xf0\x9f\x98\x80\n",
            b"*\n\n",
            b"a*a\na\nb",
            b"*ab?ab*x?y*\n1ab2ab3xay\n",
        ),
    ),
)
