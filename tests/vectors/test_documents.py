"""Every document vector: the parser reports exactly the expected violations."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.parser import parse_policy
from rolecall.policy.profile import Profile
from tests.vectors.cases import cases

Json = dict[str, Any]


def violations_of(document: str, profile: Profile) -> tuple[Violation, ...]:
    try:
        parse_policy(document, profile=profile)
    except InvalidPolicyError as error:
        return error.violations
    return ()


def members_of(violation: Violation, wanted: Json) -> Json:
    """Return those members of a violation that a case states."""
    return {name: getattr(violation, name) for name in wanted}


@pytest.mark.parametrize(("facts", "case"), cases("documents"))
def test_a_document_has_exactly_the_expected_violations(facts: Json, case: Json) -> None:
    violations = violations_of(case["document"], Profile[case.get("profile", "ROLECALL")])

    stated = [members_of(violation, wanted) for violation, wanted in zip(violations, case["violations"], strict=False)]
    assert stated == case["violations"]
    assert [violation.reason for violation in violations] == [wanted["reason"] for wanted in case["violations"]]
