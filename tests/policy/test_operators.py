"""The table of operators, each against values that match and values that do not."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from rolecall.policy.document import Condition, Quantifier
from rolecall.policy.operators import OPERATORS, Family

TABLE = [
    ("StringEquals", ["a", "b"], ["a", "b"], ["A", "", "a*"]),
    ("StringEquals", ["a*", "b?"], ["a*", "b?"], ["ab", "bb"]),
    ("StringEqualsIgnoreCase", ["Kelvin"], ["kELVIN"], ["\u212aelvin", "kelvi"]),
    ("StringLike", ["a*"], ["a", "abc"], ["b", ""]),
    ("StringLike", ["a*", "?"], ["abc", "x"], ["xx"]),
    ("NumericEquals", ["1.0"], ["1", "+1.00"], ["1.0000000000000000000000001"]),
    ("NumericLessThan", ["1", "3"], ["2", "2.9"], ["3", "4"]),
    ("NumericLessThanEquals", ["1", "3"], ["2", "3"], ["3.1"]),
    ("NumericGreaterThan", ["1", "3"], ["2", "1.1"], ["1", "0"]),
    ("NumericGreaterThanEquals", ["1", "3"], ["1"], ["0.9"]),
    ("DateEquals", ["2026-01-01T08:00:00+08:00"], ["2026-01-01T00:00:00Z"], ["2026-01-01T00:00:00.000001Z"]),
    ("DateLessThan", ["2026-01-01T00:00:00Z"], ["2025-12-31T23:59:59.999999Z"], ["2026-01-01T00:00:00Z"]),
    ("DateLessThanEquals", ["2026-01-01T00:00:00Z"], ["2026-01-01T00:00:00Z"], ["2026-01-01T00:00:00.000001Z"]),
    ("DateGreaterThan", ["2026-01-01T00:00:00Z"], ["2026-01-01T00:00:00.000001Z"], ["2026-01-01T00:00:00Z"]),
    ("DateGreaterThanEquals", ["2026-01-01T00:00:00Z"], ["2026-01-01T00:00:00Z"], ["2025-12-31T23:59:59.999999Z"]),
    ("Bool", ["True"], ["true", "TRUE"], ["false"]),
    ("IpAddress", ["10.0.0.0/8", "::1"], ["10.1.2.3", "::ffff:10.0.0.1", "::1"], ["11.0.0.0", "::2"]),
    ("IpAddressIncludeBorder", ["10.0.0.0/8"], ["10.0.0.0", "10.255.255.255"], ["11.0.0.0"]),
]
NEGATIONS = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "NotIpAddressIncludeBorder": "IpAddressIncludeBorder",
}


def matches(name: str, expected: list[str], requested: str) -> bool:
    operator = OPERATORS[name]
    return operator.any_of([operator.expected(text) for text in expected])(operator.requested(requested))


@pytest.mark.parametrize(
    ("name", "expected", "requested", "matched"),
    [
        pytest.param(name, expected, text, matched, id=f"{name}-{expected[0]}-{text}")
        for name, expected, these, those in TABLE
        for matched, texts in ((True, these), (False, those))
        for text in texts
    ],
)
def test_an_operator_matches(name: str, expected: list[str], requested: str, matched: bool) -> None:
    assert matches(name, expected, requested) is matched


def test_the_table_is_that_of_the_language() -> None:
    assert set(OPERATORS) == {name for name, *_ in TABLE} | set(NEGATIONS)
    assert all(OPERATORS[name].name == name for name in OPERATORS)


@pytest.mark.parametrize(("negation", "positive"), NEGATIONS.items())
def test_a_negation_reads_as_its_positive_does(negation: str, positive: str) -> None:
    assert OPERATORS[negation].negated
    assert not OPERATORS[positive].negated
    assert OPERATORS[negation].family is OPERATORS[positive].family
    for expected, text in [(e, t) for name, e, these, those in TABLE if name == positive for t in (*these, *those)]:
        assert matches(negation, expected, text) is matches(positive, expected, text)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_without_expected_values_nothing_matches(name: str) -> None:
    operator = OPERATORS[name]
    requested = {
        Family.STRING: "a",
        Family.NUMERIC: "1",
        Family.DATE: "2026-01-01T00:00:00Z",
        Family.BOOL: "true",
        Family.IP: "::1",
    }[operator.family]

    assert not operator.any_of([])(operator.requested(requested))


@pytest.mark.parametrize("name", sorted(OPERATORS))
@given(text=st.text())
def test_reading_raises_nothing_but_value_error(name: str, text: str) -> None:
    for read in (OPERATORS[name].expected, OPERATORS[name].requested):
        with suppress(ValueError):
            read(text)


CLAUSES = {
    "StringEquals": "`a:b` is `1` or `2`",
    "StringNotEquals": "`a:b` is not `1` nor `2`, or is absent",
    "StringEqualsIgnoreCase": "`a:b` is, ignoring case, `1` or `2`",
    "StringNotEqualsIgnoreCase": "`a:b` is not, ignoring case, `1` nor `2`, or is absent",
    "StringLike": "`a:b` is like `1` or `2`",
    "StringNotLike": "`a:b` is not like `1` nor `2`, or is absent",
    "NumericEquals": "`a:b` equals `1` or `2`",
    "NumericNotEquals": "`a:b` does not equal `1` nor `2`, or is absent",
    "NumericLessThan": "`a:b` is less than `1` or `2`",
    "NumericLessThanEquals": "`a:b` is at most `1` or `2`",
    "NumericGreaterThan": "`a:b` is greater than `1` or `2`",
    "NumericGreaterThanEquals": "`a:b` is at least `1` or `2`",
    "DateEquals": "`a:b` is exactly `1` or `2`",
    "DateNotEquals": "`a:b` is not exactly `1` nor `2`, or is absent",
    "DateLessThan": "`a:b` is before `1` or `2`",
    "DateLessThanEquals": "`a:b` is not after `1` or `2`",
    "DateGreaterThan": "`a:b` is after `1` or `2`",
    "DateGreaterThanEquals": "`a:b` is not before `1` or `2`",
    "Bool": "`a:b` is `1` or `2`",
    "IpAddress": "`a:b` is in `1` or `2`",
    "NotIpAddress": "`a:b` is not in `1` nor `2`, or is absent",
    "IpAddressIncludeBorder": "`a:b` is in `1` or `2`",
    "NotIpAddressIncludeBorder": "`a:b` is not in `1` nor `2`, or is absent",
}


def condition(name: str, *values: str, quantifier: Quantifier = Quantifier.NONE) -> Condition:
    return Condition(
        operator=OPERATORS[name],
        quantifier=quantifier,
        key="a:b",
        spelling="a:b",
        values=values,
        pointer="",
        unquoted=(),
    )


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_a_condition_is_said_in_english(name: str) -> None:
    assert condition(name, "1", "2").clause == CLAUSES[name]


@pytest.mark.parametrize(
    ("name", "quantifier", "clause"),
    [
        ("StringEquals", Quantifier.FOR_ALL, "every value of `a:b` (or none) is `1`"),
        ("StringEquals", Quantifier.FOR_ANY, "some value of `a:b` is `1`"),
        ("StringNotEquals", Quantifier.FOR_ALL, "every value of `a:b` (or none) is not `1`"),
        ("StringNotEquals", Quantifier.FOR_ANY, "some value of `a:b` is not `1`"),
    ],
)
def test_a_set_prefix_changes_the_subject_of_a_condition(name: str, quantifier: Quantifier, clause: str) -> None:
    assert condition(name, "1", quantifier=quantifier).clause == clause
