"""The rights of writes: judged on the role as it stands, within the transaction, with the names of both trust policies."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest

from rolecall.policy.trusted_names import UNREADABLE, TrustedNames, trusted_names
from rolecall.roles.rights import RoleAccess
from rolecall.roles.role import Micros, Revision, Role, RoleRef
from rolecall.transport.rights.writes import WriteKeys
from rolecall_client.v1 import role_pb2 as pb
from tests.server.serving import ACCOUNT, DOCUMENT, Served, for_ever, until
from tests.transport.refusals import Refusal, refused
from tests.transport.rights.serving import ADMIN, OTHER, ROLE, Rights, by, document, policy, serving
from tests.transport.rights.test_checks import missing

PROVIDER = f"acs:ram::{OTHER}:oidc-provider/github"
CREATE, UPDATE, DELETE, GET = "ram:CreateRole", "ram:UpdateRole", "ram:DeleteRole", "ram:GetRole"


def trust(*principals: dict[str, Any], effect: str = "Allow") -> str:
    statements = [{"Effect": effect, "Action": "sts:AssumeRole", "Principal": principal} for principal in principals]
    return json.dumps({"Version": "1", "Statement": statements})


ECS, OSS = {"Service": ["ecs.aliyuncs.com"]}, {"Service": ["oss.aliyuncs.com"]}
ROOT = {"RAM": [f"acs:ram::{ACCOUNT}:root"]}


@pytest.mark.parametrize(
    ("text", "types", "services", "accounts"),
    [
        (trust(ECS), {"Service"}, {"ecs.aliyuncs.com"}, set()),
        (trust({"Service": "ecs.aliyuncs.com"}), {"Service"}, {"ecs.aliyuncs.com"}, set()),
        (trust(ECS, effect="Deny"), {"Service"}, {"ecs.aliyuncs.com"}, set()),
        (trust({"Service": [f"{OTHER}@ecs.aliyuncs.com"]}), {"Service"}, {f"{OTHER}@ecs.aliyuncs.com"}, {OTHER}),
        (trust(ECS, ROOT), {"Service", "RAM"}, {"ecs.aliyuncs.com"}, {ACCOUNT}),
        (trust({**ECS, **ROOT}), {"Service", "RAM"}, {"ecs.aliyuncs.com"}, {ACCOUNT}),
        (trust({"RAM": [], **ECS}), {"Service", "RAM"}, {"ecs.aliyuncs.com"}, set()),
        (trust({"Federated": [PROVIDER]}), {"Federated"}, set(), {OTHER}),
    ],
)
def test_the_names_of_a_document_are_those_of_all_its_statements(
    text: str, types: set[str], services: set[str], accounts: set[str]
) -> None:
    assert trusted_names(text) == TrustedNames(frozenset(types), frozenset(services), frozenset(accounts))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        '{"Statement": [{"Principal": "*"}]}',
        '{"Statement": [{}]}',
        trust({"AWS": ["*"]}),
        trust({"Service": [5]}),
        trust({"Service": [["ecs.aliyuncs.com"]]}),
        trust({"Service": {"a": 1}}),
        trust({"RAM": ["alice"]}),
        trust({"Service": 5}),
        "[" * 100_000,
        " " * 1_048_577,
    ],
)
def test_what_cannot_be_read_counts_as_trusting_every_kind_of_principal(text: str) -> None:
    names = trusted_names(text)

    assert names == UNREADABLE
    assert names.types == {"RAM", "Service", "Federated"}


def role(text: str, **tags: str) -> Role:
    return Role(
        role_id="1",
        account_id=ACCOUNT,
        role_name="app",
        document=text,
        create_time=Micros(0),
        update_time=Micros(0),
        revision=Revision(1),
        tags=tags,
    )


def test_the_keys_of_a_write_join_what_the_role_trusts_before_and_after() -> None:
    access = RoleAccess(
        ref=RoleRef(ACCOUNT, "app"), before=role(trust(ROOT), team="shop"), document=trust(ECS), tags={"team": "bank"}
    )

    keys = WriteKeys(access)

    assert len(keys) == 5
    assert dict(keys) == {
        "ram:TrustedPrincipalTypes": ("RAM", "Service"),
        "ram:ServiceNames": ("ecs.aliyuncs.com",),
        "rolecall:TrustedAccounts": (ACCOUNT,),
        "acs:ResourceTag/team": ("shop",),
        "acs:RequestTag/team": ("bank",),
    }


def test_keys_with_nothing_to_hold_have_one_value_that_names_nothing() -> None:
    keys = WriteKeys(RoleAccess(ref=None))

    assert dict(keys) == dict.fromkeys(
        ["ram:TrustedPrincipalTypes", "ram:ServiceNames", "rolecall:TrustedAccounts"], ("-",)
    )
    assert keys.get("acs:RequestTag/team") is None


SEED = {
    "ForAllValues:StringEquals": {
        "ram:TrustedPrincipalTypes": ["Service"],
        "ram:ServiceNames": ["ecs.aliyuncs.com"],
    }
}
TEAM: Rights = {"team": [{**policy(CREATE, UPDATE, DELETE)}]}
TEAM["team"][0]["Statement"][0]["Condition"] = SEED  # type: ignore[index]


def creation(text: str = DOCUMENT, name: str = "app", **fields: Any) -> pb.CreateRoleRequest:
    return pb.CreateRoleRequest(role_name=name, assume_role_policy_document=text, **fields)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        (trust(ECS), True),
        (trust(ECS, ECS), True),
        (trust({"Service": ["ecs.aliyuncs.com", "oss.aliyuncs.com"]}), False),
        (trust(OSS), False),
        (trust(ECS, ROOT), False),
        (trust(ROOT), False),
        (trust({"Service": [f"{OTHER}@ecs.aliyuncs.com"]}), False),
        (trust({"RAM": [], **ECS}), False),
        (trust({"Federated": [PROVIDER]}), False),
        ("{", False),
    ],
)
async def test_a_team_creates_roles_for_its_service_alone(text: str, allowed: bool) -> None:
    async with serving(TEAM) as service:
        call = service.roles.CreateRole(creation(text), metadata=by("team"))
        if allowed:
            await call
        else:
            assert missing(await refused(call)) == (CREATE, ROLE)
        roles = len(service.server.replica.snapshot)

    assert roles == int(allowed)


async def applied(service: Served, caller: str, *names: str, text: str = DOCUMENT, **options: Any) -> Any:
    """Apply roles of these names; `options` are those of the stream."""
    declarations = [pb.RoleDeclaration(role_name=name, assume_role_policy_document=text) for name in names]
    parts = [
        pb.ApplyRolesRequest(options=pb.ApplyRolesOptions(**options)),
        pb.ApplyRolesRequest(roles=pb.RoleChunk(roles=declarations)),
    ]
    return await service.roles.ApplyRoles(iter(parts), metadata=by(caller))


async def test_a_team_changes_no_role_that_trusts_or_trusted_anything_else() -> None:
    async with serving(TEAM) as service:
        roles = service.roles
        await roles.CreateRole(creation(trust(ROOT)), metadata=by(ADMIN))
        await roles.UpdateRole(
            pb.UpdateRoleRequest(role="app", assume_role_policy_document=trust(ECS)), metadata=by(ADMIN)
        )
        await roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="ours"), metadata=by("team"))
        await roles.CreateRole(creation(trust(ROOT), "root"), metadata=by(ADMIN))
        revision = service.server.replica.snapshot.revision
        denied = [
            await refused(roles.RollbackRole(pb.RollbackRoleRequest(role="app", revision=1), metadata=by("team"))),
            await refused(roles.UpdateRole(pb.UpdateRoleRequest(role="root", tags={"a": "b"}), metadata=by("team"))),
            await refused(
                roles.UpdateRole(
                    pb.UpdateRoleRequest(role="root", assume_role_policy_document=trust(ECS)), metadata=by("team")
                )
            ),
            await refused(
                roles.UpdateRole(
                    pb.UpdateRoleRequest(role="app", assume_role_policy_document=trust(ROOT)), metadata=by("team")
                )
            ),
            await refused(applied(service, "team", "root", text=trust(ECS))),
            await refused(applied(service, "team", "new", text=trust(ROOT))),
        ]

        assert {refusal.code for refusal in denied} == {grpc.StatusCode.PERMISSION_DENIED}
        assert service.server.replica.snapshot.revision == revision


async def test_an_invalid_document_is_explained_only_to_who_may_write_the_role() -> None:
    async with serving({"writer": [policy(CREATE, on=f"acs:ram:*:{ACCOUNT}:role/shop-*")]}) as service:
        shown = await refused(service.roles.CreateRole(creation("{", "shop-a"), metadata=by("writer")))
        named = await refused(service.roles.CreateRole(creation("{", "shop-a_b"), metadata=by("writer")))
        hidden = await refused(service.roles.CreateRole(creation("{", "app"), metadata=by("writer")))

    assert {shown.code, named.code} == {grpc.StatusCode.INVALID_ARGUMENT}
    assert missing(hidden) == (CREATE, ROLE)


async def test_a_write_is_judged_on_the_role_that_the_write_before_it_left() -> None:
    shop = policy(UPDATE, StringEquals={"acs:ResourceTag/team": ["shop"]})
    async with serving({"team": [shop]}) as service:
        await service.roles.CreateRole(creation(tags={"team": "shop"}), metadata=by(ADMIN))
        thread: Any = service.server.replica.writing
        gate = threading.Event()
        thread.submit(gate.wait)
        await until(lambda: thread._work_queue.qsize() == 0)  # it waits, and is no longer among those that do
        # Both are called while the role has the tag, and wait for the thread that writes.
        retag = pb.UpdateRoleRequest(role="app", tags={"team": "bank"})
        first = asyncio.ensure_future(service.roles.UpdateRole(retag, metadata=by(ADMIN)))
        await until(lambda: thread._work_queue.qsize() == 1)
        update = pb.UpdateRoleRequest(role="app", description="x")
        second = asyncio.ensure_future(refused(service.roles.UpdateRole(update, metadata=by("team"))))
        await until(lambda: thread._work_queue.qsize() == 2)
        gate.set()
        await first

        assert missing(await second) == (UPDATE, ROLE)


async def test_tags_that_are_submitted_have_their_own_key_also_in_a_rollback() -> None:
    rights: Rights = {
        "team": [policy(CREATE, UPDATE), policy("ram:*", effect="Deny", StringEquals={"acs:RequestTag/env": ["prod"]})]
    }
    async with serving(rights) as service:
        roles = service.roles
        await roles.CreateRole(creation(tags={"env": "prod"}), metadata=by(ADMIN))
        await roles.UpdateRole(pb.UpdateRoleRequest(role="app", tags={"env": "dev"}), metadata=by("team"))
        denied = [
            await refused(roles.CreateRole(creation(name="b", tags={"env": "prod"}), metadata=by("team"))),
            await refused(
                roles.UpdateRole(pb.UpdateRoleRequest(role="app", tags={"env": "prod"}), metadata=by("team"))
            ),
            await refused(roles.RollbackRole(pb.RollbackRoleRequest(role="app", revision=1), metadata=by("team"))),
        ]

    assert [missing(refusal) for refusal in denied] == [
        (CREATE, f"acs:ram::{ACCOUNT}:role/b"),
        (UPDATE, ROLE),
        (UPDATE, ROLE),
    ]


def request_id() -> str:
    return str(uuid.uuid4())


async def test_a_repeated_request_id_is_answered_only_to_who_may_still_make_the_call() -> None:
    rights: Rights = {"team": [policy(CREATE, UPDATE, DELETE, StringNotEquals={"acs:ResourceTag/frozen": ["yes"]})]}
    async with serving(rights) as service:
        roles, once = service.roles, request_id()
        await roles.CreateRole(creation(), metadata=by(ADMIN))
        update = pb.UpdateRoleRequest(role="app", description="x", request_id=once)
        first = await roles.UpdateRole(update, metadata=by("team"))
        again = await roles.UpdateRole(update, metadata=by("team"))
        await roles.UpdateRole(pb.UpdateRoleRequest(role="app", tags={"frozen": "yes"}), metadata=by(ADMIN))

        denied = await refused(roles.UpdateRole(update, metadata=by("team")))

    assert again.role == first.role
    assert missing(denied) == (UPDATE, ROLE)


async def test_a_request_id_is_anothers_only_under_its_own_name() -> None:
    async with serving({"a": [policy(CREATE)], "b": [policy(CREATE)]}) as service:
        create = creation(request_id=request_id())
        await service.roles.CreateRole(create, metadata=by("a"))

        other = await refused(service.roles.CreateRole(create, metadata=by("b")))

    assert other.reason == "ROLE_EXISTS"


async def test_validate_only_needs_the_rights_of_the_write() -> None:
    async with serving({"reader": ["RolecallAuditor"]}) as service:
        await service.roles.CreateRole(creation(), metadata=by(ADMIN))
        denied = [
            await refused(service.roles.CreateRole(creation(name="b", validate_only=True), metadata=by("reader"))),
            await refused(
                service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", validate_only=True), metadata=by("reader"))
            ),
            await refused(
                service.roles.DeleteRole(pb.DeleteRoleRequest(role="app", validate_only=True), metadata=by("reader"))
            ),
            await refused(applied(service, "reader", "app", validate_only=True)),
        ]

    assert [missing(refusal) for refusal in denied] == [
        (CREATE, f"acs:ram::{ACCOUNT}:role/b"),
        (UPDATE, ROLE),
        (DELETE, ROLE),
        (CREATE, "*"),
    ]


async def test_an_apply_creates_with_one_right_and_updates_with_another() -> None:
    async with serving({"creates": [policy(CREATE)], "updates": [policy(UPDATE)]}) as service:
        await applied(service, "creates", "app")
        missed = [
            missing(await refused(applied(service, "creates", "app"))),
            missing(await refused(applied(service, "updates", "new"))),
        ]
        await applied(service, "updates", "app")

    assert missed == [(UPDATE, ROLE), (CREATE, f"acs:ram::{ACCOUNT}:role/new")]


async def test_an_apply_without_rights_does_not_show_whether_a_role_exists() -> None:
    elsewhere = policy(CREATE, UPDATE, on=f"acs:ram:*:{ACCOUNT}:role/shop-*")
    async with serving({"shop": [elsewhere]}) as service:
        await service.roles.CreateRole(creation(name="there"), metadata=by(ADMIN))
        denied = [await refused(applied(service, "shop", name)) for name in ("there", "gone")]

    assert [missing(refusal)[0] for refusal in denied] == [CREATE, CREATE]  # type: ignore[index]
    assert len({refusal.message.replace("there", "gone") for refusal in denied}) == 1


async def test_a_diff_needs_the_right_to_read_the_role() -> None:
    async with serving(
        {"team": [policy(CREATE, UPDATE), policy(GET, on=f"acs:ram:*:{ACCOUNT}:role/shop-*")]}
    ) as service:
        for name in ("app", "shop-a"):
            await service.roles.CreateRole(creation(trust(ROOT, ECS), name), metadata=by(ADMIN))
        response = await applied(service, "team", "app", "shop-a", validate_only=True)
        written = await applied(service, "team", "app", "shop-a", request_id=(once := request_id()))
        replayed = await applied(service, "team", "app", "shop-a", request_id=once)

    for answer in (response, written, replayed):
        diffs = {change.role_arn.rpartition("/")[2]: change.diff for change in answer.changes}
        assert "ecs.aliyuncs.com" in diffs["shop-a"]
        assert "ecs.aliyuncs.com" not in diffs["app"]
        assert "ram:GetRole" in diffs["app"]


def pruning(*accounts: str) -> pb.PruneSelector:
    return pb.PruneSelector(tags={"by": "apply"}, account_ids=accounts)


async def tagged(service: Served, names: Iterable[str], account: str = ACCOUNT) -> None:
    for name in names:
        await service.roles.CreateRole(
            creation(name=name, account_id=account, tags={"by": "apply"}), metadata=by(ADMIN)
        )


def left(service: Served) -> set[str]:
    return {version.role.role_name for key in KEYS if (version := service.server.replica.snapshot.version(key))}


KEYS = [f"{account}/{name}" for account in (ACCOUNT, OTHER) for name in ("shop-a", "bank", "other")]


async def test_a_prune_that_hits_roles_of_others_fails_with_a_count_and_no_names() -> None:
    team = policy(CREATE, UPDATE, DELETE, on=f"acs:ram:*:{ACCOUNT}:role/shop-*")
    async with serving({"team": [team]}) as service:
        await tagged(service, ["shop-a", "bank"])
        await tagged(service, ["other"], OTHER)
        revision = service.server.replica.snapshot.revision
        denied: Refusal = await refused(applied(service, "team", "shop-new", prune_selector=pruning()))
        dry = await refused(applied(service, "team", "shop-new", prune_selector=pruning(), validate_only=True))
        foreign = await refused(applied(service, "team", "shop-new", prune_selector=pruning(ACCOUNT, OTHER)))

        assert (denied.code, denied.facts["action"]) == (grpc.StatusCode.PERMISSION_DENIED, DELETE)
        assert [refusal.facts["denied_roles"] for refusal in (denied, dry, foreign)] == ["1", "1", "2"]
        assert not {"bank", "shop-a"} & set(denied.message.split("`"))
        assert "bank" not in denied.message
        assert service.server.replica.snapshot.revision == revision


async def test_a_prune_touches_only_the_accounts_that_it_names() -> None:
    async with serving({}) as service:
        await tagged(service, ["shop-a", "bank"])
        await tagged(service, ["other"], OTHER)
        await applied(service, ADMIN, "shop-new", prune_selector=pruning())
        first = left(service)
        await applied(service, ADMIN, "shop-new", prune_selector=pruning(OTHER))

        assert (first, left(service)) == ({"other"}, set())


async def test_a_write_of_a_name_that_is_none_asks_about_everything() -> None:
    async with serving({"team": [policy(CREATE, UPDATE, DELETE, on="acs:ram:*:*:role/*")]}) as service:
        denied = [
            await refused(service.roles.DeleteRole(pb.DeleteRoleRequest(role="a/b/c"), metadata=by("team"))),
            await refused(service.roles.CreateRole(creation(name="a*"), metadata=by("team"))),
            await refused(service.roles.CreateRole(creation(account_id="nowhere"), metadata=by("team"))),
            await refused(
                service.roles.UpdateRole(pb.UpdateRoleRequest(role="", tags={"a": "b"}), metadata=by("team"))
            ),
        ]

    assert [missing(refusal) for refusal in denied] == [(DELETE, "*"), (CREATE, "*"), (CREATE, "*"), (UPDATE, "*")]


def test_the_callers_of_these_tests_have_what_their_names_say() -> None:
    assert {entry["name"] for entry in document(TEAM)["callers"]} == {"admin", "nobody", "team"}


async def test_a_caller_that_may_write_nothing_does_not_wait_for_the_thread_that_writes() -> None:
    async with serving({"reader": ["RolecallAuditor"]}) as service:
        gate = threading.Event()
        service.server.replica.writing.submit(gate.wait)
        roles, metadata = service.roles, by("reader")

        async def endless() -> AsyncIterator[pb.ApplyRolesRequest]:
            yield pb.ApplyRolesRequest(options=pb.ApplyRolesOptions())
            await for_ever()

        denied = [
            await refused(roles.CreateRole(creation(), metadata=metadata)),
            await refused(roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="x"), metadata=metadata)),
            await refused(roles.DeleteRole(pb.DeleteRoleRequest(role="app"), metadata=metadata)),
            await refused(roles.RollbackRole(pb.RollbackRoleRequest(role="app", revision=1), metadata=metadata)),
            await refused(roles.ApplyRoles(endless(), metadata=metadata)),
        ]
        gate.set()

    assert [missing(refusal) for refusal in denied] == [
        (CREATE, ROLE),
        (UPDATE, ROLE),
        (DELETE, ROLE),
        (UPDATE, ROLE),
        (CREATE, "*"),
    ]


async def test_a_change_shows_the_role_only_to_a_caller_that_may_read_it() -> None:
    rights: Rights = {"writes": [policy(CREATE, UPDATE)], "reads-too": [policy(CREATE, UPDATE, GET)]}
    async with serving(rights) as service:
        await service.roles.CreateRole(creation(trust(ROOT), description="secret", tags={"a": "b"}), metadata=by(ADMIN))
        update = pb.UpdateRoleRequest(role="app", max_session_duration_seconds=3_600)
        rollback = pb.RollbackRoleRequest(role="app", revision=1)
        shown, hidden = [
            [
                (await service.roles.UpdateRole(update, metadata=by(caller))).role,
                (await service.roles.RollbackRole(rollback, metadata=by(caller))).role,
            ]
            for caller in ("reads-too", "writes")
        ]

    assert {role.description for role in shown} == {"secret"}
    for role in hidden:
        assert (role.arn, role.etag, role.revision) == (shown[0].arn, shown[0].etag, 1)
        content = (
            role.description,
            dict(role.tags),
            role.assume_role_policy_document,
            role.max_session_duration_seconds,
        )
        assert content == ("", {}, "", 0)
