"""The rights of reads: lists leave out what may not be read, and nothing shows which roles exist."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

import grpc
import pytest

from rolecall_client.v1 import decision_pb2, role_pb2 as pb, watch_pb2
from tests.server.serving import ACCOUNT, Served
from tests.transport.refusals import refused
from tests.transport.rights.serving import ADMIN, NOBODY, OTHER, ROLE, Rights, by, policy, serving
from tests.transport.rights.test_checks import missing
from tests.transport.rights.test_writes import creation

LIST, GET, HISTORY = "ram:ListRoles", "ram:GetRole", "rolecall:ReadHistory"


async def names(service: Served, caller: str, **fields: Any) -> list[list[str]]:
    """Return the names of the roles of all pages of a list."""
    pages, request = list[list[str]](), pb.ListRolesRequest(**fields)
    while not pages or request.page_token:
        page = await service.roles.ListRoles(request, metadata=by(caller))
        pages.append([role.role_name for role in page.roles])
        request.page_token = page.next_page_token
    return pages


async def test_a_list_leaves_out_the_roles_that_may_not_be_read() -> None:
    shop = f"acs:ram:*:{ACCOUNT}:role/shop-*"
    rights: Rights = {
        "shop": [policy(LIST), policy(GET, on=shop)],
        "tagged": [policy(LIST), policy(GET, StringEquals={"acs:ResourceTag/team": ["bank"]})],
        "prefix": [policy(LIST, GET, on=shop)],
        "lists-alone": [policy(LIST)],
    }
    async with serving(rights) as service:
        for name, team in {"app": "bank", "bank": "bank", "shop-a": "shop", "shop-b": "bank"}.items():
            await service.roles.CreateRole(creation(name=name, tags={"team": team}), metadata=by(ADMIN))

        found = {caller: await names(service, caller, page_size=1) for caller in ("shop", "tagged", "lists-alone")}
        prefixed = await names(service, "prefix", name_prefix="Shop-")
        denied = [
            await refused(service.roles.ListRoles(pb.ListRolesRequest(), metadata=by("prefix"))),
            await refused(service.roles.ListRoles(pb.ListRolesRequest(name_prefix="s"), metadata=by("prefix"))),
            await refused(service.roles.ListRoles(pb.ListRolesRequest(account_id=OTHER), metadata=by("prefix"))),
            await refused(service.roles.ListRoles(pb.ListRolesRequest(name_prefix="*"), metadata=by("prefix"))),
        ]

    assert found == {
        "shop": [[], [], ["shop-a"], ["shop-b"]],
        "tagged": [["app"], ["bank"], [], ["shop-b"]],
        "lists-alone": [[], [], [], []],
    }
    assert prefixed == [["shop-a", "shop-b"]]
    assert [missing(refusal) for refusal in denied] == [
        (LIST, f"acs:ram::{ACCOUNT}:role/*"),
        (LIST, f"acs:ram::{ACCOUNT}:role/s*"),
        (LIST, f"acs:ram::{OTHER}:role/*"),
        (LIST, "*"),
    ]


async def test_a_page_token_shows_no_name_and_is_its_callers_own() -> None:
    async with serving({"a": ["RolecallAuditor"], "b": ["RolecallAuditor"]}) as service:
        for name in ("secret-role", "shop"):
            await service.roles.CreateRole(creation(name=name), metadata=by(ADMIN))
        await service.roles.UpdateRole(pb.UpdateRoleRequest(role="shop", description="x"), metadata=by(ADMIN))
        request, history = pb.ListRolesRequest(page_size=1), pb.ListRoleRevisionsRequest(role="shop", page_size=1)
        first = (await service.roles.ListRoles(request, metadata=by("a"))).next_page_token
        revisions = (await service.roles.ListRoleRevisions(history, metadata=by("a"))).next_page_token
        request.page_token, history.page_token = first, revisions
        second = await service.roles.ListRoles(request, metadata=by("a"))
        others = [
            await refused(service.roles.ListRoles(request, metadata=by("b"))),
            await refused(service.roles.ListRoleRevisions(history, metadata=by("b"))),
        ]

    assert b"secret" not in urlsafe_b64decode(first + "==")
    assert [role.role_name for role in second.roles] == ["shop"]
    assert [refusal.reason for refusal in others] == ["INVALID_TOKEN"] * 2


@pytest.mark.parametrize("name", ["app", "absent"])
async def test_a_missing_right_does_not_show_whether_a_role_exists(name: str) -> None:
    arn = f"acs:ram::{ACCOUNT}:role/{name}"
    async with serving({}) as service:
        await service.roles.CreateRole(creation(), metadata=by(ADMIN))
        roles, metadata = service.roles, by(NOBODY)
        found = [
            await refused(roles.GetRole(pb.GetRoleRequest(role=name), metadata=metadata)),
            await refused(roles.ListRoleRevisions(pb.ListRoleRevisionsRequest(role=name), metadata=metadata)),
            await refused(roles.DeleteRole(pb.DeleteRoleRequest(role=name), metadata=metadata)),
            await refused(roles.RollbackRole(pb.RollbackRoleRequest(role=name, revision=1), metadata=metadata)),
            await refused(roles.CreateRole(creation(name=name), metadata=metadata)),
            await refused(
                service.decisions.ListTrustedPrincipals(
                    decision_pb2.ListTrustedPrincipalsRequest(role=name), metadata=metadata
                )
            ),
        ]

    assert [missing(refusal) for refusal in found] == [
        (GET, arn),
        (HISTORY, arn),
        ("ram:DeleteRole", arn),
        ("ram:UpdateRole", arn),
        ("ram:CreateRole", arn),
        ("rolecall:ListTrustedPrincipals", arn),
    ]


async def test_a_reader_learns_that_a_role_does_not_exist() -> None:
    async with serving({"reader": [policy(GET)]}) as service:
        refusal = await refused(service.roles.GetRole(pb.GetRoleRequest(role="absent"), metadata=by("reader")))

    assert refusal.reason == "ROLE_NOT_FOUND"


@pytest.mark.parametrize(
    ("accounts", "resource"),
    [
        ([], "*"),
        ([OTHER], f"acs:ram::{OTHER}:*"),
        ([ACCOUNT, OTHER], f"acs:ram::{OTHER}:*"),
        (["nowhere"], "*"),
        ([ACCOUNT, "nowhere"], "*"),
    ],
)
async def test_a_watch_needs_the_right_on_each_whole_account(accounts: list[str], resource: str) -> None:
    rights: Rights = {"one": [policy("rolecall:Watch", on=f"acs:ram:*:{ACCOUNT}:*")]}
    async with serving(rights) as service:
        watch = service.watches.WatchRoles
        own = watch(watch_pb2.WatchRolesRequest(account_ids=[ACCOUNT]), metadata=by("one"))
        checkpoint = await own.read()
        own.cancel()

        denied = await refused(watch(watch_pb2.WatchRolesRequest(account_ids=accounts), metadata=by("one")).read())

    assert checkpoint.HasField("checkpoint")
    assert missing(denied) == ("rolecall:Watch", resource)


async def test_a_right_on_the_roles_of_an_account_is_none_on_the_account() -> None:
    rights: Rights = {"roles": [policy("rolecall:Watch", on=f"acs:ram:*:{ACCOUNT}:role/*")]}
    async with serving(rights) as service:
        request = watch_pb2.WatchRolesRequest(account_ids=[ACCOUNT])

        refusal = await refused(service.watches.WatchRoles(request, metadata=by("roles")).read())

    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED


async def test_what_others_allow_gives_no_right_of_this_service() -> None:
    power: dict[str, object] = {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "NotAction": ["ram:*", "ims:*", "resourcemanager:*"], "Resource": "*"}],
    }
    async with serving({"power": [power], "star": [policy("*")]}) as service:
        await service.roles.CreateRole(creation(), metadata=by(ADMIN))
        request = decision_pb2.ListTrustedPrincipalsRequest(role="app")
        denied = [
            await refused(service.decisions.ListTrustedPrincipals(request, metadata=by(caller)))
            for caller in ("power", "star")
        ]
        read = await service.roles.GetRole(pb.GetRoleRequest(role="app"), metadata=by("star"))

    assert [missing(refusal) for refusal in denied] == [("rolecall:ListTrustedPrincipals", ROLE)] * 2
    assert read.role.role_name == "app"
