"""Every decision vector, through the evaluator alone and through a decision point."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectors.cases import cases, expected_of, files, request_of
from tests.vectors.product import Service, evaluated

Json = dict[str, Any]


@pytest.mark.parametrize(("facts", "case"), cases("decisions"))
def test_the_evaluator_gives_the_expected_answer(facts: Json, case: Json) -> None:
    answer = evaluated(facts["trust_policy"], request_of(facts, case))

    assert answer == expected_of(case)


@pytest.mark.parametrize(("facts", "case"), cases("decisions"))
def test_a_decision_point_gives_the_expected_answer(facts: Json, case: Json) -> None:
    service = Service(facts["trust_policy"], facts["role"])

    answer = service.decide(request_of(facts, case))

    assert answer == expected_of(case)


@pytest.mark.parametrize("file", files("decisions"))
def test_a_decision_point_that_caches_gives_the_expected_answers_in_any_order(file: Json) -> None:
    service, requests = Service(file["trust_policy"], file["role"]), [request_of(file, case) for case in file["cases"]]

    once = [service.decide(request) for request in requests]
    backwards = [service.decide(request) for request in reversed(requests)]

    assert once == backwards[::-1] == [expected_of(case) for case in file["cases"]]
