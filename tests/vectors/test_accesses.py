"""Every vector of accesses, through the evaluator."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectors.access_product import Permissions
from tests.vectors.cases import cases, expected_of

Json = dict[str, Any]


@pytest.mark.parametrize(("facts", "case"), cases("accesses"))
def test_the_evaluator_gives_the_expected_answer(facts: Json, case: Json) -> None:
    permissions = Permissions(facts["policies"], callers_rights=facts["callers_rights"])

    assert permissions.decide(case) == expected_of(case)
