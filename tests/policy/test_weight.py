"""The estimated memory of a compiled policy: each part of a policy adds to it, and a change of it changes what the cache stores."""

from __future__ import annotations

import json
from collections.abc import Sequence, Sized
from typing import Any

import pytest

from rolecall.policy import weight
from rolecall.policy.parser import parse_policy
from rolecall.policy.weight import policy_bytes, texts_bytes

Json = dict[str, Any]

WHO = {"RAM": "acs:ram::123456789012:user/alice"}
ROOT = "acs:ram::123456789012:root"


@pytest.fixture(autouse=True)
def _sizes_of_any_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text, a set or a dictionary has the size of a thousand bytes and one for each of its elements, as no Python gives it."""
    monkeypatch.setattr(weight, "getsizeof", _size)


def _size(found: Sized) -> int:
    return 1_000 + len(found)


def conditions(*found: tuple[str, str, Sequence[str]], who: Json = WHO, **changes: Any) -> int:
    blocks: Json = {}
    for operator, key, values in found:
        blocks.setdefault(operator, {})[key] = list(values)
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": who, **changes}
    if blocks:
        statement["Condition"] = blocks
    return policy_bytes(parse_policy(json.dumps({"Version": "1", "Statement": [statement]})))


def of_pattern(pattern: str) -> int:
    """Return what a further pattern adds."""
    return conditions(("StringLike", "key", ["**", pattern])) - conditions(("StringLike", "key", ["**"]))


def test_the_parts_of_a_policy_add_up() -> None:
    smallest = conditions()
    two = {"RAM": [ROOT, "acs:ram::123456789012:role/x"], "Service": "ecs.aliyuncs.com"}

    # The policy and its statement, the principals together, a principal, its account, its name, and the empty name of the statement.
    assert smallest == 200 + 260 + 1_001 + 72 + 1_012 + 1_005 + 1_000
    # Three principals of one account, of which one has no name and one a name of one letter.
    assert conditions(who=two) == 200 + 260 + 1_003 + 3 * 72 + 1_012 + 1_016 + 1_000
    assert conditions(Sid="three") == smallest + 5


def test_a_key_counts_once_and_a_condition_each_time() -> None:
    once = conditions(("Bool", "acs:MFAPresent", ["true"]))
    twice = conditions(("Bool", "acs:MFAPresent", ["true"]), ("ForAnyValue:Bool", "acs:MFAPresent", ["true"]))

    assert once - conditions() == 140 + 1_014 + (220 + 1_001 + 130)
    assert twice - once == 220 + 1_001 + 130


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("StringEquals", ["ab", "cde"], 220 + 1_002 + 1_002 + 1_003),
        ("StringNotEqualsIgnoreCase", ["ab", "x"], 220 + 1_002 + 1_002),
        ("StringLike", ["ab"], 220 + 260 + 1_002),
        ("StringNotLike", ["ab", "ab"], 220 + 2 * (260 + 1_002)),
        ("NumericEquals", ["1", "2"], 220 + 1_002 + 2 * 130),
        ("DateLessThan", ["2026-01-01T00:00:00Z"], 220 + 1_001 + 130),
        ("Bool", ["true"], 220 + 1_001 + 130),
        ("IpAddress", ["10.0.0.0/8", "::1"], 220 + 2 * 160),
    ],
)
def test_a_condition_weighs_by_its_operator_and_values(operator: str, values: list[str], expected: int) -> None:
    assert conditions((operator, "key", values)) - conditions() == 140 + 1_003 + expected


def test_the_values_of_a_principal_s_arn_are_compiled_twice() -> None:
    text = conditions(("StringEquals", "acs:PrincipalARN", ["ab"])) - conditions()
    number = conditions(("NumericEquals", "acs:PrincipalARN", ["1"])) - conditions()

    assert text == 140 + 1_016 + 160 + 2 * (220 + 1_001 + 1_002)
    assert number == 140 + 1_016 + 220 + 1_001 + 130


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("abc", 260 + 1_003),
        ("a?c", 260 + (140 + 64 * 2 + 64 * 2)),
        ("ab?", 260 + (140 + 64 * 2 + 64 + 1_002)),
        ("*", 530 + 60 + 60),
        ("**", 530 + 60 + 60),
        ("ab*", 530 + (140 + 64 * 2 + 64 + 1_002) + 60),
        ("*ab", 530 + 60 + (140 + 64 * 2 + 64 + 1_002)),
        ("*ab*", 530 + 60 + 60 + 300 + 1_002),
        ("*ab*cde*", 530 + 60 + 60 + 300 + 1_002 + 300 + 1_003),
        ("*?ab?*", 530 + 60 + 60 + 300 + 1_004),
        ("*ab?c*", 530 + 60 + 60 + 300 + (140 + 64 * 3 + 64 * 2 + 1_002)),
        ("*~?a*", 530 + 60 + 60 + 300 + (140 + 64 * 2 + 64 * 2)),
        ("*a?~*", 530 + 60 + 60 + 300 + (140 + 64 * 2 + 64 * 2)),
        ("世界*", 530 + (140 + 144 * 2 + 64 + 1_002) + 60),
        ("a" * 256 + "*", 530 + (140 + 64 * 256 + 64 + 1_256) + 60),
        ("a" * 257 + "*", 530 + (140 + (64 + 32) * 257 + 64 + 1_257) + 60),
    ],
)
def test_a_pattern_weighs_by_its_stars_and_pieces(pattern: str, expected: int) -> None:
    assert of_pattern(pattern) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("a", 0), ("\xff", 0), ("\u0100", 1_001), ("ab", 1_002), ("\xff\xff", 1_002)]
)
def test_a_text_of_at_most_one_latin_1_character_takes_no_memory_of_its_own(text: str, expected: int) -> None:
    assert texts_bytes([text]) == expected
