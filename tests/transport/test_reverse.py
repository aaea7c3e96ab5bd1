"""Reverse queries over a real channel: what an identity can assume, and whom a role trusts."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest

from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.server.serving import ACCOUNT, BOB, Served
from tests.transport.refusals import refused

OTHER = "210987654321"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/cluster"
VPN = {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}
ALLOW, CONDITIONAL = pb.ASSUMABILITY_ALLOW, pb.ASSUMABILITY_CONDITIONAL


def statement(effect: str = "Allow", condition: object = None, **principal: object) -> dict[str, Any]:
    whole = {"Effect": effect, "Action": "sts:AssumeRole", "Principal": principal or {"RAM": BOB}}
    return whole | ({"Condition": condition} if condition else {})


async def create(service: Served, name: str, *statements: dict[str, Any], account: str = ACCOUNT) -> None:
    document = json.dumps({"Version": "1", "Statement": list(statements) or [statement()]})
    request = role_pb2.CreateRoleRequest(account_id=account, role_name=name, assume_role_policy_document=document)
    await service.roles.CreateRole(request)


def asking(principal: str = BOB, **fields: Any) -> pb.ListAssumableRolesRequest:
    return pb.ListAssumableRolesRequest(principal=principal, **fields)


async def listed(service: Served, request: pb.ListAssumableRolesRequest) -> list[tuple[str, int, list[str]]]:
    answer = await service.decisions.ListAssumableRoles(request)
    assert answer.next_page_token == ""
    return [(role.role_arn.partition("role/")[2], role.outcome, list(role.missing_keys)) for role in answer.roles]


async def test_allow_is_what_a_check_allows_and_conditional_names_what_may_still_decide(service: Served) -> None:
    await create(service, "open")
    await create(service, "vpn", statement(condition=VPN))
    await create(service, "barred", statement(), statement("Deny"))
    await create(service, "barred-inside", statement(), statement("Deny", VPN))
    await create(service, "others", statement(Service="ecs.aliyuncs.com"))

    unknown = await listed(service, asking())
    inside = await listed(service, asking(context={"acs:SourceIp": pb.ConditionValues(values=["10.0.0.1"])}))
    outside = await listed(service, asking(context={"acs:SourceIp": pb.ConditionValues(values=["11.0.0.1"])}))

    assert unknown == [("barred-inside", ALLOW, []), ("open", ALLOW, []), ("vpn", CONDITIONAL, ["acs:SourceIp"])]
    assert inside == [("open", ALLOW, []), ("vpn", ALLOW, [])]
    assert outside == [("barred-inside", ALLOW, []), ("open", ALLOW, [])]


async def test_a_federated_identity_comes_with_its_claims(service: Served) -> None:
    condition = {"StringEquals": {"oidc:sub": "system:serviceaccount:pay:api", "oidc:aud": "sts.aliyuncs.com"}}
    await create(service, "pod", statement(condition=condition, Federated=PROVIDER))

    def identity(**claims: str) -> pb.ListAssumableRolesRequest:
        values = {f"oidc:{name}": pb.ConditionValues(values=[value]) for name, value in claims.items()}
        return pb.ListAssumableRolesRequest(federated=pb.FederatedIdentity(provider_arn=PROVIDER, claims=values))

    whole = identity(sub="system:serviceaccount:pay:api", aud="sts.aliyuncs.com")
    assert await listed(service, whole) == [("pod", ALLOW, [])]
    assert await listed(service, identity(sub="system:serviceaccount:pay:api")) == [("pod", CONDITIONAL, ["oidc:aud"])]
    assert await listed(service, identity(sub="system:serviceaccount:pay:web")) == []


async def test_pages_follow_each_other_whatever_is_written_meanwhile(service: Served) -> None:
    for name in ("a", "c", "e", "g"):
        await create(service, name)

    first = await service.decisions.ListAssumableRoles(asking(page_size=2))
    await create(service, "b")
    await create(service, "d")
    await service.roles.DeleteRole(role_pb2.DeleteRoleRequest(role="c"))
    second = await service.decisions.ListAssumableRoles(asking(page_size=2, page_token=first.next_page_token))
    third = await service.decisions.ListAssumableRoles(asking(page_size=2, page_token=second.next_page_token))

    names = [[role.role_arn[-1] for role in page.roles] for page in (first, second, third)]
    assert names == [["a", "c"], ["d", "e"], ["g"]]
    assert third.next_page_token == ""


async def test_an_account_bounds_the_list(service: Served) -> None:
    await create(service, "here")
    await create(service, "there", account=OTHER)

    assert [name for name, _, _ in await listed(service, asking(account_id=OTHER))] == ["there"]
    assert [name for name, _, _ in await listed(service, asking())] == ["here", "there"]


async def test_a_role_with_too_short_sessions_is_not_listed(service: Served) -> None:
    await create(service, "hour")

    listed_for = {
        seconds: await listed(service, asking(duration_seconds=seconds)) for seconds in (0, 899, 900, 3_600, 3_601)
    }

    expected: list[tuple[str, int, list[str]]] = [("hour", ALLOW, [])]
    assert listed_for == {0: expected, 899: [], 900: expected, 3_600: expected, 3_601: []}


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("source_identity", "sts:SourceIdentity"),
        ("external_id", "sts:ExternalId"),
        ("role_session_name", "sts:RoleSessionName"),
    ],
)
async def test_the_fields_of_a_list_are_condition_keys_as_in_a_check(service: Served, field: str, key: str) -> None:
    await create(service, "app", statement(condition={"StringEquals": {key: "alice"}}))

    assert await listed(service, asking(**{field: "alice"})) == [("app", ALLOW, [])]
    assert await listed(service, asking(**{field: "other"})) == []
    assert await listed(service, asking()) == [("app", CONDITIONAL, [key])]


@pytest.mark.parametrize(
    "change",
    [
        {"principal": BOB.replace("bob", "alice")},
        {"account_id": ACCOUNT},
        {"external_id": "xx"},
        {"context": {"acs:SourceIp": pb.ConditionValues(values=["10.0.0.1"])}},
        {"federated": pb.FederatedIdentity(provider_arn=PROVIDER)},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_page_token_is_bound_to_what_was_asked(service: Served, change: dict[str, Any]) -> None:
    for name in ("a", "b"):
        await create(service, name)
    token = (await service.decisions.ListAssumableRoles(asking(page_size=1))).next_page_token
    request = asking(page_token=token)
    request.MergeFrom(pb.ListAssumableRolesRequest(**change))

    refusal = await refused(service.decisions.ListAssumableRoles(request))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TOKEN")
    assert [field.field for field in refusal.fields] == ["page_token"]


async def test_a_page_token_that_was_altered_is_refused(service: Served) -> None:
    for name in ("a", "b"):
        await create(service, name)
    token = (await service.decisions.ListAssumableRoles(asking(page_size=1))).next_page_token
    altered = [token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), token + "A", "x", "\x00"]

    for text in altered:
        refusal = await refused(service.decisions.ListAssumableRoles(asking(page_token=text)))
        assert refusal.reason == "INVALID_TOKEN"


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (pb.ListAssumableRolesRequest(oidc_token="x"), "UNIMPLEMENTED", "NOT_AVAILABLE"),
        (pb.ListAssumableRolesRequest(), "INVALID_ARGUMENT", "REQUIRED"),
        (asking("?"), "INVALID_ARGUMENT", "INVALID_PRINCIPAL"),
        (asking(page_size=1_001), "INVALID_ARGUMENT", "PAGE_SIZE_RANGE"),
        (asking(page_size=-1), "INVALID_ARGUMENT", "PAGE_SIZE_RANGE"),
        (asking(account_id="?"), "INVALID_ARGUMENT", "INVALID_ACCOUNT_ID"),
        (asking(context={"acs:CurrentTime": pb.ConditionValues(values=["x"])}), "INVALID_ARGUMENT", "RESERVED_KEY"),
    ],
    ids=["token", "nobody", "principal", "page", "negative page", "account", "reserved"],
)
async def test_a_list_that_cannot_be_made_is_refused(
    service: Served, request_: pb.ListAssumableRolesRequest, code: str, reason: str
) -> None:
    refusal = await refused(service.decisions.ListAssumableRoles(request_))

    assert (refusal.code.name, refusal.reason) == (code, reason)


async def test_an_account_root_can_assume_nothing(service: Served) -> None:
    await create(service, "open", statement(RAM=f"acs:ram::{ACCOUNT}:root"))

    assert await listed(service, asking(f"acs:ram::{ACCOUNT}:root")) == []


async def test_a_role_names_whom_it_trusts_in_the_order_of_its_statements(service: Served) -> None:
    both = statement(condition=VPN, RAM=[BOB, f"acs:ram::{OTHER}:root"])
    await create(service, "app", both, statement("Deny", Service="ecs.aliyuncs.com"), statement(Federated=PROVIDER))

    answer = await service.decisions.ListTrustedPrincipals(pb.ListTrustedPrincipalsRequest(role="APP"))

    found = [(g.principal_pattern, g.type, g.effect, list(g.conditions), g.statement_pointer) for g in answer.grants]
    vpn = ["`acs:SourceIp` is in `10.0.0.0/8`"]
    assert found == [
        (BOB, "RAM", "Allow", vpn, "/Statement/0"),
        (f"acs:ram::{OTHER}:root", "RAM", "Allow", vpn, "/Statement/0"),
        ("ecs.aliyuncs.com", "Service", "Deny", [], "/Statement/1"),
        (PROVIDER, "Federated", "Allow", [], "/Statement/2"),
    ]


@pytest.mark.parametrize(
    ("role", "code", "reason"),
    [("none", "NOT_FOUND", "ROLE_NOT_FOUND"), ("acs:ram::x", "INVALID_ARGUMENT", "INVALID_ROLE")],
)
async def test_a_role_that_does_not_exist_trusts_nobody(service: Served, role: str, code: str, reason: str) -> None:
    refusal = await refused(service.decisions.ListTrustedPrincipals(pb.ListTrustedPrincipalsRequest(role=role)))

    assert (refusal.code.name, refusal.reason) == (code, reason)
