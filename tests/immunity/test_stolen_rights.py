"""Callers with few rights try to get more: by repeating another's requests, its page tokens, other spellings, and what is open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from rolecall.callers.directory import CallerDirectory
from rolecall_client.v1 import decision_pb2, role_pb2, watch_pb2
from tests.callers.files import allowing
from tests.security.known_callers import callers_file, serving_callers
from tests.server.serving import ACCOUNT, DOCUMENT, Served
from tests.transport.refusals import refused

DENIED, INVALID = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT
ROLE = f"acs:ram::{ACCOUNT}:role/app"
ECS = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["ecs.aliyuncs.com"]}}]}'


def token(name: str) -> str:
    return f"rct_{name}-{'x' * 40}"


def declared(name: str, *policies: str, **fields: object) -> dict[str, object]:
    return {
        "name": name,
        "match": {"token_sha256": sha256(token(name).encode()).hexdigest()},
        "policies": [*policies],
        **fields,
    }


def as_(name: str) -> Any:
    return (("authorization", f"Bearer {token(name)}"),)


def file(*entries: dict[str, object], **policies: dict[str, object]) -> Any:
    return callers_file({"callers": list(entries), "policies": policies})


@dataclass
class Attacked:
    """A server with callers, of which each is named by its token."""

    service: Served
    directory: CallerDirectory

    def create(self, who: str, name: str = "app", **fields: Any) -> Any:
        request = role_pb2.CreateRoleRequest(**{"role_name": name, "assume_role_policy_document": DOCUMENT, **fields})
        return self.service.roles.CreateRole(request, metadata=as_(who))


@asynccontextmanager
async def attacked(*entries: dict[str, object], **policies: dict[str, object]) -> AsyncIterator[Attacked]:
    directory = CallerDirectory(file(*entries, **policies))
    async with serving_callers(directory) as service:
        yield Attacked(service, directory)


ADMIN = declared("admin", "AdministratorAccess")


# --- what another caller, or the same one before, was given ----------------------------------------------------------


async def test_a_repeated_request_id_gives_nothing_to_another_caller() -> None:
    request_id = str(uuid4())
    async with attacked(
        ADMIN, declared("other", "AdministratorAccess"), declared("decider", "RolecallDecider")
    ) as server:
        first = await server.create("admin", request_id=request_id)

        other = await refused(server.create("other", request_id=request_id))
        decider = await refused(server.create("decider", request_id=request_id))
        again = await server.create("admin", request_id=request_id)

    assert other.code is grpc.StatusCode.ALREADY_EXISTS
    assert decider.code is DENIED
    assert again.role.role_id == first.role.role_id


async def test_a_repeated_request_id_gives_nothing_to_a_caller_that_lost_the_right() -> None:
    request_id = str(uuid4())
    async with attacked(ADMIN, declared("team", "AliyunRAMFullAccess")) as server:
        await server.create("team", request_id=request_id)
        server.directory.replace(file(ADMIN, declared("team", "RolecallDecider")))

        refusal = await refused(server.create("team", request_id=request_id))

    assert refusal.code is DENIED


@pytest.mark.parametrize("method", ["ListRoles", "ListRoleRevisions", "ListAssumableRoles"])
async def test_a_page_token_continues_the_list_of_its_own_caller_only(method: str) -> None:
    async with attacked(ADMIN, declared("other", "AdministratorAccess")) as server:
        for name in ("app", "b", "c"):
            await server.create("admin", name)
        for description in ("x", "y"):
            await server.service.roles.UpdateRole(
                role_pb2.UpdateRoleRequest(role="app", description=description), metadata=as_("admin")
            )
        call, request = _paged(server.service, method)
        page = await call(request, metadata=as_("admin"))
        request.page_token = page.next_page_token

        refusal = await refused(call(request, metadata=as_("other")))
        own = await call(request, metadata=as_("admin"))

    assert page.next_page_token
    assert (refusal.code, refusal.fields[0].reason) == (INVALID, "INVALID_TOKEN")
    assert own is not None


def _paged(service: Served, method: str) -> tuple[Any, Any]:
    match method:
        case "ListRoles":
            return service.roles.ListRoles, role_pb2.ListRolesRequest(page_size=1)
        case "ListRoleRevisions":
            return service.roles.ListRoleRevisions, role_pb2.ListRoleRevisionsRequest(role="app", page_size=1)
    principal = f"acs:ram::{ACCOUNT}:user/alice"
    return service.decisions.ListAssumableRoles, decision_pb2.ListAssumableRolesRequest(
        principal=principal, page_size=1
    )


# --- other spellings -------------------------------------------------------------------------------------------------

NOT_APP: dict[str, object] = {"Version": "1", "Statement": [
    {"Effect": "Allow", "Action": ["ram:*", "rolecall:*"], "Resource": "*"},
    {"Effect": "Deny", "Action": "*", "Resource": ROLE},
]}  # fmt: skip


@pytest.mark.parametrize(
    "spelling", ["app", "APP", f"{ACCOUNT}/App", ROLE, f"acs:ram:*:{ACCOUNT}:role/aPp", f"acs:ram::{ACCOUNT}:role/APP"]
)
async def test_no_spelling_of_a_role_escapes_a_deny(spelling: str) -> None:
    query = decision_pb2.AssumeRoleQuery(principal=f"acs:ram::{ACCOUNT}:user/alice", role=spelling)
    async with attacked(ADMIN, declared("most", "NotApp"), NotApp=NOT_APP) as server:
        await server.create("admin")
        roles, decisions = server.service.roles, server.service.decisions
        calls = [
            roles.GetRole(role_pb2.GetRoleRequest(role=spelling), metadata=as_("most")),
            roles.UpdateRole(role_pb2.UpdateRoleRequest(role=spelling, description="x"), metadata=as_("most")),
            roles.DeleteRole(role_pb2.DeleteRoleRequest(role=spelling), metadata=as_("most")),
            roles.DeleteRole(role_pb2.DeleteRoleRequest(role=spelling, validate_only=True), metadata=as_("most")),
            roles.RollbackRole(role_pb2.RollbackRoleRequest(role=spelling, revision=1), metadata=as_("most")),
            roles.ListRoleRevisions(role_pb2.ListRoleRevisionsRequest(role=spelling), metadata=as_("most")),
            decisions.CheckAssumeRole(decision_pb2.CheckAssumeRoleRequest(query=query), metadata=as_("most")),
            decisions.ExplainAssumeRole(decision_pb2.ExplainAssumeRoleRequest(query=query), metadata=as_("most")),
            decisions.ListTrustedPrincipals(
                decision_pb2.ListTrustedPrincipalsRequest(role=spelling), metadata=as_("most")
            ),
        ]

        refusals = [await refused(call) for call in calls]

    # What is no name of a role is judged as `*`, which the caller may ask about: it learns that the name is wrong, and no more.
    assert {refusal.code for refusal in refusals} <= {DENIED, INVALID}
    assert {refusal.code for refusal in refusals} == ({INVALID} if ":*:" in spelling else {DENIED})


async def test_a_deny_of_one_role_is_in_lists_watches_and_applies_too() -> None:
    async with attacked(ADMIN, declared("most", "NotApp"), NotApp=NOT_APP) as server:
        await server.create("admin")
        await server.create("admin", "free")

        listed = await refused(server.service.roles.ListRoles(role_pb2.ListRolesRequest(), metadata=as_("most")))
        beside = await server.service.roles.ListRoles(role_pb2.ListRolesRequest(name_prefix="f"), metadata=as_("most"))
        watched = await refused(
            server.service.watches.WatchRoles(
                watch_pb2.WatchRolesRequest(account_ids=[ACCOUNT]), metadata=as_("most")
            ).read()
        )
        applied = await refused(server.service.roles.ApplyRoles(_upload("free", "APP"), metadata=as_("most")))

    assert (listed.code, watched.code, applied.code) == (DENIED, DENIED, DENIED)
    assert [role.role_name for role in beside.roles] == ["free"]


def _upload(*names: str, validate_only: bool = False, document: str = DOCUMENT) -> Any:
    roles = [role_pb2.RoleDeclaration(role_name=name, assume_role_policy_document=document) for name in names]
    return iter(
        [
            role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions(validate_only=validate_only)),
            role_pb2.ApplyRolesRequest(roles={"roles": roles}),
        ]
    )


# --- ways around the conditions of a write ---------------------------------------------------------------------------

ECS_ALONE = {
    "ForAllValues:StringEquals": {"ram:TrustedPrincipalTypes": "Service", "ram:ServiceNames": "ecs.aliyuncs.com"}
}
RED = {"StringEquals": {"acs:RequestTag/team": "red", "acs:ResourceTag/team": "red"}}


async def test_what_a_caller_may_not_create_it_gets_neither_by_rollback_nor_by_apply_nor_by_a_rehearsal() -> None:
    policy = allowing("ram:*", Condition=ECS_ALONE)
    async with attacked(ADMIN, declared("team", "EcsAlone"), EcsAlone=policy) as server:
        created = await server.create("team", "ours", assume_role_policy_document=ECS)
        await server.create("admin", "theirs")
        await server.service.roles.UpdateRole(
            role_pb2.UpdateRoleRequest(role="theirs", assume_role_policy_document=ECS), metadata=as_("admin")
        )
        roles = server.service.roles
        calls = {
            "create": server.create("team", "new"),
            "rehearse": server.create("team", "new", validate_only=True),
            "update": roles.UpdateRole(
                role_pb2.UpdateRoleRequest(role="ours", assume_role_policy_document=DOCUMENT), metadata=as_("team")
            ),
            "rollback": roles.RollbackRole(
                role_pb2.RollbackRoleRequest(role="theirs", revision=2), metadata=as_("team")
            ),
            "apply": roles.ApplyRoles(_upload("ours"), metadata=as_("team")),
            "rehearse apply": roles.ApplyRoles(_upload("new", validate_only=True), metadata=as_("team")),
        }

        refusals = {name: await refused(call) for name, call in calls.items()}
        allowed = await roles.ApplyRoles(_upload("ours", "more", document=ECS), metadata=as_("team"))

    assert created.role.role_name == "ours"
    assert {name: refusal.code for name, refusal in refusals.items()} == dict.fromkeys(calls, DENIED)
    assert len(allowed.changes) == 2


async def test_a_caller_of_one_team_takes_no_role_of_another_by_its_tags() -> None:
    policy = allowing("ram:UpdateRole", "ram:DeleteRole", Condition=RED)
    async with attacked(ADMIN, declared("red", "Red", "AliyunRAMReadOnlyAccess"), Red=policy) as server:
        await server.create("admin", "blue", tags={"team": "blue"})
        await server.create("admin", "ours", tags={"team": "blue"})
        await server.service.roles.UpdateRole(
            role_pb2.UpdateRoleRequest(role="ours", tags={"team": "red"}, update_mask={"paths": ["tags"]}),
            metadata=as_("admin"),
        )
        roles = server.service.roles

        def update(role: str, **tags: str) -> Any:
            request = role_pb2.UpdateRoleRequest(role=role, tags=tags, update_mask={"paths": ["tags"]})
            return roles.UpdateRole(request, metadata=as_("red"))

        taken = await refused(update("blue", team="red"))
        given = await refused(update("ours", team="blue"))
        untagged = await refused(update("ours"))
        restored = await refused(
            roles.RollbackRole(role_pb2.RollbackRoleRequest(role="ours", revision=2), metadata=as_("red"))
        )
        await update("ours", team="red", more="x")
        own = await roles.GetRole(role_pb2.GetRoleRequest(role="ours"), metadata=as_("admin"))

    assert {refusal.code for refusal in (taken, given, untagged, restored)} == {DENIED}
    assert own.role.tags == {"team": "red", "more": "x"}


# --- what is open when a caller is removed ---------------------------------------------------------------------------


async def test_a_caller_that_is_removed_gets_nothing_more_on_what_it_has_open() -> None:
    check = decision_pb2.StreamCheckAssumeRoleRequest(
        query=decision_pb2.AssumeRoleQuery(principal=f"acs:ram::{ACCOUNT}:user/alice", role="app")
    )
    async with attacked(ADMIN, declared("reader", "RolecallAuditor")) as server:
        await server.create("admin")
        stream = server.service.decisions.StreamCheckAssumeRole(metadata=as_("reader"))
        await stream.write(check)
        first = await stream.read()
        watch = server.service.watches.WatchRoles(
            watch_pb2.WatchRolesRequest(account_ids=[ACCOUNT]), metadata=as_("reader")
        )
        await watch.read()

        server.directory.replace(file(ADMIN))
        await server.create("admin", "secret")
        seen = await _rest_of(watch)
        code = await stream.code()

    assert first.decision.allowed
    # The token is that of no entry any more.
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert "secret" not in seen


async def test_a_caller_that_loses_a_right_is_denied_message_by_message_and_its_watch_ends() -> None:
    query = decision_pb2.AssumeRoleQuery(principal=f"acs:ram::{ACCOUNT}:user/alice", role="app")
    async with attacked(ADMIN, declared("reader", "RolecallAuditor")) as server:
        await server.create("admin")
        stream = server.service.decisions.StreamCheckAssumeRole(metadata=as_("reader"))
        await stream.write(decision_pb2.StreamCheckAssumeRoleRequest(query=query))
        first = await stream.read()
        request = watch_pb2.WatchRolesRequest(account_ids=[ACCOUNT])
        watch = server.service.watches.WatchRoles(request, metadata=as_("reader"))
        await watch.read()

        server.directory.replace(file(ADMIN, declared("reader", "AliyunRAMReadOnlyAccess")))
        await server.create("admin", "secret")
        seen, code = await _rest_of(watch), await watch.code()
        await stream.write(decision_pb2.StreamCheckAssumeRoleRequest(query=query))
        second = await stream.read()
        stream.cancel()

    assert first.decision.allowed
    assert (second.HasField("decision"), second.error.code) == (False, DENIED.value[0])
    assert code is DENIED
    assert "secret" not in seen


@pytest.mark.parametrize(
    ("left", "code"), [([], grpc.StatusCode.UNAUTHENTICATED), ([declared("reader", "RolecallAuditor")], DENIED)]
)
async def test_a_caller_that_loses_reflection_is_answered_no_further_question(
    left: list[Any], code: grpc.StatusCode
) -> None:
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    async with attacked(ADMIN, declared("reader", "AdministratorAccess")) as server:
        stream = reflection_pb2_grpc.ServerReflectionStub(server.service.channel).ServerReflectionInfo(
            metadata=as_("reader")
        )
        await stream.write(question)
        first = await stream.read()

        server.directory.replace(file(ADMIN, *left))
        await stream.write(question)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await stream.read()

    assert first.list_services_response.service
    assert ended.value.code() is code


@pytest.mark.parametrize("warm", [True, False])
async def test_the_items_of_a_batch_are_judged_one_by_one_whatever_another_caller_has_warmed(warm: bool) -> None:
    policy = allowing("rolecall:CheckAssumeRole", "rolecall:AskFor", resource="acs:ram:*:*:role/free")
    policy["Statement"].append({"Effect": "Allow", "Action": "rolecall:AskFor", "Resource": "*"})  # type: ignore[attr-defined]
    principal = f"acs:ram::{ACCOUNT}:user/alice"
    queries = [decision_pb2.AssumeRoleQuery(principal=principal, role=role) for role in ("free", "app", "FREE", "none")]
    batch = decision_pb2.BatchCheckAssumeRoleRequest(queries=queries)
    async with attacked(ADMIN, declared("few", "Free"), Free=policy) as server:
        for name in ("free", "app"):
            await server.create("admin", name)
        for _ in range(3 if warm else 0):
            await server.service.decisions.BatchCheckAssumeRole(batch, metadata=as_("admin"))

        answer = await server.service.decisions.BatchCheckAssumeRole(batch, metadata=as_("few"))
        alone = [
            await refused(
                server.service.decisions.CheckAssumeRole(
                    decision_pb2.CheckAssumeRoleRequest(query=q), metadata=as_("few")
                )
            )
            for q in (queries[1], queries[3])
        ]

    assert [result.decision.allowed for result in answer.results] == [True, False, True, False]
    assert [result.error.code for result in answer.results] == [0, DENIED.value[0], 0, DENIED.value[0]]
    assert {refusal.code for refusal in alone} == {DENIED}
    # An absent role is refused in the words of one that exists.
    assert alone[0].message.replace("/app", "/none") == alone[1].message


async def _rest_of(watch: Any) -> str:
    """Return what a watch still receives before it ends."""
    seen = ""
    try:
        while True:
            event = await watch.read()
            if event is grpc.aio.EOF:
                return seen
            seen += str(event)
    except grpc.aio.AioRpcError:
        return seen
