"""What a write reports of a trust policy that it refuses."""

from __future__ import annotations

import pytest

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.roles.documents import document_violations
from rolecall.roles.errors import FieldViolation


@pytest.mark.parametrize(
    ("reason", "ram_code"),
    [
        ("DOCUMENT_TOO_LARGE", "InvalidParameter.AssumeRolePolicyDocument.Length"),
        ("EMPTY_DOCUMENT", "InvalidParameter.AssumeRolePolicyDocument.Length"),
        ("UNKNOWN_FIELD", "MalformedPolicyDocument"),
    ],
)
def test_a_violation_is_that_of_the_field_with_its_position_and_the_code_of_ram(reason: str, ram_code: str) -> None:
    violation = Violation(pointer="/Efect", reason=reason, message="is unknown", suggestion="Effect", line=2, column=3)

    assert list(document_violations(InvalidPolicyError([violation]))) == [
        FieldViolation(
            field="assume_role_policy_document",
            reason=reason,
            message="is unknown; write `Effect`",
            ram_code=ram_code,
            pointer="/Efect",
            line=2,
            column=3,
        )
    ]
