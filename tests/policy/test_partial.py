"""Decisions about requests with unknown keys: the keys that can still turn a deny into an allow."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest

from rolecall.policy.compiler import compile_policy
from rolecall.policy.evaluator import Outcome, evaluate
from rolecall.policy.parser import parse_policy
from rolecall.policy.partial import deciding_keys
from rolecall.policy.principal import principal_of_request

ACCOUNT = "123456789012"
ALICE, BOB = f"acs:ram::{ACCOUNT}:user/alice", f"acs:ram::{ACCOUNT}:user/bob"
NOON = 1_767_268_800_000_000  # 2026-01-01T12:00:00Z

Json = dict[str, Any]


def statement(effect: str, who: str, condition: Json | None = None, action: str = "sts:AssumeRole") -> Json:
    whole = {"Effect": effect, "Action": action, "Principal": {"RAM": who}}
    return whole | ({"Condition": condition} if condition else {})


def allow(condition: Json | None = None, *, who: str = ALICE, action: str = "sts:AssumeRole") -> Json:
    return statement("Allow", who, condition, action)


def deny(condition: Json | None = None, *, who: str = ALICE, action: str = "sts:AssumeRole") -> Json:
    return statement("Deny", who, condition, action)


def needs(key: str, value: str = "yes") -> Json:
    return {"StringEquals": {key: value}}


def keys(
    *statements: Json, known: Mapping[str, Sequence[str]] | None = None, absent: Sequence[str] = ()
) -> tuple[str, ...] | None:
    """Return the deciding keys when every key is unknown that is neither known nor absent for good."""
    policy = compile_policy(parse_policy(json.dumps({"Version": "1", "Statement": statements})))
    given = known or {}
    values = [tuple(given[key]) if key in given else None for key in policy.keys]
    unknown = {slot for slot, key in enumerate(policy.keys) if key not in absent}
    return deciding_keys(policy, principal_of_request(ALICE), ACCOUNT, values, NOON, unknown=unknown)


def test_an_allow_that_applies_needs_no_further_key() -> None:
    assert keys(allow()) == ()
    assert keys(allow(needs("a")), known={"a": ["yes"]}) == ()


def test_an_unknown_key_of_an_allow_is_a_deciding_one() -> None:
    assert keys(allow(needs("b") | {"Bool": {"a": "true", "c": "true"}}), known={"c": ["true"]}) == ("a", "b")


def test_the_keys_are_sorted_and_each_is_named_once() -> None:
    assert keys(allow(needs("b")), allow(needs("a")), allow(needs("b", "other"))) == ("a", "b")


def test_without_an_allow_nothing_can_allow() -> None:
    assert keys(deny(needs("a"))) is None
    assert keys(allow(who=BOB)) is None


def test_a_known_condition_that_fails_rules_an_allow_out() -> None:
    assert keys(allow(needs("a")), known={"a": ["no"]}) is None
    assert keys(allow(needs("a") | {"Bool": {"b": "true"}}), known={"a": ["no"]}) is None


def test_a_key_that_stays_absent_fails_a_positive_condition() -> None:
    assert keys(allow(needs("a")), absent=["a"]) is None
    assert keys(allow({"StringNotEquals": {"a": "no"}}), absent=["a"]) == ()


def test_a_key_without_values_is_unknown() -> None:
    assert keys(allow(needs("a")), known={"a": []}) == ("a",)


def test_the_time_is_known() -> None:
    assert keys(allow({"DateLessThan": {"acs:CurrentTime": "2026-01-01T12:00:00Z"}})) is None
    assert keys(allow({"DateLessThanEquals": {"acs:CurrentTime": "2026-01-01T12:00:00Z"}})) == ()


def test_a_deny_that_applies_rules_every_allow_out() -> None:
    assert keys(allow(), deny()) is None
    assert keys(allow(needs("a")), deny(needs("b")), known={"b": ["yes"]}) is None


def test_an_unknown_key_of_a_deny_is_a_deciding_one() -> None:
    assert keys(allow(), deny(needs("a"))) == ("a",)
    assert keys(allow(needs("b")), deny({"StringEquals": {"a": "1", "c": "1"}}), known={"c": ["1"]}) == ("a", "b")


def test_a_deny_that_fails_has_no_deciding_key() -> None:
    assert keys(allow(), deny({"StringEquals": {"a": "1", "c": "1"}}), known={"c": ["2"]}) == ()


def test_one_deny_that_applies_is_enough() -> None:
    assert keys(allow(), deny(needs("a")), deny(needs("b")), known={"b": ["yes"]}) is None
    assert keys(allow(), deny(needs("b")), deny(needs("a")), known={"b": ["yes"]}) is None


@pytest.mark.parametrize("effect", [allow, deny])
def test_statements_about_source_identities_alone_do_not_count(effect: Any) -> None:
    only = effect(needs("b"), action="sts:SetSourceIdentity")

    assert keys(only) is None
    assert keys(only, allow(needs("a"))) == ("a",)
    assert keys(effect(action="sts:SetSourceIdentity"), allow()) == ()


def test_a_deciding_key_is_found_exactly_when_some_values_allow() -> None:
    """The law, over every request with the values `1`, `2` or none for each of two unknown keys."""
    random = Random(7)
    for _ in range(300):
        statements = [
            statement(random.choice(["Allow", "Allow", "Deny"]), random.choice([ALICE, ALICE, BOB]), _condition(random))
            for _ in range(random.randint(1, 4))
        ]
        policy = compile_policy(parse_policy(json.dumps({"Version": "1", "Statement": statements})))
        choices = itertools.product([None, ("1",), ("2",), ("3",)], repeat=len(policy.keys))
        outcomes = [evaluate(policy, principal_of_request(ALICE), ACCOUNT, v, NOON).outcome for v in choices]

        possible = keys(*statements)

        # A key is judged by itself, so there may be a key where no value helps; never the other way round.
        assert possible is not None or Outcome.ALLOW not in outcomes, statements
        if possible == ():
            assert set(outcomes) == {Outcome.ALLOW}, statements


def _condition(random: Random) -> Json | None:
    operator = random.choice(["StringEquals", "StringNotEquals", "ForAnyValue:StringEquals"])
    chosen = random.sample(["a", "b"], random.randint(0, 2))
    return {operator: {key: random.choice(["1", "2"]) for key in chosen}} if chosen else None
