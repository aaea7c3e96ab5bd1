"""ValidateTrustPolicy over a real channel: every field of its messages."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest

from rolecall.policy.canonical import canonical_text
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.linting.findings import Finding
from rolecall.policy.linting.lint import lint
from rolecall.policy.parser import parse_policy
from rolecall_client.v1 import policy_pb2 as pb, policy_pb2_grpc as rpc
from tests.server.serving import ACCOUNT, DOCUMENT, Served, served
from tests.transport.refusals import refused

OWN, FOREIGN = f"acs:ram::{ACCOUNT}:root", "acs:ram::210987654321:root"


def document(*statements: dict[str, Any], indent: int | None = None) -> str:
    whole = [{"Effect": "Allow", "Action": "sts:AssumeRole", **statement} for statement in statements]
    return json.dumps({"Version": "1", "Statement": whole}, indent=indent)


def until_date(text: str) -> str:
    condition = {"DateLessThan": {"acs:CurrentTime": text}}
    return document({"Principal": {"RAM": OWN}, "Condition": condition})


INVALID = '{"Version":"2",\n "Statement":[{"Effect":"allow","Action":"sts:AssumeRole","Principal":{"RAM":"*"}}]}'
NOTED = document(
    {"Principal": {"RAM": [FOREIGN, OWN]}, "Condition": {"IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}}},
    {"Principal": {"Service": ["ecs.aliyuncs.com"]}, "Condition": {"StringEquals": {"acs:MyKey": "x*"}}},
    indent=1,
)


@pytest.fixture
def policies(service: Served) -> Any:
    return rpc.PolicyServiceStub(service.channel)


async def validated(policies: Any, text: str, **fields: Any) -> pb.ValidateTrustPolicyResponse:
    answer = await policies.ValidateTrustPolicy(pb.ValidateTrustPolicyRequest(document=text, **fields))
    assert isinstance(answer, pb.ValidateTrustPolicyResponse)
    return answer


async def test_a_valid_document_comes_back_in_canonical_form_with_its_names(policies: Any) -> None:
    answer = await validated(policies, NOTED)

    assert answer.valid
    assert not answer.violations
    assert answer.canonical_document == canonical_text(NOTED) != NOTED
    assert list(answer.principals) == sorted([OWN, FOREIGN, "ecs.aliyuncs.com"])
    assert [key.lower() for key in answer.condition_keys] == ["acs:mykey", "acs:sourceip"]


async def test_every_violation_of_an_invalid_document_has_all_its_fields(policies: Any) -> None:
    with pytest.raises(InvalidPolicyError) as caught:
        parse_policy(INVALID)

    answer = await validated(policies, INVALID)

    assert not answer.valid
    assert (answer.canonical_document, list(answer.principals), list(answer.findings)) == ("", [], [])
    assert [(v.pointer, v.line, v.column, v.reason, v.message, v.suggestion) for v in answer.violations] == [
        (v.pointer, v.line, v.column, v.reason, v.message, v.suggestion) for v in caught.value.violations
    ]
    assert [violation.pointer for violation in answer.violations] == [
        "/Version",
        "/Statement/0/Effect",
        "/Statement/0/Principal/RAM",
    ]
    effect = answer.violations[1]
    assert all([effect.line, effect.column, effect.reason, effect.message, effect.suggestion])


async def test_every_finding_has_all_its_fields(policies: Any) -> None:
    findings = lint(parse_policy(NOTED), now=0, account=ACCOUNT)

    answer = await validated(policies, NOTED)

    def fields(found: Finding | pb.LintFinding) -> tuple[object, ...]:
        return (found.id, str(found.severity), found.pointer, found.message, found.fix, found.line, found.column)

    assert [fields(finding) for finding in answer.findings] == [fields(finding) for finding in findings]
    assert [finding.changes_meaning for finding in answer.findings] == [finding.changes_meaning for finding in findings]
    assert {finding.changes_meaning for finding in findings} == {False, True}
    assert all(all(fields(finding)) for finding in findings)


@pytest.mark.parametrize(("principal", "found"), [(OWN, False), (FOREIGN, True)])
async def test_the_linter_takes_the_default_account_for_that_of_the_role(
    policies: Any, principal: str, found: bool
) -> None:
    answer = await validated(policies, document({"Principal": {"RAM": principal}}))

    assert ("root-without-external-id" in {finding.id for finding in answer.findings}) is found


@pytest.mark.parametrize(("date", "found"), [("2020-01-01T00:00:00Z", True), ("2999-01-01T00:00:00Z", False)])
async def test_the_linter_knows_the_time(policies: Any, date: str, found: bool) -> None:
    answer = await validated(policies, until_date(date))

    assert ("past-date" in {finding.id for finding in answer.findings}) is found


@pytest.mark.parametrize(
    ("profile", "valid"),
    [
        (pb.POLICY_PROFILE_UNSPECIFIED, True),
        (pb.POLICY_PROFILE_ROLECALL, True),
        (pb.POLICY_PROFILE_RAM, False),
    ],
)
async def test_the_profile_decides_on_the_language(policies: Any, profile: pb.PolicyProfile, valid: bool) -> None:
    text = DOCUMENT.replace('"Effect"', '"Sid":"s","Effect"')

    answer = await validated(policies, text, profile=profile)

    assert answer.valid is valid
    assert {violation.reason for violation in answer.violations} == (set() if valid else {"NOT_IN_RAM"})


async def test_a_number_that_is_no_profile_is_refused(policies: Any) -> None:
    request = pb.ValidateTrustPolicyRequest(document=DOCUMENT)
    request.MergeFromString(b"\x10\x09")

    refusal = await refused(policies.ValidateTrustPolicy(request))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_ENUM_VALUE")
    assert [(field.field, "9" in field.description) for field in refusal.fields] == [("profile", True)]


async def test_documents_are_validated_against_the_configured_limits() -> None:
    async with served(max_statements=1) as service:
        answer = await validated(rpc.PolicyServiceStub(service.channel), NOTED)

    assert [violation.reason for violation in answer.violations] == ["TOO_MANY_STATEMENTS"]
