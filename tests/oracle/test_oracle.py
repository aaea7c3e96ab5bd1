"""The oracle agrees with the vectors, and with the product on random cases."""

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
from tests.vectors.cases import cases, expected_of, request_of
from tests.vectors.product import Evaluator, evaluated

pytestmark = pytest.mark.long

Json = dict[str, Any]

CASES = int(os.environ.get("ROLECALL_ORACLE_CASES", "100000"))
SEED = int(os.environ.get("ROLECALL_ORACLE_SEED", "20260101"))
REQUESTS_OF_A_POLICY = 20


@pytest.mark.parametrize(("facts", "case"), cases("decisions"))
def test_the_oracle_agrees_with_a_vector(facts: Json, case: Json) -> None:
    answer = decide(facts["trust_policy"], request_of(facts, case))

    assert answer == expected_of(case)


def test_the_oracle_agrees_with_the_product_on_random_cases(record_property: Any) -> None:
    random = Random(SEED)
    reasons: Counter[str] = Counter()

    while reasons.total() < CASES:
        document = drawn.policy(random)
        evaluator = Evaluator(document)
        for _ in range(min(REQUESTS_OF_A_POLICY, CASES - reasons.total())):
            request = drawn.request(random)
            answer = decide(document, request)
            if evaluator.decide(request) != answer:
                pytest.fail(difference(document, request))
            reasons[answer["reason"]] += 1

    shares = {reason: count / reasons.total() for reason, count in sorted(reasons.items())}
    distribution = ", ".join(f"{reason} {share:.1%}" for reason, share in shares.items())
    record_property("distribution", distribution)
    print(f"\n{reasons.total()} random cases of seed {SEED}: {distribution}")
    assert all(shares.get(reason, 0) >= 0.05 for reason in ("ALLOW", "EXPLICIT_DENY", "IMPLICIT_DENY")), distribution


def test_a_difference_is_reported_for_the_smallest_case() -> None:
    random = Random(1)
    document, request = drawn.policy(random), drawn.request(random)
    document["Statement"].append(
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"Service": ["a.b", "c.d"]}}
    )

    policy, smaller = smallest(document, request, lambda document, _: "c.d" in json.dumps(document))

    assert [statement["Principal"] for statement in policy["Statement"]] == [{"Service": ["c.d"]}]
    assert smaller["context"] == {}


def difference(document: Json, request: Json) -> str:
    """Return the smallest case for which the two answers still differ, and both answers."""
    document, request = smallest(document, request, lambda d, q: evaluated(d, q) != decide(d, q))
    return "\n".join(
        [
            f"seed {SEED}",
            f"policy   {json.dumps(document)}",
            f"request {json.dumps(request)}",
            f"oracle   {decide(document, request)}",
            f"product  {evaluated(document, request)}",
        ]
    )
