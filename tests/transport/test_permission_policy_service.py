"""ValidatePermissionPolicy over a real channel: every field of its messages."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest

from rolecall.policy.canonical import canonical_text
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.linting.findings import Finding
from rolecall.policy.permission.limits import PERMISSION_LIMITS
from rolecall.policy.permission.lint import lint_permissions
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall_client.v1 import policy_pb2 as pb, policy_pb2_grpc as rpc
from tests.server.serving import Served
from tests.transport.refusals import refused

ROLES = "acs:ram:*:123456789012:role/shop-*"


def document(*statements: dict[str, Any], indent: int | None = None) -> str:
    whole = [{"Effect": "Allow", "Action": "ram:GetRole", "Resource": ROLES, **statement} for statement in statements]
    return json.dumps({"Version": "1", "Statement": whole}, indent=indent)


INVALID = '{"Version":"2",\n "Statement":[{"Effect":"allow","Action":"GetRole","NotResource":"*","Resource":"*"}]}'
NOTED = document(
    {"Action": ["sts:AssumeRole", "ram:GetRole"], "Resource": ["*", ROLES]},
    {"Condition": {"StringEquals": {"ram:ServiceNames": "ecs.aliyuncs.com"}}},
    indent=1,
)


@pytest.fixture
def policies(service: Served) -> Any:
    return rpc.PolicyServiceStub(service.channel)


async def validated(policies: Any, text: str, **fields: Any) -> pb.ValidatePermissionPolicyResponse:
    answer = await policies.ValidatePermissionPolicy(pb.ValidatePermissionPolicyRequest(document=text, **fields))
    assert isinstance(answer, pb.ValidatePermissionPolicyResponse)
    return answer


async def test_a_valid_document_comes_back_in_canonical_form_with_its_patterns(policies: Any) -> None:
    answer = await validated(policies, NOTED)

    assert answer.valid
    assert not answer.violations
    assert answer.canonical_document == canonical_text(NOTED) != NOTED
    assert list(answer.actions) == ["ram:GetRole", "sts:AssumeRole"]
    assert list(answer.resources) == ["*", ROLES]
    assert list(answer.condition_keys) == ["ram:ServiceNames"]


async def test_every_violation_of_an_invalid_document_has_all_its_fields(policies: Any) -> None:
    with pytest.raises(InvalidPolicyError) as caught:
        parse_permission_policy(INVALID)

    answer = await validated(policies, INVALID)

    assert not answer.valid
    assert (answer.canonical_document, list(answer.actions), list(answer.findings)) == ("", [], [])
    assert [(v.pointer, v.line, v.column, v.reason, v.message, v.suggestion) for v in answer.violations] == [
        (v.pointer, v.line, v.column, v.reason, v.message, v.suggestion) for v in caught.value.violations
    ]
    assert len(answer.violations) == 4


async def test_every_finding_has_all_its_fields(policies: Any) -> None:
    findings = lint_permissions(parse_permission_policy(NOTED), now=0)

    answer = await validated(policies, NOTED)

    def fields(found: Finding | pb.LintFinding) -> tuple[object, ...]:
        return (found.id, str(found.severity), found.pointer, found.message, found.fix, found.line, found.column)

    assert [fields(finding) for finding in answer.findings] == [fields(finding) for finding in findings]
    assert [finding.id for finding in answer.findings] == ["assume-every-role", "any-of-many"]
    assert all(all(fields(finding)) for finding in findings)


@pytest.mark.parametrize(("date", "found"), [("2020-01-01T00:00:00Z", True), ("2999-01-01T00:00:00Z", False)])
async def test_the_linter_knows_the_time(policies: Any, date: str, found: bool) -> None:
    answer = await validated(policies, document({"Condition": {"DateLessThan": {"acs:CurrentTime": date}}}))

    assert ("past-date" in {finding.id for finding in answer.findings}) is found


async def test_a_session_policy_has_a_smaller_limit(policies: Any) -> None:
    text = document({}) + " " * 2_000

    whole, of_session = await validated(policies, text), await validated(policies, text, session_policy=True)

    assert whole.valid
    assert [violation.message for violation in of_session.violations] == [
        f"the document has {len(text)} characters; 2048 are allowed"
    ]


async def test_a_document_of_the_greatest_size_in_bytes_has_a_canonical_form(policies: Any) -> None:
    name = "\U0001f600" * 400
    text = json.dumps(json.loads(document({"Resource": [f"acs:oss:*:*:{name}"] * 12})), ensure_ascii=False)

    answer = await validated(policies, text)

    assert len(text.encode()) > 16_384
    assert answer.valid
    assert answer.canonical_document == canonical_text(text, limits=PERMISSION_LIMITS)


async def test_the_profile_decides_on_the_language(policies: Any) -> None:
    text = document({"Sid": "s"})

    ours = await validated(policies, text, profile=pb.POLICY_PROFILE_ROLECALL)
    rams = await validated(policies, text, profile=pb.POLICY_PROFILE_RAM)

    assert ours.valid
    assert [violation.reason for violation in rams.violations] == ["NOT_IN_RAM"]


async def test_a_number_that_is_no_profile_is_refused(policies: Any) -> None:
    request = pb.ValidatePermissionPolicyRequest(document=NOTED)
    request.MergeFromString(b"\x10\x09")

    refusal = await refused(policies.ValidatePermissionPolicy(request))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_ENUM_VALUE")
