"""Laws of the decision: what holds for every policy and every request."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, strategies as st

from rolecall.policy.evaluator import Outcome
from tests.oracle import pools
from tests.oracle.oracle import decide
from tests.policy.strategies import (
    allows,
    denies,
    effects,
    hostile_requests,
    laws,
    policies,
    requests,
    statements,
    unread_keys,
)
from tests.vectors.product import Evaluator, evaluated, instant, spelled

Json = dict[str, Any]

HORIZON = 400 * 86_400_000_000


def with_statement(document: Json, extra: Json, place: int) -> Json:
    found = list(document["Statement"])
    found.insert(place, extra)
    return document | {"Statement": found}


def without_places(answer: Json) -> Json:
    """Return an answer without the pointers, which depend on the order of statements."""
    return answer | {"determining": len(answer["determining"])}


@laws
@given(policies, denies, st.integers(0, 4), requests)
def test_a_further_deny_never_allows(document: Json, extra: Json, place: int, request: Json) -> None:
    before = evaluated(document, request)
    after = evaluated(with_statement(document, extra, place), request)

    assert before["allowed"] or not after["allowed"]


@laws
@given(policies, allows, st.integers(0, 4), requests)
def test_a_further_allow_never_denies(document: Json, extra: Json, place: int, request: Json) -> None:
    before = evaluated(document, request)
    after = evaluated(with_statement(document, extra, place), request)

    assert after["allowed"] or not before["allowed"]


@laws
@given(policies, allows, st.integers(0, 4), requests)
def test_a_further_allow_never_lifts_a_deny(document: Json, extra: Json, place: int, request: Json) -> None:
    before = evaluated(document, request)
    after = evaluated(with_statement(document, extra, place), request)

    assert (before["reason"] == "EXPLICIT_DENY") == (after["reason"] == "EXPLICIT_DENY")


@laws
@given(policies, requests)
def test_without_an_applying_allow_nothing_is_allowed(document: Json, request: Json) -> None:
    only_denies = document | {"Statement": [statement | {"Effect": "Deny"} for statement in document["Statement"]]}

    assert not evaluated(only_denies, request)["allowed"]


@laws
@given(policies, requests, st.randoms(use_true_random=False))
def test_the_order_of_statements_does_not_matter(document: Json, request: Json, random: Any) -> None:
    shuffled = document | {"Statement": random.sample(document["Statement"], len(document["Statement"]))}

    assert without_places(evaluated(shuffled, request)) == without_places(evaluated(document, request))


@laws
@given(policies, requests, st.randoms(use_true_random=False))
def test_the_order_of_values_does_not_matter(document: Json, request: Json, random: Any) -> None:
    other, other_request = copy.deepcopy(document), copy.deepcopy(request)
    for statement in other["Statement"]:
        for members in [statement["Principal"], *statement.get("Condition", {}).values()]:
            for values in members.values():
                random.shuffle(values)
    for values in other_request["context"].values():
        random.shuffle(values)

    assert evaluated(other, other_request) == evaluated(document, request)


@laws
@given(policies, requests, st.randoms(use_true_random=False))
def test_the_order_of_conditions_does_not_matter(document: Json, request: Json, random: Any) -> None:
    other = copy.deepcopy(document)
    for statement in other["Statement"]:
        condition = list(statement.get("Condition", {}).items())
        random.shuffle(condition)
        statement.update({"Condition": dict(condition)} if condition else {})

    assert evaluated(other, request) == evaluated(document, request)


@laws
@given(policies, requests, unread_keys)
def test_keys_that_are_not_read_do_not_matter(document: Json, request: Json, unread: Json) -> None:
    more = request | {"context": request["context"] | unread}

    assert evaluated(document, more) == evaluated(document, request)


@laws
@given(policies, requests)
def test_a_key_without_values_is_a_missing_key(document: Json, request: Json) -> None:
    present = {key: values for key, values in request["context"].items() if values}
    empty: Json = {key: [] for keys in pools.SENT.values() for key in keys}

    with_empty = evaluated(document, request | {"context": empty | present})

    assert with_empty == evaluated(document, request | {"context": present})


@laws
@given(policies, hostile_requests)
def test_no_text_makes_it_raise_or_differ_from_the_oracle(document: Json, request: Json) -> None:
    assert evaluated(document, request) == decide(document, request)


@laws
@given(statements, effects, requests, st.sampled_from(["acs:SourceIp", "app:Number", "app:Day", "acs:MFAPresent"]))
def test_an_unreadable_value_fails_an_allow_and_meets_a_deny(
    statement: Json, effect: str, request: Json, key: str
) -> None:
    operator = {"acs:SourceIp": "IpAddress", "app:Number": "NumericEquals", "app:Day": "DateLessThan"}.get(key, "Bool")
    expected = {"IpAddress": "::/0", "NumericEquals": "5", "DateLessThan": "2030-01-01T00:00:00Z", "Bool": "true"}[
        operator
    ]
    with_condition = {**statement, "Effect": effect, "Condition": {operator: {key: expected}}}
    plain = {name: value for name, value in with_condition.items() if name != "Condition"}
    other_request = request | {"context": request["context"] | {key: ["not to be read"]}}
    document = {"Version": "1", "Statement": [with_condition]}

    answer = evaluated(document, other_request)

    named = evaluated({"Version": "1", "Statement": [plain]}, other_request)
    assert answer["reason"] == (named["reason"] if effect == "Deny" else "IMPLICIT_DENY")


@laws
@given(policies, requests, st.floats(0, 1, exclude_max=True))
def test_an_answer_is_the_same_at_every_time_of_its_validity(document: Json, request: Json, part: float) -> None:
    evaluator = Evaluator(document)
    now = instant(request["time"])
    first = evaluator.evaluation(request)
    end = first.valid_until if first.valid_until is not None else now + HORIZON
    start = first.valid_from if first.valid_from is not None else now - HORIZON

    inside = [start, now, start + int((end - start) * part), end - 1]
    found = [evaluator.evaluation(request | {"time": spelled(at)}) for at in inside]

    assert start <= now < end
    assert [evaluation[:3] for evaluation in found] == [first[:3]] * len(inside)
    assert {(evaluation.valid_from, evaluation.valid_until) for evaluation in found} == {first[3:]}


@laws
@given(policies, requests)
def test_the_end_of_an_answer_is_the_oracles(document: Json, request: Json) -> None:
    first = Evaluator(document).evaluation(request)

    assert first.valid_until == decide(document, request)["valid_until"]


@laws
@given(statements, requests)
def test_one_statement_gives_its_own_effect_or_nothing(statement: Json, request: Json) -> None:
    outcome = Evaluator({"Version": "1", "Statement": [statement]}).evaluation(request).outcome

    own = Outcome.ALLOW if statement["Effect"] == "Allow" else Outcome.EXPLICIT_DENY
    assert outcome in {own, Outcome.IMPLICIT_DENY}
