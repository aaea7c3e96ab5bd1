"""Requests without any field, over a real channel: each is answered, or refused with a reason that the page of errors has."""

from __future__ import annotations

import re

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor

from rolecall_client.v1 import caller_pb2, decision_pb2, policy_pb2, role_pb2, watch_pb2
from tests.cli.serving import REPOSITORY
from tests.server.serving import Served
from tests.transport.refusals import Refusal, refused

METHODS: list[MethodDescriptor] = [
    method
    for module in (caller_pb2, decision_pb2, policy_pb2, role_pb2, watch_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
UNARY = {method.name: method for method in METHODS if not method.client_streaming and not method.server_streaming}
ANSWERED = {"ListChanges", "ListRoles", "ValidatePermissionPolicy", "ValidateTrustPolicy", "WhoAmI"}
EXPECTED = {
    "BatchCheckAssumeRole": "BATCH_SIZE",
    "CanI": "REQUIRED",
    "CheckAssumeRole": "REQUIRED",
    "CreateRole": "ROLE_NAME_LENGTH",
    "DeleteRole": "REQUIRED",
    "ExplainAssumeRole": "REQUIRED",
    "GetRole": "REQUIRED",
    "ListAssumableRoles": "REQUIRED",
    "ListRoleRevisions": "REQUIRED",
    "ListTrustedPrincipals": "REQUIRED",
    "RollbackRole": "REQUIRED",
    "UndeleteRole": "REQUIRED",
    "UpdateRole": "REQUIRED",
}


async def refusal_of_an_empty_request(service: Served, method: MethodDescriptor) -> Refusal:
    path = f"/{method.containing_service.full_name}/{method.name}"
    return await refused(service.channel.unary_unary(path)(b"", timeout=20))


@pytest.mark.parametrize("name", sorted(UNARY.keys() - ANSWERED))
async def test_an_empty_request_is_refused_with_a_reason_of_a_request(service: Served, name: str) -> None:
    page = (REPOSITORY / "docs/errors.md").read_text()
    codes, _, of_requests = page.partition("## Reasons of violations in a policy")
    known = set(re.findall(r"`([A-Z_]+)`", codes + of_requests.partition("## Reasons of violations in a request")[2]))

    refusal = await refusal_of_an_empty_request(service, UNARY[name])

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, EXPECTED[name])
    assert refusal.reason in known
    assert refusal.fields[0].reason == refusal.reason


async def test_an_empty_query_misses_its_identity_and_its_role(service: Served) -> None:
    refusal = await refusal_of_an_empty_request(service, UNARY["CheckAssumeRole"])

    assert [(field.field, field.reason) for field in refusal.fields] == [("identity", "REQUIRED"), ("role", "REQUIRED")]
