"""Every operator, with and without a set prefix, in Allow and in Deny, in every situation of its key."""

from __future__ import annotations

from dataclasses import dataclass

from tests.vectors.tables.build import File, Json, allow, allowed, case, decisions, denied, deny, nothing, user


@dataclass(frozen=True)
class Row:
    """Values that show one operator: what is expected, what matches, what does not, what cannot be read."""

    positive: str
    negated: str
    key: str
    expected: list[str]
    matching: list[str]
    others: list[str]
    matching_second: str
    matching_none: str
    unreadable: str | None = None


ROWS = [
    Row("StringEquals", "StringNotEquals", "acs:SourceVpc", ["vpc-1", "vpc-2"], ["vpc-1", "vpc-1"], ["vpc-3", "VPC-1"],
        "vpc-2", "vpc-*"),
    Row("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "acs:SourceVpc", ["Vpc-1", "vpc-2"],
        ["vpc-1", "VPC-1"], ["vpc-3", "vpc-11"], "VPC-2", "vpc-22"),
    Row("StringLike", "StringNotLike", "acs:SourceVpc", ["vpc-*", "net-?"], ["vpc-1", "vpc-"], ["xvpc-1", "VPC-1"],
        "net-7", "net-77"),
    Row("NumericEquals", "NumericNotEquals", "app:Level", ["5", "7.5"], ["5", "+5.0"], ["6", "-5"], "7.50", "7",
        "five"),
    Row("NumericLessThan", "", "app:Level", ["5", "7"], ["4", "4.999"], ["5", "8"], "6", "7", "4e0"),
    Row("NumericLessThanEquals", "", "app:Level", ["5", "7"], ["5", "-6"], ["5.001", "8"], "7", "7.1", " 4"),
    Row("NumericGreaterThan", "", "app:Level", ["5", "3"], ["6", "5.001"], ["5", "2"], "4", "3", "0x6"),
    Row("NumericGreaterThanEquals", "", "app:Level", ["5", "3"], ["5", "6"], ["4.999", "-6"], "3", "2", ""),
    Row("DateEquals", "DateNotEquals", "app:Day", ["2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"],
        ["2026-03-01T00:00:00Z", "2026-03-01T08:00:00+08:00"], ["2026-03-01T00:00:01Z", "2026-03-01T00:00:00+08:00"],
        "2026-04-01T00:00:00.000Z", "2026-05-01T00:00:00Z", "2026-03-01"),
    Row("DateLessThan", "", "app:Day", ["2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"],
        ["2026-02-28T23:59:59Z", "2026-03-01T07:59:59+08:00"], ["2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z"],
        "2026-03-31T23:59:59Z", "2026-04-01T00:00:00Z", "2026-02-01T00:00:00"),
    Row("DateLessThanEquals", "", "app:Day", ["2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"],
        ["2026-03-01T00:00:00Z", "2026-02-28T23:59:59.999999Z"], ["2026-03-01T00:00:00.000001Z", "2027-03-01T00:00:00Z"],
        "2026-04-01T00:00:00Z", "2026-04-01T00:00:01Z", "2026-02-30T00:00:00Z"),
    Row("DateGreaterThan", "", "app:Day", ["2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"],
        ["2026-03-01T00:00:01Z", "2026-03-01T00:00:00.000001Z"], ["2026-03-01T00:00:00Z", "2025-03-01T00:00:00Z"],
        "2026-02-15T00:00:00Z", "2026-02-01T00:00:00Z", "tomorrow"),
    Row("DateGreaterThanEquals", "", "app:Day", ["2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"],
        ["2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"], ["2026-02-28T23:59:59.999999Z", "2025-03-01T00:00:00Z"],
        "2026-02-01T00:00:00Z", "2026-01-31T23:59:59Z", "1772323200"),
    Row("Bool", "", "acs:MFAPresent", ["true", "true"], ["true", "TRUE"], ["false", "False"], "True", "FALSE", "yes"),
    Row("IpAddress", "NotIpAddress", "acs:SourceIp", ["10.0.0.0/8", "192.168.1.1"], ["10.0.0.1", "10.255.255.255"],
        ["11.0.0.0", "9.255.255.255"], "192.168.1.1", "192.168.1.2", "10.0.0.0/8"),
    Row("IpAddressIncludeBorder", "NotIpAddressIncludeBorder", "acs:SourceIp", ["10.0.0.0/8", "192.168.1.1"],
        ["10.0.0.0", "10.255.255.255"], ["11.0.0.0", "2001:db8::1"], "192.168.1.1", "192.168.1.0", "localhost"),
]  # fmt: skip

PREFIXES = ["", "ForAllValues:", "ForAnyValue:"]

# What a condition answers, by the matches among the values of its key (section 3 of the language). In each entry: a positive
# operator plain, with ForAllValues:, with ForAnyValue:; then a negated one, likewise.
ANSWERS = {
    "a value that matches":    (True, True, True, False, False, False),
    "a value that does not":   (False, False, False, True, True, True),
    "one that does, one not":  (True, False, True, False, False, True),
    "one not, one that does":  (True, False, True, False, False, True),
    "two that match":          (True, True, True, False, False, False),
    "two that do not":         (False, False, False, True, True, True),
    "no such key":             (False, True, False, True, True, False),
    "no value":                (False, True, False, True, True, False),
}  # fmt: skip

UNREADABLE = [
    "a value not to be read",
    "not to be read, and a match",
    "a match, and not to be read",
    "not to be read, and another",
]


def files() -> list[File]:
    """Return one file for every operator."""
    return [
        _operator(row, name, negated=negated)
        for row in ROWS
        for name, negated in ((row.positive, False), (row.negated, True))
        if name
    ]


def _operator(row: Row, name: str, *, negated: bool) -> File:
    """Return eight conditioned statements, each for a user of its own, and an Allow for the users that Denies name."""
    statements, cases = [], []
    for effect in ("Allow", "Deny"):
        for several in (False, True):
            for prefix in PREFIXES if not several else [""]:
                who = user(f"{effect.lower()}-{'several' if several else prefix.rstrip(':').lower() or 'plain'}")
                expected = row.expected if several else row.expected[0]
                make = allow if effect == "Allow" else deny
                statements.append(make(who, {prefix + name: {row.key: expected}}))
                found = _several(row, negated=negated) if several else _situations(row, prefix, negated=negated)
                cases += _cases(row, effect, len(statements) - 1, who, found)
    statements.append(allow([user(f"deny-{word}") for word in ("plain", "forallvalues", "foranyvalue", "several")]))
    described = f"{name} in every situation of its key; the last statement lets in whom no Deny stops"
    return decisions(f"operator-{name}", described, statements, cases)


Found = list[tuple[str, "list[str] | None", "bool | None"]]
"""Situations: their name, the values of the key, and what the condition answers (None: it cannot be read)."""


def _situations(row: Row, prefix: str, *, negated: bool) -> Found:
    column = PREFIXES.index(prefix) + (3 if negated else 0)
    values = {
        "a value that matches": row.matching[:1],
        "a value that does not": row.others[:1],
        "one that does, one not": [row.matching[0], row.others[0]],
        "one not, one that does": [row.others[1], row.matching[1]],
        "two that match": row.matching,
        "two that do not": row.others,
        "no such key": None,
        "no value": [],
    }
    found: Found = [(name, values[name], answers[column]) for name, answers in ANSWERS.items()]
    if row.unreadable is not None:
        bad = row.unreadable
        unreadable = [[bad], [bad, row.matching[0]], [row.matching[1], bad], [bad, row.others[0]]]
        found += [(name, texts, None) for name, texts in zip(UNREADABLE, unreadable, strict=True)]
    return found


def _several(row: Row, *, negated: bool) -> Found:
    return [
        ("the first expected value", [row.matching[0]], not negated),
        ("the second expected value", [row.matching_second], not negated),
        ("none of the expected values", [row.matching_none], negated),
        ("none, and the second", [row.matching_none, row.matching_second], not negated),
        ("none, twice", [row.matching_none, row.matching_none], negated),
        ("no such key", None, negated),
    ]


def _cases(row: Row, effect: str, index: int, who: str, found: Found) -> list[Json]:
    cases = []
    for name, values, answer in found:
        missing = [] if values else [row.key]
        applies = answer if answer is not None else effect == "Deny"
        if effect == "Allow":
            expect = allowed(index, missing=missing) if applies else nothing(missing=missing)
        else:
            expect = denied(index, missing=missing) if applies else allowed(8, missing=missing)
        context = {} if values is None else {row.key: values}
        cases.append(case(f"{who.rpartition('/')[2]}: {name}", who, expect, context))
    return cases
