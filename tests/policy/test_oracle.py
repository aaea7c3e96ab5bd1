"""An independent, naive reading of the language agrees with the vectors, and with the product on random cases."""

from __future__ import annotations

import json
import os
from collections import Counter
from random import Random
from typing import Any

import pytest

from tests.oracle import cases as drawn
from tests.oracle.oracle import decide
from tests.oracle.smaller import smallest
from tests.policy.product import Product, decide_product
from tests.policy.vectors import cases, expected_of, question_of

Json = dict[str, Any]

CASES = int(os.environ.get("ROLECALL_ORACLE_CASES", "100000"))
SEED = int(os.environ.get("ROLECALL_ORACLE_SEED", "20260101"))
QUESTIONS_OF_A_POLICY = 20


@pytest.mark.parametrize(("facts", "case"), cases("decisions"))
def test_the_oracle_agrees_with_a_vector(facts: Json, case: Json) -> None:
    answer = decide(facts["trust_policy"], question_of(facts, case))

    assert answer == expected_of(case)


def test_the_oracle_agrees_with_the_product_on_random_cases(record_property: Any) -> None:
    random = Random(SEED)
    reasons: Counter[str] = Counter()

    while reasons.total() < CASES:
        document = drawn.policy(random)
        product = Product(document)
        for _ in range(min(QUESTIONS_OF_A_POLICY, CASES - reasons.total())):
            question = drawn.question(random)
            answer = decide(document, question)
            if product.decide(question) != answer:
                pytest.fail(difference(document, question))
            reasons[answer["reason"]] += 1

    shares = {reason: count / reasons.total() for reason, count in sorted(reasons.items())}
    told = ", ".join(f"{reason} {share:.1%}" for reason, share in shares.items())
    record_property("distribution", told)
    print(f"\n{reasons.total()} random cases of seed {SEED}: {told}")
    assert all(shares.get(reason, 0) >= 0.05 for reason in ("ALLOW", "EXPLICIT_DENY", "IMPLICIT_DENY")), told


def test_a_difference_is_told_as_small_as_it_goes() -> None:
    random = Random(1)
    document, question = drawn.policy(random), drawn.question(random)
    document["Statement"].append(
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"Service": ["a.b", "c.d"]}}
    )

    smaller, asked = smallest(document, question, lambda policy, _: "c.d" in json.dumps(policy))

    assert [statement["Principal"] for statement in smaller["Statement"]] == [{"Service": ["c.d"]}]
    assert asked["context"] == {}


def difference(document: Json, question: Json) -> str:
    """Return both answers to the smallest case that still has two."""
    document, question = smallest(document, question, lambda d, q: decide_product(d, q) != decide(d, q))
    return "\n".join(
        [
            f"seed {SEED}",
            f"policy   {json.dumps(document)}",
            f"question {json.dumps(question)}",
            f"oracle   {decide(document, question)}",
            f"product  {decide_product(document, question)}",
        ]
    )
