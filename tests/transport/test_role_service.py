from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from rolecall_client.v1 import role_pb2 as pb
from tests.server.serving import ACCOUNT, DOCUMENT, Served, check, served
from tests.transport.refusals import refused

UUID = "6f1c1c1e-0000-4000-8000-000000000001"


def create(name: str = "app", **fields: Any) -> pb.CreateRoleRequest:
    return pb.CreateRoleRequest(role_name=name, assume_role_policy_document=DOCUMENT, **fields)


def applied(*parts: pb.ApplyRolesRequest) -> AsyncIterator[pb.ApplyRolesRequest]:
    async def stream() -> AsyncIterator[pb.ApplyRolesRequest]:
        for part in parts:
            yield part

    return stream()


def options(**fields: Any) -> pb.ApplyRolesRequest:
    return pb.ApplyRolesRequest(options=pb.ApplyRolesOptions(**fields))


def chunk(*names: str, **fields: Any) -> pb.ApplyRolesRequest:
    declarations = [pb.RoleDeclaration(role_name=n, assume_role_policy_document=DOCUMENT, **fields) for n in names]
    return pb.ApplyRolesRequest(roles=pb.RoleChunk(roles=declarations))


async def test_a_role_is_returned_as_it_was_created(service: Served) -> None:
    request = create(description="d", tags={"team": "a"}, max_session_duration_seconds=7_200)

    created = await service.roles.CreateRole(request)
    got = await service.roles.GetRole(pb.GetRoleRequest(role="APP"))

    assert got.role == created.role
    assert got.consistency_token == created.consistency_token
    assert (got.role.arn, got.role.description, dict(got.role.tags)) == (
        f"acs:ram::{ACCOUNT}:role/app",
        "d",
        {"team": "a"},
    )
    assert (got.role.assume_role_policy_document, got.role.max_session_duration_seconds) == (DOCUMENT, 7_200)


async def test_a_list_has_documents_only_in_the_full_view(service: Served) -> None:
    await service.create()

    basic = await service.roles.ListRoles(pb.ListRolesRequest())
    full = await service.roles.ListRoles(pb.ListRolesRequest(view=pb.ROLE_VIEW_FULL))

    assert [role.assume_role_policy_document for role in basic.roles] == [""]
    assert [role.assume_role_policy_document for role in full.roles] == [DOCUMENT]


async def test_an_unknown_view_is_refused(service: Served) -> None:
    refusal = await refused(service.roles.ListRoles(pb.ListRolesRequest(view=9)))  # type: ignore[arg-type]

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_ENUM_VALUE")


async def test_an_update_without_mask_changes_the_fields_that_are_present(service: Served) -> None:
    await service.roles.CreateRole(create(description="before", tags={"a": "1"}))

    updated = await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description=""))

    assert (updated.role.description, dict(updated.role.tags)) == ("", {"a": "1"})


async def test_a_field_that_only_the_mask_names_is_reset_to_its_default(service: Served) -> None:
    fields: dict[str, Any] = {"description": "d", "tags": {"a": "1"}, "max_session_duration_seconds": 7_200}
    await service.roles.CreateRole(create(**fields))
    mask = FieldMask(paths=["description", "tags", "max_session_duration_seconds"])

    updated = await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", update_mask=mask))

    assert (updated.role.description, dict(updated.role.tags)) == ("", {})
    assert updated.role.max_session_duration_seconds == 3_600


async def test_a_field_that_the_mask_does_not_name_is_unchanged(service: Served) -> None:
    await service.create()
    mask = FieldMask(paths=["tags"])

    updated = await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="d", update_mask=mask))

    assert updated.role.description == ""


@pytest.mark.parametrize("path", ["role", "etag", "descriptions", "tags.a", "*"])
async def test_an_unknown_path_is_refused(service: Served, path: str) -> None:
    await service.create()

    refusal = await refused(
        service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", update_mask=FieldMask(paths=[path])))
    )

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_FIELD_PATH")
    assert [(field.field, f"`{path}`" in field.description) for field in refusal.fields] == [("update_mask", True)]


async def test_every_violation_of_a_document_has_its_pointer(service: Served) -> None:
    document = '{"Version":"2","Statement":[{"Effect":"Permit","Action":"sts:AssumeRole","Principal":{"RAM":"*"}}]}'
    request = pb.CreateRoleRequest(role_name="app", assume_role_policy_document=document)

    refusal = await refused(service.roles.CreateRole(request))

    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.facts["ram_code"] == "MalformedPolicyDocument"
    assert refusal.facts["total_violations"] == refusal.facts["shown"] == "3"
    assert [field.field for field in refusal.fields] == [
        "assume_role_policy_document/Version",
        "assume_role_policy_document/Statement/0/Effect",
        "assume_role_policy_document/Statement/0/Principal/RAM",
    ]


async def test_of_two_concurrent_creations_of_a_role_one_fails_because_it_exists(service: Served) -> None:
    # Row 52 of the faults.
    outcomes = await asyncio.gather(
        service.roles.CreateRole(create()), service.roles.CreateRole(create()), return_exceptions=True
    )

    errors = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert [error.code() for error in errors] == [grpc.StatusCode.ALREADY_EXISTS]
    revisions = await service.roles.ListRoleRevisions(pb.ListRoleRevisionsRequest(role="app"))
    assert len(revisions.revisions) == 1


async def test_a_repeated_request_id_returns_the_first_result_or_is_refused_for_another_request(
    service: Served,
) -> None:
    # Row 47 of the faults.
    first = await service.roles.CreateRole(create(request_id=UUID))

    second = await service.roles.CreateRole(create(request_id=UUID))
    other = await refused(service.roles.CreateRole(create("other", request_id=UUID)))

    assert second == first
    assert (other.code, other.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "IDEMPOTENCY_MISMATCH")
    assert service.server.replica.writer.replays == 1


async def test_history_has_the_author_of_each_revision_and_a_rollback_restores_one(service: Served) -> None:
    first = (await service.roles.CreateRole(create(change_reason="first"))).role
    await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="x", change_reason="second"))

    await service.roles.RollbackRole(pb.RollbackRoleRequest(role="app", revision=first.revision))
    history = (await service.roles.ListRoleRevisions(pb.ListRoleRevisionsRequest(role="app"))).revisions

    assert [(entry.change_reason, entry.actor, entry.kind) for entry in history] == [
        ("", "local", pb.CHANGE_KIND_UPDATED),
        ("second", "local", pb.CHANGE_KIND_UPDATED),
        ("first", "local", pb.CHANGE_KIND_CREATED),
    ]
    assert history[0].role.description == ""


async def test_a_deleted_role_is_not_found_and_denied(service: Served) -> None:
    await service.create()

    await service.roles.DeleteRole(pb.DeleteRoleRequest(role="app"))

    refusal = await refused(service.roles.GetRole(pb.GetRoleRequest(role="app")))
    assert (refusal.code, refusal.facts["ram_code"]) == (grpc.StatusCode.NOT_FOUND, "EntityNotExist.Role")
    assert not (await service.decisions.CheckAssumeRole(check())).decision.allowed


async def test_an_apply_writes_all_declared_roles_and_prunes_the_selected_ones_in_one_revision(service: Served) -> None:
    await service.roles.CreateRole(create("old", tags={"by": "apply"}))
    await service.roles.CreateRole(create("mine"))

    selector = pb.PruneSelector(tags={"by": "apply"})
    stream = applied(options(prune_selector=selector), chunk("a", tags={"by": "apply"}), chunk("b"))
    response = await service.roles.ApplyRoles(stream)

    assert [(change.kind, change.role_arn.rpartition("/")[2]) for change in response.changes] == [
        (pb.CHANGE_KIND_CREATED, "a"),
        (pb.CHANGE_KIND_CREATED, "b"),
        (pb.CHANGE_KIND_DELETED, "old"),
    ]
    assert [role.revision for role in (await service.roles.ListRoles(pb.ListRolesRequest())).roles] == [3, 3, 2]


@pytest.mark.parametrize(
    "parts",
    [[], [chunk("a")], [options(), options()], [options(), chunk("a"), options()], [options(), pb.ApplyRolesRequest()]],
    ids=["nothing", "no options", "options twice", "options after roles", "empty message"],
)
async def test_an_upload_out_of_order_is_refused_and_changes_nothing(
    service: Served, parts: list[pb.ApplyRolesRequest]
) -> None:
    refusal = await refused(service.roles.ApplyRoles(applied(*parts)))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UPLOAD_ORDER")
    assert service.server.replica.snapshot.revision == 0


async def test_a_prune_selector_needs_a_tag(service: Served) -> None:
    refusal = await refused(service.roles.ApplyRoles(applied(options(prune_selector=pb.PruneSelector()), chunk("a"))))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUIRED")
    assert [field.field for field in refusal.fields] == ["prune_selector.tags"]


@pytest.mark.parametrize("limit", [{"max_upload_roles": 2}, {"max_upload_bytes": 65_536}])
async def test_an_upload_over_a_limit_is_refused_and_the_next_one_is_accepted(limit: dict[str, int]) -> None:
    async with served(**limit) as service:
        padding = {"description": "x" * 1_000}
        chunks = [chunk(f"a{n}", **padding) for n in range(70)]

        refusal = await refused(service.roles.ApplyRoles(applied(options(), *chunks)))
        next_one = await service.roles.ApplyRoles(applied(options(), chunk("a")))

        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "UPLOAD_LIMIT")
        assert refusal.facts["limit"] == str(next(iter(limit.values())))
        assert len(next_one.changes) == 1
