"""Laws of the decision: what holds for every policy and every question."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, strategies as st

from rolecall.policy.evaluator import Outcome
from tests.oracle import pools
from tests.oracle.oracle import decide
from tests.policy.product import Product, decide_product, instant, spelled
from tests.policy.strategies import (
    allows,
    denies,
    effects,
    hostile_questions,
    laws,
    policies,
    questions,
    statements,
    unread_keys,
)

Json = dict[str, Any]

HORIZON = 400 * 86_400_000_000


def with_statement(document: Json, extra: Json, place: int) -> Json:
    found = list(document["Statement"])
    found.insert(place, extra)
    return document | {"Statement": found}


def without_places(answer: Json) -> Json:
    """Return an answer without the pointers, which tell the order of statements."""
    return answer | {"determining": len(answer["determining"])}


@laws
@given(policies, denies, st.integers(0, 4), questions)
def test_a_further_deny_never_allows(document: Json, extra: Json, place: int, question: Json) -> None:
    before = decide_product(document, question)
    after = decide_product(with_statement(document, extra, place), question)

    assert before["allowed"] or not after["allowed"]


@laws
@given(policies, allows, st.integers(0, 4), questions)
def test_a_further_allow_never_denies(document: Json, extra: Json, place: int, question: Json) -> None:
    before = decide_product(document, question)
    after = decide_product(with_statement(document, extra, place), question)

    assert after["allowed"] or not before["allowed"]


@laws
@given(policies, allows, st.integers(0, 4), questions)
def test_a_further_allow_never_lifts_a_deny(document: Json, extra: Json, place: int, question: Json) -> None:
    before = decide_product(document, question)
    after = decide_product(with_statement(document, extra, place), question)

    assert (before["reason"] == "EXPLICIT_DENY") == (after["reason"] == "EXPLICIT_DENY")


@laws
@given(policies, questions)
def test_without_an_applying_allow_nothing_is_allowed(document: Json, question: Json) -> None:
    only_denies = document | {"Statement": [statement | {"Effect": "Deny"} for statement in document["Statement"]]}

    assert not decide_product(only_denies, question)["allowed"]


@laws
@given(policies, questions, st.randoms(use_true_random=False))
def test_the_order_of_statements_does_not_matter(document: Json, question: Json, random: Any) -> None:
    shuffled = document | {"Statement": random.sample(document["Statement"], len(document["Statement"]))}

    assert without_places(decide_product(shuffled, question)) == without_places(decide_product(document, question))


@laws
@given(policies, questions, st.randoms(use_true_random=False))
def test_the_order_of_values_does_not_matter(document: Json, question: Json, random: Any) -> None:
    other, asked = copy.deepcopy(document), copy.deepcopy(question)
    for statement in other["Statement"]:
        for members in [statement["Principal"], *statement.get("Condition", {}).values()]:
            for values in members.values():
                random.shuffle(values)
    for values in asked["context"].values():
        random.shuffle(values)

    assert decide_product(other, asked) == decide_product(document, question)


@laws
@given(policies, questions, st.randoms(use_true_random=False))
def test_the_order_of_conditions_does_not_matter(document: Json, question: Json, random: Any) -> None:
    other = copy.deepcopy(document)
    for statement in other["Statement"]:
        condition = list(statement.get("Condition", {}).items())
        random.shuffle(condition)
        statement.update({"Condition": dict(condition)} if condition else {})

    assert decide_product(other, question) == decide_product(document, question)


@laws
@given(policies, questions, unread_keys)
def test_keys_that_are_not_read_do_not_matter(document: Json, question: Json, unread: Json) -> None:
    more = question | {"context": question["context"] | unread}

    assert decide_product(document, more) == decide_product(document, question)


@laws
@given(policies, questions)
def test_a_key_without_values_is_a_missing_key(document: Json, question: Json) -> None:
    present = {key: values for key, values in question["context"].items() if values}
    empty: Json = {key: [] for keys in pools.SENT.values() for key in keys}

    with_empty = decide_product(document, question | {"context": empty | present})

    assert with_empty == decide_product(document, question | {"context": present})


@laws
@given(policies, hostile_questions)
def test_no_text_makes_it_raise_or_differ_from_the_oracle(document: Json, question: Json) -> None:
    assert decide_product(document, question) == decide(document, question)


@laws
@given(statements, effects, questions, st.sampled_from(["acs:SourceIp", "app:Number", "app:Day", "acs:MFAPresent"]))
def test_a_value_that_cannot_be_read_helps_nobody(statement: Json, effect: str, question: Json, key: str) -> None:
    operator = {"acs:SourceIp": "IpAddress", "app:Number": "NumericEquals", "app:Day": "DateLessThan"}.get(key, "Bool")
    expected = {"IpAddress": "::/0", "NumericEquals": "5", "DateLessThan": "2030-01-01T00:00:00Z", "Bool": "true"}[
        operator
    ]
    doubted = {**statement, "Effect": effect, "Condition": {operator: {key: expected}}}
    plain = {name: value for name, value in doubted.items() if name != "Condition"}
    asked = question | {"context": question["context"] | {key: ["not to be read"]}}
    document = {"Version": "1", "Statement": [doubted]}

    answer = decide_product(document, asked)

    named = decide_product({"Version": "1", "Statement": [plain]}, asked)
    assert answer["reason"] == (named["reason"] if effect == "Deny" else "IMPLICIT_DENY")


@laws
@given(policies, questions, st.floats(0, 1, exclude_max=True))
def test_an_answer_stands_until_it_says(document: Json, question: Json, part: float) -> None:
    product = Product(document)
    now = instant(question["time"])
    first = product.evaluation(question)
    end = first.valid_until if first.valid_until is not None else now + HORIZON
    start = first.valid_from if first.valid_from is not None else now - HORIZON

    inside = [start, now, start + int((end - start) * part), end - 1]
    found = [product.evaluation(question | {"time": spelled(at)}) for at in inside]

    assert start <= now < end
    assert [evaluation[:3] for evaluation in found] == [first[:3]] * len(inside)
    assert {(evaluation.valid_from, evaluation.valid_until) for evaluation in found} == {first[3:]}


@laws
@given(policies, questions)
def test_at_its_end_a_condition_changes(document: Json, question: Json) -> None:
    """An answer does not end for nothing: the oracle, too, sees a condition change then."""
    first = Product(document).evaluation(question)

    assert first.valid_until == decide(document, question)["valid_until"]


@laws
@given(statements, questions)
def test_one_statement_gives_its_own_effect_or_nothing(statement: Json, question: Json) -> None:
    outcome = Product({"Version": "1", "Statement": [statement]}).evaluation(question).outcome

    own = Outcome.ALLOW if statement["Effect"] == "Allow" else Outcome.EXPLICIT_DENY
    assert outcome in {own, Outcome.IMPLICIT_DENY}
