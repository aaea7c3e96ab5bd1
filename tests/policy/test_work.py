"""The estimated work of a question: what it never underrates, and which policies need none."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from itertools import islice, product
from typing import Any

import pytest
from hypothesis import given, strategies as st

from rolecall.policy.compiler import compile_policy
from rolecall.policy.document import TrustPolicy
from rolecall.policy.evaluator import estimated_work
from rolecall.policy.limits import MAX_CONTEXT_CHARACTERS, MAX_VALUES, Limits
from rolecall.policy.parser import parse_policy
from rolecall.policy.work import (
    EXPLANATION_BUDGET,
    LONG_WORK,
    WORK_BUDGET,
    PolicyWork,
    explanation_work,
    work_of_values,
)
from tests.oracle import pools
from tests.policy.strategies import laws, policies, statements

Json = dict[str, Any]

STORED = Limits(
    max_document_bytes=1_000_000,
    max_statements=10_000,
    max_principals=10_000,
    max_condition_keys=10_000,
    max_patterns=100_000,
    max_total_pattern_characters=1_000_000,
)
LETTERS = string.ascii_letters + string.digits
TINY = [first + second for first, second in product(LETTERS, LETTERS)]
EXPECTED = [(name, pools.EXPECTED[family][0]) for family, names in pools.OPERATORS.items() for name in names]
HUNDRED = [f"zzzz{number}" for number in range(MAX_VALUES)]

texts = st.lists(st.text(max_size=40), max_size=6)


def policy(*found: Json) -> TrustPolicy:
    return parse_policy(json.dumps({"Version": "1", "Statement": list(found)}), limits=STORED)


def comparing(operator: str, values: Sequence[str], key: str = "k") -> Json:
    condition = {operator: {key: list(values)}}
    who = {"RAM": "acs:ram::123456789012:root"}
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": who, "Condition": condition}


def work(found: TrustPolicy, values: Sequence[str]) -> int:
    return PolicyWork.of(found.statements, ["k"]).estimate([tuple(values)])


def patterns(template: str, count: int) -> TrustPolicy:
    return policy(comparing("StringLike", [template % text for text in islice(TINY, count)]))


@laws
@given(policies, texts, texts, st.data())
def test_more_values_and_longer_ones_never_take_less_work(
    document: Json, values: list[str], more: list[str], data: st.DataObject
) -> None:
    read = parse_policy(json.dumps(document))
    keys = compile_policy(read).keys
    estimate = PolicyWork.of(read.statements, keys).estimate
    longer = [value + data.draw(st.text(max_size=9)) for value in values]

    assert estimate([tuple(values)] * len(keys)) <= estimate([tuple(longer + more)] * len(keys))
    assert estimate([None] * len(keys)) == estimate([()] * len(keys)) <= estimate([tuple(values)] * len(keys))


@laws
@given(policies, statements, texts)
def test_a_further_statement_takes_more_work(document: Json, extra: Json, values: list[str]) -> None:
    smaller, larger = policy(*document["Statement"]), policy(*document["Statement"], extra)
    keys = sorted(set(compile_policy(smaller).keys) | set(compile_policy(larger).keys))
    before, after = (PolicyWork.of(p.statements, keys).estimate([tuple(values)] * len(keys)) for p in (smaller, larger))

    assert before < after


@laws
@given(st.lists(st.text("ab*?", max_size=8), min_size=1, max_size=6), st.text("ab*?", max_size=8), texts)
def test_a_further_pattern_never_takes_less_work(few: list[str], extra: str, values: list[str]) -> None:
    before, after = (policy(comparing("StringLike", found)) for found in (few, [*few, extra]))

    assert work(before, values) <= work(after, values)


@laws
@given(policies)
def test_no_request_takes_more_work_than_the_largest(document: Json) -> None:
    read = parse_policy(json.dumps(document))
    keys = compile_policy(read).keys
    whole = PolicyWork.of(read.statements, keys)
    wide = ("x" * (MAX_CONTEXT_CHARACTERS // MAX_VALUES),) * MAX_VALUES

    assert whole.estimate([wide] * len(keys)) <= whole.largest


@pytest.mark.parametrize(("operator", "expected"), EXPECTED)
def test_an_ordinary_question_about_any_operator_is_answered_at_once(operator: str, expected: str) -> None:
    compiled = compile_policy(policy(*[comparing(operator, [expected])] * 10))

    assert estimated_work(compiled, [("x",) * 10]) < LONG_WORK


def test_a_policy_that_no_request_makes_long_is_evaluated_without_an_estimate() -> None:
    compiled = compile_policy(policy(*[comparing("StringEquals", ["v"])] * 10))

    assert compiled.work is None
    assert estimated_work(compiled, [("x",) * MAX_VALUES]) == 0


@pytest.mark.parametrize(("over", "estimated"), [(0, False), (1, True)])
def test_a_policy_needs_an_estimate_once_a_request_can_take_more_than_is_answered_at_once(
    monkeypatch: pytest.MonkeyPatch, over: int, estimated: bool
) -> None:
    read = policy(comparing("StringLike", ["*a?b*"]))
    largest = PolicyWork.of(read.statements, ["k"]).largest
    monkeypatch.setattr("rolecall.policy.compiler.LONG_WORK", largest - over)

    assert (compile_policy(read).work is not None) is estimated


@pytest.mark.parametrize("template", ["*?%s*", "?%s", "*%s?*", "?%s*?", "*?x*%s"])
def test_thousands_of_tiny_patterns_are_over_the_budget_for_a_hundred_values(template: str) -> None:
    many, few = patterns(template, 2_319), patterns(template, 20)

    assert estimated_work(compile_policy(many), [tuple(HUNDRED)]) > WORK_BUDGET
    assert estimated_work(compile_policy(many), [("one",)]) < WORK_BUDGET
    assert estimated_work(compile_policy(few), [tuple(HUNDRED)]) < LONG_WORK


def test_what_the_default_limits_allow_to_decide_can_be_explained() -> None:
    limits = Limits()
    condition = {"StringEquals": {"k": ["v"]}}
    principals = {"RAM": [f"acs:ram::{number}:root" for number in range(limits.max_principals)]}
    plain = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": []}}
    conditioned = [plain | {"Condition": condition}] * limits.max_condition_keys
    rest = [plain] * (limits.max_statements - limits.max_condition_keys - 1)
    found = policy(plain | {"Principal": principals}, *conditioned, *rest).statements
    longest = [("x" * MAX_CONTEXT_CHARACTERS,)]

    traced = explanation_work(found, ["k"], longest) - 2 * PolicyWork.of(found, ["k"]).estimate(longest)

    assert traced <= EXPLANATION_BUDGET - 2 * WORK_BUDGET


def test_a_policy_of_thousands_of_statements_is_decided_without_reaching_the_budget() -> None:
    found = policy(*[comparing("IpAddress", ["10.0.0.0/8"])] * 1_500)

    assert work(found, ["10.1.2.3"]) < WORK_BUDGET
    assert work(found, []) < WORK_BUDGET // 10


def test_the_time_is_a_fixed_part_of_the_work() -> None:
    instants = [f"2026-01-01T00:00:{second:02}Z" for second in range(60)]
    few, many = (policy(comparing("DateLessThan", found, "acs:CurrentTime")) for found in (instants[:1], instants))

    assert PolicyWork.of(few.statements, []).estimate([]) < PolicyWork.of(many.statements, []).estimate([])


def test_a_pattern_that_is_repeated_is_compared_once() -> None:
    once, often = (policy(comparing("StringLike", ["*?a*?b"] * times)) for times in (1, 50))

    assert work(once, HUNDRED) == work(often, HUNDRED)


def test_the_work_of_one_condition_counts_its_values() -> None:
    (statement,) = policy(comparing("StringLike", ["*?a*?b"])).statements

    assert work_of_values(statement.conditions[0], ["v"]) < work_of_values(statement.conditions[0], ["v", "v"])
