"""The rights on the past of roles: what was deleted is judged as it last was, and nothing shows which roles there were."""

from __future__ import annotations

from typing import Any

import grpc

from rolecall_client.v1 import role_pb2 as pb
from tests.server.serving import ACCOUNT, Served
from tests.transport.refusals import Refusal, refused
from tests.transport.rights.serving import ADMIN, NOBODY, OTHER, ROLE, Rights, by, policy, serving
from tests.transport.rights.test_checks import missing
from tests.transport.rights.test_writes import creation

CREATE, GET, HISTORY = "ram:CreateRole", "ram:GetRole", "rolecall:ReadHistory"
NOT_FOUND = grpc.StatusCode.NOT_FOUND


async def make(service: Served, name: str, team: str, *, deleted: bool = False, account_id: str = "") -> pb.Role:
    request = creation(name=name, tags={"team": team}, account_id=account_id)
    response: pb.CreateRoleResponse = await service.roles.CreateRole(request, metadata=by(ADMIN))
    role = response.role
    if deleted:
        await service.roles.DeleteRole(pb.DeleteRoleRequest(role=role.arn), metadata=by(ADMIN))
    return role


async def changed(service: Served, caller: str, **filters: Any) -> list[str]:
    """Return the names of the roles of all changes that are listed."""
    names, request = list[str](), pb.ListChangesRequest(page_size=1, **filters)
    while True:
        page = await service.roles.ListChanges(request, metadata=by(caller))
        names += [change.role.role_name for change in page.changes]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return names


async def denied(service: Served, caller: str, **filters: Any) -> Refusal:
    return await refused(service.roles.ListChanges(pb.ListChangesRequest(**filters), metadata=by(caller)))


async def test_changes_are_listed_by_account_and_prefix_or_by_role_and_others_are_left_out() -> None:
    shop = f"acs:ram:*:{ACCOUNT}:role/shop-*"
    rights: Rights = {
        "everything": [policy(HISTORY)],
        "account": [policy(HISTORY, on=f"acs:ram:*:{ACCOUNT}:role/*")],
        "shop": [policy(HISTORY, on=shop)],
        "not-bank": [policy(HISTORY), policy(HISTORY, on=f"acs:ram:*:{ACCOUNT}:role/bank", effect="Deny")],
    }
    async with serving(rights) as service:
        await make(service, "bank", "b", deleted=True)
        await make(service, "shop-a", "s")
        await make(service, "other", "o", account_id=OTHER)

        assert await changed(service, "everything") == ["bank", "bank", "shop-a", "other"]
        assert await changed(service, "account", account_ids=[ACCOUNT]) == ["bank", "bank", "shop-a"]
        assert await changed(service, "shop", account_ids=[ACCOUNT], name_prefix="Shop-") == ["shop-a"]
        assert await changed(service, "shop", role="shop-a") == ["shop-a"]
        assert await changed(service, "not-bank") == ["shop-a", "other"]
        refusals = [
            await denied(service, "account"),
            await denied(service, "account", account_ids=[ACCOUNT, OTHER]),
            await denied(service, "account", account_ids=[ACCOUNT, "no account"]),
            await denied(service, "shop", account_ids=[ACCOUNT]),
            await denied(service, "shop", account_ids=[ACCOUNT], name_prefix="*"),
            await denied(service, "shop", role="bank"),
            await denied(service, "shop", role="never-was"),
            await denied(service, "shop", role="a/b/c"),
            await denied(service, "shop", role="bank", view=9),
            await denied(service, "shop", role="bank", start_revision=-1),
            await denied(service, NOBODY),
        ]

    role = f"acs:ram::{ACCOUNT}:role/"
    assert [missing(refusal) for refusal in refusals] == [
        (HISTORY, resource)
        for resource in (
            "*",
            f"acs:ram::{OTHER}:role/*",
            "*",
            f"{role}*",
            "*",
            f"{role}bank",
            f"{role}never-was",
            "*",
            f"{role}bank",
            f"{role}bank",
            "*",
        )
    ]


async def test_the_past_of_a_role_is_judged_by_the_tags_that_it_has_or_had_last() -> None:
    tagged: Rights = {
        "bank": [policy(HISTORY, StringEquals={"acs:ResourceTag/team": ["bank"]})],
        "not-secret": [
            policy(HISTORY),
            policy(HISTORY, effect="Deny", StringEquals={"acs:ResourceTag/team": "secret"}),
        ],
    }
    async with serving(tagged) as service:
        secret = await make(service, "app", "secret", deleted=True)
        bank = await make(service, "app", "bank", deleted=True)
        await make(service, "app", "shop")

        def revisions(role_id: str, caller: str) -> Any:
            request = pb.ListRoleRevisionsRequest(role="app", role_id=role_id)
            return service.roles.ListRoleRevisions(request, metadata=by(caller))

        by_tag = await revisions(bank.role_id, "bank")
        refusals = [
            await refused(revisions("", "bank")),
            await refused(revisions(secret.role_id, "bank")),
            await refused(revisions("1", "bank")),
            await refused(revisions(secret.role_id, "not-secret")),
        ]
        unknown = await refused(revisions("1", "not-secret"))
        listed = await service.roles.ListChanges(pb.ListChangesRequest(), metadata=by("not-secret"))

    assert [revision.revision for revision in by_tag.revisions] == [4, 3]
    assert [missing(refusal) for refusal in refusals] == [(HISTORY, ROLE)] * 4
    assert (unknown.code, unknown.reason) == (NOT_FOUND, "ROLE_NOT_FOUND")
    assert [change.revision for change in listed.changes] == [3, 4, 5]


async def test_to_restore_a_role_is_to_create_it_as_it_was() -> None:
    rights: Rights = {
        "bank": [policy(CREATE, StringEquals={"acs:RequestTag/team": ["bank"]})],
        "services": [policy(CREATE, ForAllValues_StringEquals={"ram:TrustedPrincipalTypes": ["Service"]})],
        "updates": [policy("ram:UpdateRole", "ram:DeleteRole", GET, HISTORY)],
    }
    async with serving(rights) as service:
        await make(service, "app", "bank", deleted=True)

        def undelete(caller: str, role: str = "app") -> Any:
            return service.roles.UndeleteRole(pb.UndeleteRoleRequest(role=role), metadata=by(caller))

        refusals = [await refused(undelete(caller)) for caller in ("services", "updates", NOBODY)]
        refusals.append(await refused(undelete("bank", "never-was")))
        restored = await undelete("bank")
        again = await refused(undelete("bank"))

    never = f"acs:ram::{ACCOUNT}:role/never-was"
    assert [missing(refusal) for refusal in refusals] == [(CREATE, ROLE)] * 3 + [(CREATE, never)]
    # The content is for a caller that may read the role.
    assert (restored.role.role_name, restored.role.assume_role_policy_document) == ("app", "")
    assert again.code is grpc.StatusCode.ALREADY_EXISTS
