from __future__ import annotations

from typing import Any

import grpc
import pytest

from rolecall_client.v1 import policy_pb2 as pb, policy_pb2_grpc as rpc
from tests.server.serving import DOCUMENT, Served
from tests.transport.refusals import refused


@pytest.fixture
def policies(service: Served) -> Any:
    return rpc.PolicyServiceStub(service.channel)


async def test_a_document_that_breaks_no_rule_is_valid_and_its_names_are_told(policies: Any) -> None:
    answer = await policies.ValidateTrustPolicy(pb.ValidateTrustPolicyRequest(document=DOCUMENT))

    assert answer.valid
    assert not answer.violations
    assert list(answer.principals) == ["acs:ram::123456789012:root"]
    assert answer.canonical_document


async def test_an_invalid_document_is_an_answer_with_every_violation(policies: Any) -> None:
    answer = await policies.ValidateTrustPolicy(pb.ValidateTrustPolicyRequest(document='{"Version":"2"}'))

    assert not answer.valid
    assert [(violation.pointer, violation.reason) for violation in answer.violations] == [
        ("", "MISSING_FIELD"),
        ("/Version", "UNSUPPORTED_VERSION"),
    ]


async def test_the_profile_decides_whose_language_it_is(policies: Any) -> None:
    document = DOCUMENT.replace('"Effect"', '"Sid":"s","Effect"')

    ours = await policies.ValidateTrustPolicy(pb.ValidateTrustPolicyRequest(document=document))
    rams = await policies.ValidateTrustPolicy(
        pb.ValidateTrustPolicyRequest(document=document, profile=pb.POLICY_PROFILE_RAM)
    )

    assert (ours.valid, rams.valid) == (True, False)


async def test_a_profile_that_is_none_is_refused(policies: Any) -> None:
    request = pb.ValidateTrustPolicyRequest(document=DOCUMENT)
    request.MergeFromString(b"\x10\x09")

    refusal = await refused(policies.ValidateTrustPolicy(request))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_ENUM_VALUE")
