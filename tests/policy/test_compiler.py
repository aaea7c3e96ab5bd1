"""Compiled policies share their parts, so that many of them take little memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.policy.compiler import CompiledPolicy, compile_policy
from rolecall.policy.parser import parse_policy


def compiled(number: int, *operators: str, effect: str = "Allow") -> CompiledPolicy:
    principals = [f"acs:ram::123456789012:user/{name}-{number}" for name in ("a", "b")]
    statement: dict[str, Any] = {
        "Effect": effect,
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": principals},
        "Condition": {operator: {"acme:Key": f"value-{number}"} for operator in operators},
    }
    return compile_policy(parse_policy(json.dumps({"Version": "1", "Statement": [statement]})))


def test_conditions_of_one_operator_share_their_test_across_policies() -> None:
    (one,), (other,) = compiled(1, "StringEquals").statements, compiled(2, "StringEquals").statements

    assert one.conditions[0].test is other.conditions[0].test
    assert one.conditions[0].holds(("value-1",))
    assert not other.conditions[0].holds(("value-1",))


def test_conditions_that_differ_in_operator_prefix_or_effect_share_none() -> None:
    operators = ("StringEquals", "StringNotEquals", "ForAllValues:StringEquals", "ForAnyValue:StringEquals")

    tests = {
        condition.test
        for effect in ("Allow", "Deny")
        for statement in compiled(1, *operators, effect=effect).statements
        for condition in statement.conditions
    }

    assert len(tests) == 2 * len(operators)


def test_principals_of_the_same_statements_share_one_list_of_them() -> None:
    one, other = compiled(1, "StringEquals").by_principal.values()

    assert one is other


def test_accounts_and_keys_are_one_text_in_all_policies() -> None:
    one, other = compiled(1, "StringEquals"), compiled(2, "StringEquals")

    assert one.keys[0] is other.keys[0]
    assert len({id(principal.account) for policy in (one, other) for principal in policy.by_principal}) == 1


LAST, LAST_TEXT = 253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"
NOON, NOON_TEXT = 1_767_268_800_000_000, "2026-01-01T12:00:00Z"


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(
    ("operator", "after_noon", "at_the_end"),
    [
        ("DateEquals", (0, 1), (0,)),
        ("DateNotEquals", (0, 1), (0,)),
        ("DateLessThan", (0,), (0,)),
        ("DateLessThanEquals", (1,), ()),
        ("DateGreaterThan", (1,), ()),
        ("DateGreaterThanEquals", (0,), (0,)),
    ],
)
def test_a_condition_on_the_time_changes_at_these_instants_none_of_them_after_the_last(
    effect: str, operator: str, after_noon: tuple[int, ...], at_the_end: tuple[int, ...]
) -> None:
    def boundaries(key: str, *times: str) -> tuple[int, ...]:
        statement = {
            "Effect": effect,
            "Action": "sts:AssumeRole",
            "Principal": {"RAM": ["acs:ram::123456789012:user/a"]},
            "Condition": {operator: {key: list(times)}},
        }
        (found,) = compile_policy(parse_policy(json.dumps({"Version": "1", "Statement": [statement]}))).statements
        return found.boundaries

    assert boundaries("acs:CurrentTime", NOON_TEXT) == tuple(NOON + by for by in after_noon)
    assert boundaries("acs:CurrentTime", LAST_TEXT) == tuple(LAST + by for by in at_the_end)
    assert boundaries("acme:Time", NOON_TEXT) == ()
