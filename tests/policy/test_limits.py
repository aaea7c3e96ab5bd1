"""Every limit of a document: what has as much as is announced is read, and what has one more is refused with both numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.limits import Limits
from rolecall.policy.parser import parse_policy
from rolecall.policy.permission.limits import PERMISSION_LIMITS, SESSION_POLICY_LIMITS
from rolecall.policy.permission.parser import parse_permission_policy

Json = dict[str, Any]
TRUST: Json = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:root"}}
PERMISSION: Json = {"Effect": "Allow", "Action": "a:b", "Resource": "*"}


def when(operator: str, values: object, key: str = "k", **changes: object) -> Json:
    return {"Condition": {operator: {key: values}}, **changes}


def trust(statements: object) -> tuple[Violation, ...]:
    try:
        parse_policy(json.dumps({"Version": "1", "Statement": statements}))
    except InvalidPolicyError as error:
        return error.violations
    return ()


def permission(statements: object) -> tuple[Violation, ...]:
    try:
        parse_permission_policy(json.dumps({"Version": "1", "Statement": statements}, separators=(",", ":")))
    except InvalidPolicyError as error:
        return error.violations
    return ()


def nested(levels: int) -> Json:
    """Return a member that lies so deep in a document, as far as the whole document is concerned."""
    value: Json = {}
    for _ in range(levels - 4):
        value = {"a": value}
    return {"Deep": value}


OF_A_DOCUMENT = [
    pytest.param(lambda n: [TRUST] * n, 100, "TOO_MANY_STATEMENTS", id="statements"),
    pytest.param(lambda n: [TRUST | {"Principal": {"RAM": ["acs:ram::1:root"] * n}}], 500, "TOO_MANY_PRINCIPALS", id="principals"),
    pytest.param(lambda n: [TRUST | {"Condition": {"Bool": {f"k{i}": "true" for i in range(n)}}}], 64, "TOO_MANY_CONDITION_KEYS", id="keys"),
    pytest.param(lambda n: [TRUST | when("StringLike", ["p"] * n)], 256, "TOO_MANY_PATTERNS", id="patterns"),
    pytest.param(lambda n: [TRUST | when("StringLike", ["p", *[True] * (n - 1)])], 256, "TOO_MANY_PATTERNS", id="patterns-that-are-truths"),
    pytest.param(lambda n: [TRUST | when("StringLike", "p" * n)], 512, "PATTERN_TOO_LONG", id="a-pattern"),
    pytest.param(lambda n: [TRUST | when("StringLike", ["p" * 512] * (n // 512) + ["p" * (n % 512)])], 4_096, "PATTERNS_TOO_LONG", id="all-patterns"),
    pytest.param(lambda n: [TRUST | when("StringNotLike", "*" * n)], 16, "TOO_MANY_STARS", id="stars"),
    pytest.param(lambda n: [TRUST | {"Sid": "s" * n}], 128, "INVALID_SID", id="sid"),
    pytest.param(lambda n: [TRUST | when("StringEquals", "v", "k" * n)], 256, "INVALID_KEY", id="a-key"),
    pytest.param(lambda n: [TRUST | when("NumericEquals", "9" * n)], 512, "INVALID_NUMBER", id="a-number"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "limit", "reason"), OF_A_DOCUMENT)
def test_a_trust_policy_has_as_much_as_is_announced(made: Any, limit: int, reason: str) -> None:
    (over,) = trust(made(limit + 1))

    assert trust(made(limit)) == ()
    assert over.reason == reason
    assert f"{limit + 1}" in over.message
    assert f"{limit} are allowed" in over.message


def test_a_number_without_quotes_has_at_most_512_characters() -> None:
    start, end = json.dumps({"Version": "1", "Statement": [TRUST | when("NumericEquals", "N")]}).split('"N"')

    parse_policy(f"{start}{'9' * 512}{end}")
    with pytest.raises(InvalidPolicyError, match="the number has 513 characters; 512 are allowed"):
        parse_policy(f"{start}{'9' * 513}{end}")


def test_a_document_is_32_levels_deep() -> None:
    (unknown,) = trust([TRUST | nested(32)])
    (deep,) = trust([TRUST | nested(33)])

    assert unknown.reason == "UNKNOWN_FIELD"
    assert (deep.reason, deep.message) == ("TOO_DEEP", "arrays and objects lie more than 32 deep here; 32 are allowed")


def test_a_document_has_16384_bytes() -> None:
    text = json.dumps({"Version": "1", "Statement": [TRUST]})

    parse_policy(text + " " * (16_384 - len(text)))
    with pytest.raises(InvalidPolicyError, match="the document has 16385 bytes; 16384 are allowed"):
        parse_policy(text + " " * (16_385 - len(text)))


@pytest.mark.parametrize(("limits", "characters"), [(PERMISSION_LIMITS, 6_144), (SESSION_POLICY_LIMITS, 2_048)])
@pytest.mark.parametrize("filling", [" ", "\u4e16", "\U0001f600"])
def test_a_permission_policy_has_as_many_characters_as_are_announced(
    limits: Limits, characters: int, filling: str
) -> None:
    start, end = '{"Version": "1", "Statement": [], "x": "', '"}'

    def refused(count: int) -> Violation:
        with pytest.raises(InvalidPolicyError) as caught:
            parse_permission_policy(start + filling * (count - len(start + end)) + end, limits=limits)
        return caught.value.violations[0]

    assert refused(characters).reason == "EMPTY_STATEMENTS"
    assert refused(characters + 1).message == (
        f"the document has {characters + 1} characters; {characters} are allowed"
    )


@pytest.mark.parametrize(
    ("made", "limit", "reason"),
    [
        pytest.param(lambda n: [PERMISSION] * n, 100, "TOO_MANY_STATEMENTS", id="statements"),
        pytest.param(lambda n: [PERMISSION | {"Action": "a:" + "b" * (n - 2)}], 512, "PATTERN_TOO_LONG", id="an-action"),
        pytest.param(lambda n: [PERMISSION | {"Resource": "acs:a:::" + "b" * (n - 8)}], 512, "PATTERN_TOO_LONG", id="a-resource"),
        pytest.param(lambda n: [PERMISSION | {"Resource": "acs:a:::" + "*" * n}], 16, "TOO_MANY_STARS", id="stars"),
        pytest.param(lambda n: [PERMISSION | {"Sid": "s" * n}], 128, "INVALID_SID", id="sid"),
    ],
)  # fmt: skip
def test_a_permission_has_as_much_as_is_announced(made: Any, limit: int, reason: str) -> None:
    (over,) = permission(made(limit + 1))

    assert permission(made(limit)) == ()
    assert (over.reason, f"{limit} are allowed" in over.message) == (reason, True)


def test_250_violations_are_listed_and_the_rest_is_not_examined() -> None:
    one_less, as_many, more = (trust([TRUST | {"Principal": {"RAM": ["x"] * n}}]) for n in (249, 250, 300))

    assert [v.reason for v in one_less] == ["INVALID_PRINCIPAL"] * 249
    assert (
        [v.reason for v in as_many] == [v.reason for v in more] == ["INVALID_PRINCIPAL"] * 250 + ["TOO_MANY_VIOLATIONS"]
    )
    last, said = more[-2:]
    assert (said.pointer, said.line, said.column, said.suggestion) == (last.pointer, last.line, last.column, "")
    assert said.message == (
        "250 violations are listed and the document was not examined further; correct these, then check it again"
    )


def test_what_is_examined_last_is_not_examined_after_250_violations() -> None:
    too_many_keys = {"Condition": {"Bool": {f"k{number}": "true" for number in range(65)}}}
    few, many = (trust([TRUST | too_many_keys | {"Principal": {"RAM": ["x"] * n}}]) for n in (249, 250))

    assert [v.reason for v in few[:2]] == ["TOO_MANY_CONDITION_KEYS", "INVALID_PRINCIPAL"]
    assert {v.reason for v in many} == {"INVALID_PRINCIPAL", "TOO_MANY_VIOLATIONS"}


@pytest.mark.parametrize("kind", ["permission", "session"])
def test_as_many_characters_as_are_announced_have_at_most_the_announced_bytes(kind: str) -> None:
    limits = {"permission": PERMISSION_LIMITS, "session": SESSION_POLICY_LIMITS}[kind]
    assert limits.max_document_characters
    widest = "\U0001f600" * limits.max_document_characters

    with pytest.raises(InvalidPolicyError) as caught:
        parse_permission_policy(widest, limits=limits)

    assert [violation.reason for violation in caught.value.violations] == ["INVALID_JSON"]
    assert limits.max_document_bytes == len(widest.encode())
