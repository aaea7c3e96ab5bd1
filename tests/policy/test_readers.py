"""The grammar of condition values, and the values that they are read as."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rolecall.policy.ip import IpAddress, IpRange, read_address, read_range, within_any
from rolecall.policy.readers import fold, read_bool, read_date, read_number, read_text


def microseconds(*when: int) -> int:
    delta = datetime(*when, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)  # type: ignore[misc,arg-type]
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("0", Decimal(0), id="zero"),
        pytest.param("-0", Decimal(0), id="negative-zero-is-zero"),
        pytest.param("+7", Decimal(7), id="plus-sign"),
        pytest.param("007", Decimal(7), id="leading-zeros"),
        pytest.param("-1.50", Decimal("-1.5"), id="fraction"),
        pytest.param("9007199254740993", Decimal(9007199254740993), id="beyond-a-double"),  # row 5 of the faults
        pytest.param("9" * 512, Decimal("9" * 512), id="longest"),
    ],
)
def test_a_number_is_read_exactly(text: str, number: Decimal) -> None:
    assert read_number(text) == number


def test_numbers_that_are_equal_as_floats_differ() -> None:
    assert read_number("9007199254740993") != read_number("9007199254740992")
    assert read_number("0.1000000000000000000000000000000000001") != read_number("0.1")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("1e3", id="exponent"),
        pytest.param("NaN", id="nan"),  # row 4 of the faults
        pytest.param("Infinity", id="infinity"),  # row 4 of the faults
        pytest.param("1e400", id="overflow"),  # row 4 of the faults
        pytest.param("9" * 513, id="too-long"),  # row 5 of the faults
        pytest.param("1.", id="bare-point"),
        pytest.param(".5", id="no-whole-part"),
        pytest.param(" 1", id="blank-before"),
        pytest.param("1\n", id="line-feed"),  # row 13 of the faults
        pytest.param("1_000", id="underscore"),
        pytest.param("0x10", id="hexadecimal"),
        pytest.param("--1", id="two-signs"),
        pytest.param("\u0661\u0662", id="arabic-digits"),  # row 12 of the faults
        pytest.param("\uff11", id="full-width-digit"),  # row 12 of the faults
    ],
)
def test_what_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        read_number(text)


@pytest.mark.parametrize(("text", "truth"), [("true", True), ("TRUE", True), ("False", False), ("fAlSe", False)])
def test_a_truth_value_is_read_in_any_case(text: str, truth: bool) -> None:
    assert read_bool(text) is truth


@pytest.mark.parametrize("text", ["", "1", "yes", " true", "true\n", "fal\u017fe", "\uff54rue"])
def test_what_is_not_a_truth_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        read_bool(text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        pytest.param("1970-01-01T00:00:00Z", 0, id="epoch"),
        pytest.param("1969-12-31T23:59:59.999999Z", -1, id="before-the-epoch"),
        pytest.param("2012-11-11T23:59:59Z", microseconds(2012, 11, 11, 23, 59, 59), id="documented"),
        pytest.param("2019-08-12T17:00:00+08:00", microseconds(2019, 8, 12, 9), id="offset-east"),
        pytest.param("2019-08-12T17:00:00-05:30", microseconds(2019, 8, 12, 22, 30), id="offset-west"),
        pytest.param("2026-01-01T00:00:00.5Z", microseconds(2026, 1, 1, 0, 0, 0, 500_000), id="one-digit"),
        pytest.param("2026-01-01T00:00:00.000001Z", microseconds(2026, 1, 1, 0, 0, 0, 1), id="six-digits"),
        pytest.param("2024-02-29T00:00:00Z", microseconds(2024, 2, 29), id="leap-day"),
        pytest.param(
            "0001-01-01T00:00:00+23:59", microseconds(1, 1, 1) - 86_340_000_000, id="offset-before-the-first-year"
        ),
        pytest.param(
            "9999-12-31T23:59:59.999999-23:59",
            microseconds(9999, 12, 31, 23, 59, 59, 999_999) + 86_340_000_000,
            id="offset-after-the-last-year",
        ),
    ],
)
def test_a_time_is_read_in_microseconds(text: str, instant: int) -> None:
    assert read_date(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-01-01T00:00:00", id="without-offset"),  # row 35 of the faults
        pytest.param("2026-W01-1", id="week"),  # row 35 of the faults
        pytest.param("20260101T000000Z", id="compact"),  # row 35 of the faults
        pytest.param("2026-01-01", id="date-alone"),  # row 35 of the faults
        pytest.param("2026-01-01 00:00:00Z", id="blank"),  # row 35 of the faults
        pytest.param("2026-01-01t00:00:00z", id="lower-case"),  # row 35 of the faults
        pytest.param("2026-12-31T23:59:60Z", id="leap-second"),  # row 36 of the faults
        pytest.param("2026-01-01T24:00:00Z", id="hour-24"),  # row 36 of the faults
        pytest.param("0000-01-01T00:00:00Z", id="year-0"),  # row 36 of the faults
        pytest.param("10000-01-01T00:00:00Z", id="year-10000"),  # row 36 of the faults
        pytest.param("2026-01-01T00:00:00.0000001Z", id="nanoseconds"),  # row 36 of the faults
        pytest.param("2026-01-01T00:00:00.Z", id="point-without-fraction"),
        pytest.param("2026-01-01T00:00:00+24:00", id="offset-of-a-day"),
        pytest.param("2026-01-01T00:00:00+08:60", id="offset-of-sixty-minutes"),
        pytest.param("2026-01-01T00:00:00+0800", id="offset-without-colon"),
        pytest.param("2026-01-01T00:60:00Z", id="minute-60"),
        pytest.param("2026-02-29T00:00:00Z", id="no-leap-year"),
        pytest.param("2026-13-01T00:00:00Z", id="month-13"),
        pytest.param("2026-00-01T00:00:00Z", id="month-0"),
        pytest.param("2026-01-01T00:00:00Z\n", id="line-feed"),  # row 13 of the faults
        pytest.param("\u0662\u0660\u0662\u0666-01-01T00:00:00Z", id="arabic-digits"),  # row 12 of the faults
        pytest.param("", id="empty"),
    ],
)
def test_what_is_not_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time|does not exist"):
        read_date(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        pytest.param("ABCxyz", "abcxyz", id="ascii"),
        pytest.param("\u212aELVIN", "\u212aelvin", id="kelvin-sign-is-not-k"),
        pytest.param("\u0130STANBUL", "\u0130stanbul", id="dotted-capital-i-stays"),
        pytest.param("STRA\u1e9eE", "stra\u1e9ee", id="capital-sharp-s-stays"),
        pytest.param("A\ud800Z", "a\ud800z", id="half-of-a-surrogate-pair"),
    ],
)
def test_folding_touches_ascii_letters_only(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_text_is_read_as_it_is() -> None:
    assert read_text(" A\n") == " A\n"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("192.0.2.7", IpAddress(4, 0xC0000207), id="ipv4"),
        pytest.param("::1", IpAddress(6, 1), id="ipv6"),
        pytest.param("2001:DB8::7", IpAddress(6, (0x20010DB8 << 96) + 7), id="capitals"),
        pytest.param("::FfFf:10.0.0.1", IpAddress(4, 0x0A000001), id="mapped-dotted-in-capitals"),
        pytest.param("0::ffff:10.0.0.1", IpAddress(4, 0x0A000001), id="mapped-dotted-with-a-zero"),
        pytest.param("::ffff:10.0.0.1", IpAddress(4, 0x0A000001), id="mapped-dotted"),  # row 30 of the faults
        pytest.param("::ffff:a00:1", IpAddress(4, 0x0A000001), id="mapped-hexadecimal"),  # row 30 of the faults
        pytest.param(
            "64:ff9b::a00:1", IpAddress(6, (0x64FF9B << 96) + 0x0A000001), id="nat64-stays"
        ),  # row 31 of the faults
        pytest.param("::10.0.0.1", IpAddress(6, 0x0A000001), id="compatible-stays"),  # row 31 of the faults
        pytest.param("2002:a00:1::", IpAddress(6, 0x20020A000001 << 80), id="6to4-stays"),  # row 31 of the faults
    ],
)
def test_an_address_is_read(text: str, address: IpAddress) -> None:
    assert read_address(text) == address


HOSTILE_ADDRESSES = [
    pytest.param("", id="empty"),
    pytest.param("010.0.0.1", id="octal"),  # row 29 of the faults
    pytest.param("::ffff:010.0.0.1", id="mapped-octal"),
    pytest.param("127.1", id="short"),  # row 29 of the faults
    pytest.param("0x7f000001", id="hexadecimal"),  # row 29 of the faults
    pytest.param("1", id="number"),  # row 29 of the faults
    pytest.param("fe80::1%eth0", id="zone"),  # row 33 of the faults
    pytest.param("10.0.0.1 ", id="blank-behind"),
    pytest.param("10.0.0.1\n", id="line-feed"),  # row 13 of the faults
    pytest.param("\u0661.0.0.1", id="arabic-digit"),  # row 12 of the faults
    pytest.param("256.0.0.1", id="octet-too-great"),
    pytest.param("[::1]", id="brackets"),
    pytest.param("*", id="star"),
]


@pytest.mark.parametrize("text", HOSTILE_ADDRESSES)
def test_what_is_not_an_address_is_refused_on_both_sides(text: str) -> None:
    with pytest.raises(ValueError, match="`"):
        read_address(text)
    with pytest.raises(ValueError, match="`"):
        read_range(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("10.0.0.0/8", IpRange(4, 0x0A000000, 0x0AFFFFFF), id="block"),
        pytest.param("10.0.0.1", IpRange(4, 0x0A000001, 0x0A000001), id="host"),
        pytest.param("0.0.0.0/0", IpRange(4, 0, 2**32 - 1), id="everything"),  # row 34 of the faults
        pytest.param("::/0", IpRange(6, 0, 2**128 - 1), id="everything-ipv6"),  # row 34 of the faults
        pytest.param("::1", IpRange(6, 1, 1), id="host-ipv6"),
        pytest.param(
            "::ffff:10.0.0.0/104", IpRange(4, 0x0A000000, 0x0AFFFFFF), id="mapped-block"
        ),  # row 30 of the faults
        pytest.param("::ffff:0:0/96", IpRange(4, 0, 2**32 - 1), id="all-mapped"),  # row 30 of the faults
        pytest.param("::ffff:10.0.0.1", IpRange(4, 0x0A000001, 0x0A000001), id="mapped-host"),  # row 30 of the faults
        pytest.param("::/95", IpRange(6, 0, 2**33 - 1), id="shorter-than-mapped-stays"),
    ],
)
def test_a_range_is_read(text: str, expected: IpRange) -> None:
    assert read_range(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("10.0.0.1/8", "`10.0.0.0/8`", id="host-bits"),  # row 32 of the faults
        pytest.param("2001:db8::1/32", "`2001:db8::/32`", id="host-bits-ipv6"),  # row 32 of the faults
        pytest.param("10.0.0.0/0.255.255.255", "not a mask", id="hostmask"),  # row 32 of the faults
        pytest.param("10.0.0.0/255.0.0.0", "not a mask", id="netmask"),  # row 32 of the faults
        pytest.param("10.0.0.0/08", "0 to 32", id="leading-zero"),
        pytest.param("10.0.0.0/33", "0 to 32", id="too-long"),
        pytest.param("::/129", "0 to 128", id="too-long-ipv6"),
        pytest.param("10.0.0.0/", "0 to 32", id="empty-prefix"),
        pytest.param("10.0.0.0/8/8", "0 to 32", id="two-prefixes"),
        pytest.param("10.0.0.0/-1", "0 to 32", id="negative"),
        pytest.param("10.0.0.0/\u0668", "0 to 32", id="arabic-prefix"),  # row 12 of the faults
        pytest.param("::ffff:10.0.0.1/104", "`10.0.0.0/8`", id="mapped-host-bits"),
        pytest.param("fe80::%1/64", "zone", id="zone"),  # row 33 of the faults
    ],
)
def test_a_malformed_range_is_refused_with_advice(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="`") as refused:
        read_range(text)

    assert said in str(refused.value)


def test_a_request_gives_one_address_and_not_a_range() -> None:
    with pytest.raises(ValueError, match="range"):
        read_address("10.0.0.0/8")


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("10.0.0.0", True),
        ("10.0.0.255", True),
        ("10.0.1.0", False),
        ("9.255.255.255", False),
        ("::ffff:10.0.0.9", True),
        ("::a00:9", False),
        ("2001:db8::1", True),
    ],
)
def test_an_address_is_in_a_range_from_border_to_border(text: str, inside: bool) -> None:
    within = within_any([read_range("10.0.0.0/24"), read_range("2001:db8::/32")])

    assert within(read_address(text)) is inside


def test_only_a_whole_version_is_everything() -> None:
    assert read_range("0.0.0.0/0").is_everything
    assert read_range("::/0").is_everything
    assert not read_range("0.0.0.0/1").is_everything
    assert not read_range("::ffff:ffff:ffff/128").is_everything
