"""What a write reports of a trust policy that it refuses."""

from __future__ import annotations

import pytest

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.limits import Limits
from rolecall.policy.linting.findings import Severity
from rolecall.policy.profile import Profile
from rolecall.roles.documents import DocumentRules, document_violations
from rolecall.roles.errors import FieldViolation
from rolecall.roles.role import Micros

ACCOUNT = "123456789012"
DOCUMENT = """{"Version": "1", "Statement": [
  {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::123456789012:root"}, "Condition": {
    "DateLessThan": {"acs:CurrentTime": "2030-01-01T00:00:00Z"}}}]}"""
EARLY, LATE = Micros(0), Micros(1_900_000_000_000_000)
WARNINGS = frozenset({Severity.WARNING})


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


def refused(
    rules: DocumentRules, account_id: str = ACCOUNT, now: Micros = EARLY, document: str = DOCUMENT
) -> list[str]:
    """Return the reasons for which a document may not be stored."""
    judged = rules.judge(document, account_id, now)
    return [violation.reason for violation in judged.error.violations] if judged.error else []


def test_a_finding_that_blocks_is_a_violation_at_its_place() -> None:
    judged = DocumentRules(Limits(), WARNINGS).judge(DOCUMENT, ACCOUNT, LATE)

    assert judged.policy is not None
    assert judged.error is not None
    assert list(judged.error.violations) == [
        Violation(
            pointer="/Statement/0/Condition/DateLessThan/acs:CurrentTime",
            reason="past-date",
            message="`DateLessThan` on `acs:CurrentTime` is past, so the statement does not apply any more (this server"
            " refuses documents with such findings); remove the statement, or give a later time",
            line=3,
            column=41,
        )
    ]


def test_findings_depend_on_the_time_and_on_the_account_of_the_role() -> None:
    rules = DocumentRules(Limits(), WARNINGS)

    assert refused(rules) == []
    assert refused(rules, now=LATE) == ["past-date"]
    assert refused(rules, account_id="1") == ["root-without-external-id"]


@pytest.mark.parametrize("blocks", [frozenset[Severity](), frozenset({Severity.ERROR, Severity.NOTE})])
def test_findings_of_other_severities_do_not_block(blocks: frozenset[Severity]) -> None:
    assert refused(DocumentRules(Limits(), blocks), account_id="1", now=LATE) == []


def test_a_document_is_read_with_the_limits_and_the_profile_of_the_server() -> None:
    with_sid = DOCUMENT.replace('"Effect"', '"Sid": "s", "Effect"')

    assert refused(DocumentRules(Limits(max_document_bytes=10))) == ["DOCUMENT_TOO_LARGE"]
    assert refused(DocumentRules(Limits()), document=with_sid) == []
    assert refused(DocumentRules(Limits(), profile=Profile.RAM), document=with_sid) == ["NOT_IN_RAM"]
