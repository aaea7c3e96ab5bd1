"""Every document vector: the parser of its language reports exactly the expected violations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.parser import parse_policy
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.profile import Profile
from tests.vectors.cases import cases

Json = dict[str, Any]


PARSERS: dict[str, Callable[..., object]] = {
    "documents": parse_policy,
    "permission-documents": parse_permission_policy,
}


def violations_of(kind: str, case: Json) -> tuple[Violation, ...]:
    try:
        PARSERS[kind](case["document"], profile=Profile[case.get("profile", "ROLECALL")])
    except InvalidPolicyError as error:
        return error.violations
    return ()


def members_of(violation: Violation, wanted: Json) -> Json:
    """Return those members of a violation that a case states."""
    return {name: getattr(violation, name) for name in wanted}


@pytest.mark.parametrize(
    ("kind", "case"), [pytest.param(kind, p.values[1], id=f"{kind}/{p.id}") for kind in PARSERS for p in cases(kind)]
)
def test_a_document_has_exactly_the_expected_violations(kind: str, case: Json) -> None:
    violations = violations_of(kind, case)

    stated = [members_of(violation, wanted) for violation, wanted in zip(violations, case["violations"], strict=False)]
    assert stated == case["violations"]
    assert [violation.reason for violation in violations] == [wanted["reason"] for wanted in case["violations"]]
