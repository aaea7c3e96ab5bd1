"""The oracle agrees about accesses with the vectors, and with the product on random cases."""

from __future__ import annotations

import json
import os
from collections import Counter
from random import Random
from typing import Any

import pytest

from tests.oracle import access_cases as drawn
from tests.oracle.accesses import decide_access
from tests.vectors.access_product import Permissions
from tests.vectors.cases import cases, expected_of

pytestmark = pytest.mark.long

Json = dict[str, Any]

CASES = int(os.environ.get("ROLECALL_ORACLE_CASES", "15000"))
SEED = int(os.environ.get("ROLECALL_ORACLE_SEED", "20260101"))
ACCESSES_OF_POLICIES = 20


@pytest.mark.parametrize(("facts", "case"), cases("accesses"))
def test_the_oracle_agrees_with_a_vector(facts: Json, case: Json) -> None:
    answer = decide_access(facts["policies"], case, callers_rights=facts["callers_rights"])

    assert answer == expected_of(case)


def test_the_oracle_agrees_with_the_product_on_random_cases(record_property: Any) -> None:
    random = Random(SEED)
    reasons: Counter[str] = Counter()

    while reasons.total() < CASES:
        policies, callers_rights = drawn.policies(random), random.random() < 0.5
        product = Permissions(policies, callers_rights=callers_rights)
        for _ in range(min(ACCESSES_OF_POLICIES, CASES - reasons.total())):
            access = drawn.access(random)
            expected, given = decide_access(policies, access, callers_rights=callers_rights), product.decide(access)
            if given != expected:
                pytest.fail(difference(policies, access, callers_rights=callers_rights))
            reasons[expected["reason"]] += 1

    shares = {reason: count / reasons.total() for reason, count in sorted(reasons.items())}
    distribution = ", ".join(f"{reason} {share:.1%}" for reason, share in shares.items())
    record_property("distribution", distribution)
    print(f"\n{reasons.total()} random accesses of seed {SEED}: {distribution}")
    assert all(shares.get(reason, 0) >= 0.05 for reason in ("ALLOW", "EXPLICIT_DENY", "IMPLICIT_DENY")), distribution


def difference(policies: list[Json], access: Json, *, callers_rights: bool) -> str:
    """Return a case of as few statements as possible for which the two answers differ, and both answers."""

    def differs(smaller: list[Json]) -> bool:
        product = Permissions(smaller, callers_rights=callers_rights).decide(access)
        return product != decide_access(smaller, access, callers_rights=callers_rights)

    while fewer := next(filter(differs, _with_one_statement_less(policies)), None):
        policies = fewer
    return "\n".join(
        [
            f"seed {SEED}, rights of a caller: {callers_rights}",
            f"policies {json.dumps(policies)}",
            f"access   {json.dumps(access)}",
            f"oracle   {decide_access(policies, access, callers_rights=callers_rights)}",
            f"product  {Permissions(policies, callers_rights=callers_rights).decide(access)}",
        ]
    )


def _with_one_statement_less(policies: list[Json]) -> list[list[Json]]:
    found = []
    for place, policy in enumerate(policies):
        statements = policy["document"]["Statement"]
        for index in range(len(statements)):
            kept = [s for n, s in enumerate(statements) if n != index]
            smaller = [{"name": policy["name"], "document": {"Version": "1", "Statement": kept}}] if kept else []
            found.append(policies[:place] + smaller + policies[place + 1 :])
    return found
