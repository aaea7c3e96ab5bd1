"""The rights of questions: about a role, for an identity, with claims; judged for each item."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from rolecall.transport.options import GRPCIO, H2
from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.server.serving import ACCOUNT, BOB, DOCUMENT, Served, check
from tests.transport.refusals import Refusal, refused
from tests.transport.rights.serving import ADMIN, NOBODY, OTHER, ROLE, Rights, by, policy, serving

DENIED = grpc.StatusCode.PERMISSION_DENIED
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/github"
CHECK, ASK_FOR, ASSERT = "rolecall:CheckAssumeRole", "rolecall:AskFor", "rolecall:AssertFederated"


def query(principal: str = BOB, role: str = ROLE, **fields: Any) -> pb.AssumeRoleQuery:
    return pb.AssumeRoleQuery(principal=principal, role=role, **fields)


def claims(provider: str = PROVIDER) -> pb.AssumeRoleQuery:
    federated = pb.FederatedIdentity(provider_arn=provider, claims={"oidc:sub": pb.ConditionValues(values=["s"])})
    return pb.AssumeRoleQuery(federated=federated, role=ROLE)


async def denial(service: Served, asked: pb.AssumeRoleQuery, caller: str) -> Refusal | None:
    """Ask a question twice, so that the second is remembered; return how it is denied."""
    found = list[Refusal | None]()
    for _ in range(2):
        try:
            await service.decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=asked), metadata=by(caller))
            found.append(None)
        except grpc.aio.AioRpcError:
            call = service.decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=asked), metadata=by(caller))
            found.append(await refused(call))
    assert found[0] == found[1] or None not in found
    return found[0]


def missing(refusal: Refusal | None) -> tuple[str, str] | None:
    """Return the action and the resource that a refusal names."""
    if refusal is None:
        return None
    assert (refusal.code, refusal.reason, refusal.facts["ram_code"]) == (DENIED, "PERMISSION_DENIED", "NoPermission")
    return refusal.facts["action"], refusal.facts["resource"]


CALLERS: Rights = {
    "decider": ["RolecallDecider"],
    "self": ["RolecallSelfDecider"],
    "shop": [policy(CHECK, on=f"acs:ram:*:{ACCOUNT}:role/shop-*"), policy(ASK_FOR)],
    "for-bob": [policy(CHECK), policy(ASK_FOR, on=BOB)],
    "for-ecs": [policy(CHECK), policy(ASK_FOR, on=f"acs:rolecall::{ACCOUNT}:service/ecs.aliyuncs.com")],
    "front": ["RolecallDecider", policy(ASSERT, on=PROVIDER)],
    "asserts-alone": [policy(CHECK), policy(ASSERT)],
    "denied": ["RolecallDecider", policy(ASK_FOR, on=f"acs:ram:*:{ACCOUNT}:role/*", effect="Deny")],
}


@pytest.mark.parametrize("transport", [GRPCIO, H2])
@pytest.mark.parametrize(
    ("caller", "asked", "expected"),
    [
        ("decider", query(), None),
        ("decider", query(role="no-such-role"), None),
        ("self", query(), (ASK_FOR, BOB)),
        ("shop", query(role="shop-a"), None),
        ("shop", query(role=f"{ACCOUNT}/SHOP-a"), None),
        ("shop", query(), (CHECK, ROLE)),
        ("shop", query(role="APP"), (CHECK, f"acs:ram::{ACCOUNT}:role/APP")),
        ("shop", query(role=f"{OTHER}/shop-a"), (CHECK, f"acs:ram::{OTHER}:role/shop-a")),
        ("for-bob", query(), None),
        ("for-bob", query(f"acs:ram::{ACCOUNT}:user/Bob"), (ASK_FOR, f"acs:ram::{ACCOUNT}:user/Bob")),
        ("for-ecs", query("ecs.aliyuncs.com"), None),
        ("for-ecs", query(f"{ACCOUNT}@ecs.aliyuncs.com"), None),
        ("for-ecs", query(f"{OTHER}@ecs.aliyuncs.com"), (ASK_FOR, f"acs:rolecall::{OTHER}:service/ecs.aliyuncs.com")),
        ("for-ecs", query("oss.aliyuncs.com"), (ASK_FOR, f"acs:rolecall::{ACCOUNT}:service/oss.aliyuncs.com")),
        ("decider", claims(), (ASSERT, PROVIDER)),
        ("front", claims(), None),
        ("front", claims(f"{PROVIDER}-2"), (ASSERT, f"{PROVIDER}-2")),
        ("asserts-alone", claims(), (ASK_FOR, PROVIDER)),
        ("denied", query(), None),
        ("denied", query(f"acs:ram::{ACCOUNT}:role/CI"), (ASK_FOR, f"acs:ram::{ACCOUNT}:role/CI")),
        ("denied", query(f"acs:sts::{ACCOUNT}:assumed-role/CI/job"), (ASK_FOR, f"acs:ram::{ACCOUNT}:role/CI")),
        (NOBODY, query(), (CHECK, ROLE)),
        (NOBODY, query(role="no-such-role"), (CHECK, f"acs:ram::{ACCOUNT}:role/no-such-role")),
    ],
)
async def test_a_question_needs_the_rights_on_its_role_and_its_identity(
    caller: str, asked: pb.AssumeRoleQuery, expected: tuple[str, str] | None, transport: str
) -> None:
    async with serving(CALLERS, transport=transport) as service:
        await service.decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=asked), metadata=by(ADMIN))

        assert missing(await denial(service, asked, caller)) == expected


SELVES = {
    "alice": f"acs:ram::{ACCOUNT}:user/alice",
    "job": f"acs:ram::{ACCOUNT}:role/Job",
    "ecs": f"{ACCOUNT}@ecs.aliyuncs.com",
}


@pytest.mark.parametrize(
    ("caller", "principal", "own"),
    [
        ("alice", SELVES["alice"], True),
        ("alice", f"acs:ram::{ACCOUNT}:user/Alice", False),
        ("alice", f"acs:ram::{OTHER}:user/alice", False),
        ("alice", f"acs:ram::{ACCOUNT}:role/alice", False),
        ("job", f"acs:ram::{ACCOUNT}:role/job", True),
        ("job", f"acs:ram::{ACCOUNT}:assumed-role/JOB/session", True),
        ("job", f"acs:ram::{ACCOUNT}:role/jobs", False),
        ("ecs", "ecs.aliyuncs.com", True),
        ("ecs", SELVES["ecs"], True),
        ("ecs", f"{OTHER}@ecs.aliyuncs.com", False),
    ],
)
async def test_a_caller_asks_for_itself_without_a_right_to_ask_for_others(
    caller: str, principal: str, own: bool
) -> None:
    async with serving({name: ["RolecallSelfDecider"] for name in SELVES}, SELVES) as service:
        refusal = await denial(service, query(principal), caller)

    assert (refusal is None) is own


async def test_a_plain_service_is_itself_only_in_its_own_account() -> None:
    async with serving({"ecs": ["RolecallSelfDecider"]}, SELVES) as service:
        refusal = await denial(service, query("ecs.aliyuncs.com", role=f"{OTHER}/app"), "ecs")

    assert missing(refusal) == (ASK_FOR, f"acs:rolecall::{OTHER}:service/ecs.aliyuncs.com")


@pytest.mark.parametrize("transport", [GRPCIO, H2])
async def test_items_of_a_batch_and_messages_of_a_stream_are_denied_each_by_itself(transport: str) -> None:
    asked = [
        query(role="shop-a"),
        query(),
        query(role="shop-b"),
        pb.AssumeRoleQuery(role="shop-c"),
        pb.AssumeRoleQuery(role="x"),
    ]
    async with serving(CALLERS, transport=transport) as service:
        request = pb.BatchCheckAssumeRoleRequest(queries=asked)
        await service.decisions.BatchCheckAssumeRole(request, metadata=by(ADMIN))
        batch = await service.decisions.BatchCheckAssumeRole(request, metadata=by("shop"))
        stream = service.decisions.StreamCheckAssumeRole(metadata=by("shop"))
        streamed = []
        for number, one in enumerate(asked):
            await stream.write(pb.StreamCheckAssumeRoleRequest(sequence=number, query=one))
            streamed.append(await stream.read())
        stream.cancel()

    # The fourth question is invalid, which is shown since its role may be asked about; of the fifth it is not.
    codes = [0, DENIED.value[0], 0, grpc.StatusCode.INVALID_ARGUMENT.value[0], DENIED.value[0]]
    assert [result.error.code for result in batch.results] == codes
    assert [answer.error.code for answer in streamed] == codes
    assert [answer.sequence for answer in streamed] == [0, 1, 2, 3, 4]


async def test_a_right_that_reads_the_tags_of_a_role_follows_them() -> None:
    tagged = policy(CHECK, ASK_FOR, StringEquals={"acs:ResourceTag/team": ["shop"]})
    async with serving({"shop": [tagged, policy(ASK_FOR)]}) as service:
        await service.roles.CreateRole(creation(tags={"team": "shop"}), metadata=by(ADMIN))
        before = await denial(service, query(), "shop")
        absent = await denial(service, query(role="absent"), "shop")
        update = role_pb2.UpdateRoleRequest(role="app", tags={"team": "bank"})
        await service.roles.UpdateRole(update, metadata=by(ADMIN))

        after = await denial(service, query(), "shop")

    assert before is None
    assert missing(absent) == (CHECK, f"acs:ram::{ACCOUNT}:role/absent")
    assert missing(after) == (CHECK, ROLE)


def creation(name: str = "app", document: str = DOCUMENT, **fields: Any) -> role_pb2.CreateRoleRequest:
    return role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=document, **fields)


async def test_an_explanation_needs_its_own_right_and_history_another() -> None:
    rights = [policy("rolecall:ExplainAssumeRole", ASK_FOR)]
    async with serving(
        {"explains": rights, "history": [*rights, policy("rolecall:ReadHistory")], **CALLERS}
    ) as service:
        await service.roles.CreateRole(creation(), metadata=by(ADMIN))
        explain, now = service.decisions.ExplainAssumeRole, pb.ExplainAssumeRoleRequest(query=query())
        past = pb.ExplainAssumeRoleRequest(query=query(), at_revision=1)

        await explain(now, metadata=by("explains"))
        await explain(past, metadata=by("history"))
        denied = [
            await refused(explain(now, metadata=by("decider"))),
            await refused(explain(past, metadata=by("explains"))),
        ]

    assert [missing(refusal) for refusal in denied] == [
        ("rolecall:ExplainAssumeRole", ROLE),
        ("rolecall:ReadHistory", ROLE),
    ]


async def test_a_list_of_assumable_roles_has_only_those_that_the_caller_may_check() -> None:
    lists = policy("rolecall:ListAssumableRoles")
    rights: Rights = {
        "shop": [lists, *CALLERS["shop"]],
        "narrow": [policy("rolecall:*", on=f"acs:ram:*:{ACCOUNT}:role/shop-*"), policy(ASK_FOR)],
    }
    async with serving(rights) as service:
        for name in ("app", "shop-a", "shop-b"):
            await service.roles.CreateRole(creation(name), metadata=by(ADMIN))
        request = pb.ListAssumableRolesRequest(principal=BOB, page_size=1)
        pages = []
        for caller in ("shop", ADMIN):
            page = await service.decisions.ListAssumableRoles(request, metadata=by(caller))
            pages.append([role.role_arn.rpartition("/")[2] for role in page.roles])
        foreign = pb.ListAssumableRolesRequest(principal=BOB, page_size=1, page_token=page.next_page_token)

        denied = await refused(service.decisions.ListAssumableRoles(request, metadata=by("narrow")))
        other = await refused(service.decisions.ListAssumableRoles(foreign, metadata=by("shop")))

    assert pages == [["shop-a"], ["app"]]
    assert missing(denied) == ("rolecall:ListAssumableRoles", "*")
    assert other.reason == "INVALID_TOKEN"


async def test_a_question_is_denied_before_its_consistency_mode_is_read() -> None:
    request = check()
    request.consistency.fully_consistent = False
    async with serving(CALLERS) as service:
        denied = await refused(service.decisions.CheckAssumeRole(request, metadata=by(NOBODY)))
        invalid = await refused(service.decisions.CheckAssumeRole(request, metadata=by("decider")))

    assert missing(denied) == (CHECK, ROLE)
    assert invalid.reason == "INVALID_CONSISTENCY"
