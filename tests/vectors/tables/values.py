"""Edges of values: for each row an operator, what is expected, what is sent, and whether the condition holds."""

from __future__ import annotations

from tests.vectors.tables.build import File, Json, allow, allowed, case, decisions, denied, deny, nothing, user

Verdict = bool | None
"""Whether the condition holds; None: the value cannot be read, which fails an Allow and meets a Deny."""

Row = tuple[str, "str | list[str] | bool | int | float", "str | list[str]", Verdict]

STRINGS: list[Row] = [
    ("StringEquals", "a*", "abc", False),
    ("StringEquals", "a*", "a*", True),
    ("StringEquals", "a?", "ab", False),
    ("StringEquals", "${acs:PrincipalARN}", "${acs:PrincipalARN}", True),
    ("StringEquals", "a", "a ", False),
    ("StringEquals", "a", "a\n", False),
    ("StringEquals", "", "", True),
    ("StringEquals", "é", "é", True),
    ("StringEquals", "é", "e\u0301", False),
    ("StringEquals", "true", "True", False),
    ("StringEquals", True, "true", True),
    ("StringEquals", 5, "5", True),
    ("StringEquals", 5, "5.0", False),
    ("StringEquals", "a,b", ["a", "b"], False),
    ("StringEquals", ["a", "b"], "a,b", False),
    ("StringEqualsIgnoreCase", "KELVIN", "kelvin", True),
    ("StringEqualsIgnoreCase", "k", "\u212a", False),
    ("StringEqualsIgnoreCase", "i", "\u0131", False),
    ("StringEqualsIgnoreCase", "i", "\u0130", False),
    ("StringEqualsIgnoreCase", "ss", "ß", False),
    ("StringEqualsIgnoreCase", "ß", "ß", True),
    ("StringEqualsIgnoreCase", "s", "\u017f", False),
    ("StringEqualsIgnoreCase", "É", "é", False),
    ("StringEqualsIgnoreCase", "@[`{", "`{@[", False),
    ("StringEqualsIgnoreCase", "[", "{", False),
    ("StringEqualsIgnoreCase", "a*", "ABC", False),
    ("StringEqualsIgnoreCase", "aÉZ", "AÉz", True),
]

PATTERNS: list[Row] = [
    ("StringLike", "*", "", True),
    ("StringLike", "*", "anything\nat all", True),
    ("StringLike", "", "", True),
    ("StringLike", "", "a", False),
    ("StringLike", "a*", "a", True),
    ("StringLike", "*a", "ba", True),
    ("StringLike", "*a", "ab", False),
    ("StringLike", "a*c", "ac", True),
    ("StringLike", "a*c", "abcbc", True),
    ("StringLike", "a*c", "abcb", False),
    ("StringLike", "a**c", "ac", True),
    ("StringLike", "?", "", False),
    ("StringLike", "?", "a", True),
    ("StringLike", "?", "ab", False),
    ("StringLike", "?", "😀", True),
    ("StringLike", "??", "😀", False),
    ("StringLike", "?", "e\u0301", False),
    ("StringLike", "?", "\n", True),
    ("StringLike", "?*", "a", True),
    ("StringLike", "?*", "", False),
    ("StringLike", "[a-z]", "b", False),
    ("StringLike", "[a-z]", "[a-z]", True),
    ("StringLike", "[!x]", "[!x]", True),
    ("StringLike", "[!x]", "y", False),
    ("StringLike", "a.c", "abc", False),
    ("StringLike", "a+", "aa", False),
    ("StringLike", "a\\*", "a*", False),
    ("StringLike", "a\\*", "a\\bc", True),
    ("StringLike", "(a|b)", "a", False),
    ("StringLike", "^a$", "a", False),
    ("StringLike", "a", "a\n", False),
    ("StringLike", "A*", "abc", False),
    ("StringLike", "${*}", "${x}", True),
    ("StringLike", "a%", "abc", False),
    ("StringLike", "system:serviceaccount:shop:*", "system:serviceaccount:shop:cart", True),
    ("StringLike", "system:serviceaccount:shop:*", "system:serviceaccount:shop-evil:cart", False),
    ("StringLike", "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "a" * 60, False),
    ("StringLike", "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "a" * 60 + "b", True),
    ("StringNotLike", "[a-z]", "b", True),
    ("StringNotLike", "?", "😀", False),
]

NUMBERS: list[Row] = [
    ("NumericEquals", "0.1", "0.10", True),
    ("NumericEquals", "0.1", "0.1000000000000000055511151231257827", False),
    ("NumericEquals", "9007199254740993", "9007199254740993", True),
    ("NumericEquals", "9007199254740993", "9007199254740992", False),
    ("NumericEquals", 9007199254740993, "9007199254740992", False),
    ("NumericEquals", "9007199254740993", "9007199254740993.0", True),
    ("NumericEquals", "5", "+5", True),
    ("NumericEquals", "+5", "5", True),
    ("NumericEquals", "0", "-0", True),
    ("NumericEquals", "-0.0", "0", True),
    ("NumericEquals", "7", "007", True),
    ("NumericEquals", 0.5, "0.50", True),
    ("NumericNotEquals", "0.1", "0.10", False),
    ("NumericLessThan", "0", "-0", False),
    ("NumericLessThan", "0.3", "0.29999999999999999999999999999", True),
    ("NumericLessThan", "-1", "-1.0000000000000000000000001", True),
    ("NumericLessThan", "10", "9", True),
    ("NumericGreaterThan", "123456789012345678901234567890", "123456789012345678901234567891", True),
    ("NumericLessThanEquals", "0.3", "0.30000000000000000000000000001", False),
    ("NumericGreaterThanEquals", "0.3", "0.3000", True),
    ("NumericEquals", "5", "5.", None),
    ("NumericEquals", "0", ".0", None),
    ("NumericEquals", "5", "5e0", None),
    ("NumericEquals", "5", " 5", None),
    ("NumericEquals", "5", "5\n", None),
    ("NumericEquals", "5", "\uff15", None),
    ("NumericEquals", "5", "\u0665", None),
    ("NumericEquals", "5", "0x5", None),
    ("NumericEquals", "5", "1_0", None),
    ("NumericEquals", "5", "5,0", None),
    ("NumericEquals", "5", "--5", None),
    ("NumericEquals", "5", "+-5", None),
    ("NumericEquals", "5", "+", None),
    ("NumericEquals", "5", "", None),
    ("NumericEquals", "5", "NaN", None),
    ("NumericGreaterThan", "5", "Infinity", None),
    ("NumericNotEquals", "5", "NaN", None),
    ("NumericLessThan", "5", "-inf", None),
    ("NumericEquals", "5", ["5", "x"], None),
    ("NumericNotEquals", "5", ["6", "x"], None),
]

_MARCH = "2026-03-01T00:00:00Z"
_BEFORE = "2026-02-28T23:59:59.999999Z"
_AFTER = "2026-03-01T00:00:00.000001Z"

DATES: list[Row] = [
    *[
        (name, _MARCH, sent, verdict)
        for name, verdicts in {
            "DateEquals": (False, True, False),
            "DateNotEquals": (True, False, True),
            "DateLessThan": (True, False, False),
            "DateLessThanEquals": (True, True, False),
            "DateGreaterThan": (False, False, True),
            "DateGreaterThanEquals": (False, True, True),
        }.items()
        for sent, verdict in zip((_BEFORE, _MARCH, _AFTER), verdicts, strict=True)
    ],
    ("DateEquals", _MARCH, "2026-03-01T08:00:00+08:00", True),
    ("DateEquals", _MARCH, "2026-02-28T19:00:00-05:00", True),
    ("DateEquals", _MARCH, "2026-03-01T05:30:00+05:30", True),
    ("DateEquals", "2026-03-01T08:00:00+08:00", _MARCH, True),
    ("DateEquals", _MARCH, "2026-03-01T00:00:00.0Z", True),
    ("DateEquals", "2026-03-01T00:00:00.5Z", "2026-03-01T00:00:00.500000Z", True),
    ("DateEquals", "2026-03-01T00:00:00.05Z", "2026-03-01T00:00:00.5Z", False),
    ("DateEquals", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", True),
    ("DateLessThan", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", True),
    *[
        ("DateLessThan", "2099-01-01T00:00:00Z", sent, None)
        for sent in (
            "2026-03-01", "2026-03-01T00:00:00", "2026-03-01T00:00Z", "2026-03-01 00:00:00Z", "2026-03-01t00:00:00z",
            "20260301T000000Z", "2026-W09-7T00:00:00Z", "2026-3-1T00:00:00Z", "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T23:59:60Z",
            "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-03-01T00:00:00.Z", "2026-03-01T00:00:00,5Z",
            "2026-03-01T00:00:00.0000001Z", "2026-03-01T00:00:00+0800", "2026-03-01T00:00:00+08",
            "2026-03-01T00:00:00+24:00", "2026-03-01T00:00:00+08:60", "2026-03-01T00:00:00+08:00:00",
            "2026-03-01T00:00:00Z\n", " 2026-03-01T00:00:00Z", "2026-03-01T00:00:00ZZ", "1772323200", "", "now",
            "\uff12026-03-01T00:00:00Z", "\u0662026-03-01T00:00:00Z", "+2026-03-01T00:00:00Z", "-0001-01-01T00:00:00Z",
        )
    ],
]  # fmt: skip

ADDRESSES: list[Row] = [
    ("IpAddress", "192.168.4.0/22", "192.168.3.255", False),
    ("IpAddress", "192.168.4.0/22", "192.168.4.0", True),
    ("IpAddress", "192.168.4.0/22", "192.168.7.255", True),
    ("IpAddress", "192.168.4.0/22", "192.168.8.0", False),
    ("IpAddressIncludeBorder", "192.168.4.0/22", "192.168.4.0", True),
    ("IpAddressIncludeBorder", "192.168.4.0/22", "192.168.7.255", True),
    ("IpAddressIncludeBorder", "192.168.4.0/22", "192.168.8.0", False),
    ("NotIpAddressIncludeBorder", "192.168.4.0/22", "192.168.7.255", False),
    ("IpAddress", "10.1.2.3", "10.1.2.3", True),
    ("IpAddress", "10.1.2.3/32", "10.1.2.3", True),
    ("IpAddress", "10.1.2.3", "10.1.2.4", False),
    ("IpAddress", "0.0.0.0/0", "255.255.255.255", True),
    ("IpAddress", "0.0.0.0/0", "2001:db8::1", False),
    ("IpAddress", "::/0", "2001:db8::1", True),
    ("IpAddress", "::/0", "10.1.2.3", False),
    ("NotIpAddress", "::/0", "10.1.2.3", True),
    ("IpAddress", "2001:db8::/32", "2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff", True),
    ("IpAddress", "2001:db8::/32", "2001:db9::", False),
    ("IpAddress", "2001:db8::1", "2001:0db8:0:0:0:0:0:1", True),
    ("IpAddress", "10.0.0.0/8", "::ffff:10.1.2.3", True),
    ("IpAddress", "10.0.0.0/8", "::ffff:a01:203", True),
    ("IpAddress", "10.0.0.0/8", "::ffff:11.1.2.3", False),
    ("NotIpAddress", "10.0.0.0/8", "::ffff:10.1.2.3", False),
    ("IpAddress", "::ffff:10.1.2.3", "10.1.2.3", True),
    ("IpAddress", "::ffff:10.0.0.0/104", "10.1.2.3", True),
    ("IpAddress", "::ffff:10.0.0.0/104", "11.1.2.3", False),
    ("IpAddress", "::ffff:0.0.0.0/96", "8.8.8.8", True),
    ("IpAddress", "::ffff:10.0.0.0/104", "::ffff:10.1.2.3", True),
    ("IpAddress", "10.0.0.0/8", "64:ff9b::a01:203", False),
    ("IpAddress", "10.0.0.0/8", "::10.1.2.3", False),
    ("IpAddress", "10.0.0.0/8", "2002:a01:203::", False),
    ("IpAddress", "::/0", "::10.1.2.3", True),
    *[
        ("IpAddress", "0.0.0.0/0", sent, None)
        for sent in (
            "10.0.0.0/8", "10.0.0.1/32", "010.0.0.1", "127.1", "0x7f000001", "1", "2130706433", "10.0.0.256",
            "10.0.0", "10.0.0.1.", "10.0.0.1\n", " 10.0.0.1", "\uff11\uff10.0.0.1", "\u0661.0.0.1", "", "localhost",
            "10.0.0.1:80", "10.0.0.1,10.0.0.2",
        )
    ],
    *[
        ("NotIpAddress", "::/0", sent, None)
        for sent in ("fe80::1%eth0", "[::1]", "::1::", "2001:db8::/32", ":::", "12345::", "::ffff:10.0.0.256")
    ],
]  # fmt: skip

BOOLEANS: list[Row] = [
    ("Bool", "true", "tRuE", True),
    ("Bool", "FALSE", "false", True),
    ("Bool", True, "true", True),
    ("Bool", False, "true", False),
    ("Bool", False, "FALSE", True),
    ("Bool", ["true", "false"], "false", True),
    *[("Bool", "false", sent, None) for sent in ("0", "1", "no", "", "f", " false", "false\n", "fal\u017fe", "null")],
]

TABLES = {
    "strings": ("Strings, with and without regard to case", "app:Text", STRINGS),
    "patterns": ("Wildcards in StringLike", "app:Text", PATTERNS),
    "numbers": ("Numbers are compared exactly", "app:Level", NUMBERS),
    "dates": ("Instants to the microsecond, one grammar", "app:Day", DATES),
    "addresses": ("Addresses at the edges of networks, IPv4 in IPv6", "acs:SourceIp", ADDRESSES),
    "booleans": ("Booleans in any case", "acs:MFAPresent", BOOLEANS),
}

ROWS_OF_A_FILE = 20


def files() -> list[File]:
    """Return the tables as files of twenty rows, each row in an Allow and in a Deny."""
    found = []
    for name, (description, key, rows) in TABLES.items():
        for start in range(0, len(rows), ROWS_OF_A_FILE):
            chunk = rows[start : start + ROWS_OF_A_FILE]
            found.append(_file(f"values-{name}-{start // ROWS_OF_A_FILE + 1}", description, key, chunk))
    return found


def _file(name: str, description: str, key: str, rows: list[Row]) -> File:
    statements, cases = [], []
    last = 2 * len(rows)
    for number, (operator, expected, sent, verdict) in enumerate(rows):
        condition = {operator: {key: expected}}
        statements += [allow(user(f"a{number}"), condition), deny(user(f"d{number}"), condition)]
        cases += _cases(number, operator, expected, {key: sent if isinstance(sent, list) else [sent]}, verdict, last)
    statements.append(allow([user(f"d{number}") for number in range(len(rows))]))
    return decisions(name, description, statements, cases)


def _cases(number: int, operator: str, expected: object, context: Json, verdict: Verdict, last: int) -> list[Json]:
    name = f"{number} {operator} {expected!a} of {next(iter(context.values()))!a}"
    of_allow = allowed(2 * number) if verdict is True else nothing()
    of_deny = allowed(last) if verdict is False else denied(2 * number + 1)
    return [
        case(f"{name}, Allow", user(f"a{number}"), of_allow, context),
        case(f"{name}, Deny", user(f"d{number}"), of_deny, context),
    ]
