"""Deleted roles and the list of changes, over a real channel."""

from __future__ import annotations

from typing import Any

import grpc

from rolecall_client.v1 import role_pb2 as pb, watch_pb2
from tests.server.serving import ACCOUNT, DOCUMENT, Served, check
from tests.transport.refusals import refused

UUID = "6f1c1c1e-0000-4000-8000-000000000002"


async def create(service: Served, **fields: Any) -> pb.Role:
    request = pb.CreateRoleRequest(role_name="app", assume_role_policy_document=DOCUMENT, **fields)
    response: pb.CreateRoleResponse = await service.roles.CreateRole(request)
    return response.role


async def delete(service: Served, reason: str = "") -> None:
    await service.roles.DeleteRole(pb.DeleteRoleRequest(role="app", change_reason=reason))


async def test_a_deleted_role_is_restored_and_decides_again(service: Served) -> None:
    made = await create(service, tags={"team": "a"})
    allowed = await service.decisions.CheckAssumeRole(check())
    await delete(service)
    gone = await service.decisions.CheckAssumeRole(check())

    restored = await service.roles.UndeleteRole(pb.UndeleteRoleRequest(role="app"))

    again = await service.decisions.CheckAssumeRole(check())
    got = await service.roles.GetRole(pb.GetRoleRequest(role="app"))
    assert (allowed.decision.allowed, gone.decision.allowed, again.decision.allowed) == (True, False, True)
    assert (restored.role.role_id, restored.role.create_time) == (made.role_id, made.create_time)
    assert (dict(restored.role.tags), restored.role.revision) == ({"team": "a"}, 3)
    assert restored.role.assume_role_policy_document == DOCUMENT
    assert (got.role, got.consistency_token) == (restored.role, restored.consistency_token)


async def test_a_name_that_is_taken_and_one_that_never_was_are_refused(service: Served) -> None:
    await create(service)

    taken = await refused(service.roles.UndeleteRole(pb.UndeleteRoleRequest(role="app")))
    missing = await refused(service.roles.UndeleteRole(pb.UndeleteRoleRequest(role="other")))
    invalid = await refused(service.roles.UndeleteRole(pb.UndeleteRoleRequest(role="app", role_id="x")))

    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ROLE_EXISTS")
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "ROLE_NOT_FOUND")
    assert (invalid.code, invalid.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ROLE_ID")


async def test_a_repeat_with_the_same_id_restores_once(service: Served) -> None:
    await create(service)
    await delete(service)
    request = pb.UndeleteRoleRequest(role="app", request_id=UUID)

    rehearsed = await service.roles.UndeleteRole(pb.UndeleteRoleRequest(role="app", validate_only=True))
    first = await service.roles.UndeleteRole(request)
    second = await service.roles.UndeleteRole(request)

    assert rehearsed.role.revision == 0
    assert first == second


async def test_the_history_of_a_deleted_role_is_listed_by_its_name_or_its_id(service: Served) -> None:
    made = await create(service)
    await delete(service, "old")
    by_name = await service.roles.ListRoleRevisions(pb.ListRoleRevisionsRequest(role="app"))
    await create(service)

    first = await service.roles.ListRoleRevisions(
        pb.ListRoleRevisionsRequest(role="app", role_id=made.role_id, page_size=1)
    )
    rest = await service.roles.ListRoleRevisions(
        pb.ListRoleRevisionsRequest(role="app", role_id=made.role_id, page_token=first.next_page_token)
    )

    assert [(each.revision, each.kind) for each in by_name.revisions] == [
        (2, pb.CHANGE_KIND_DELETED),
        (1, pb.CHANGE_KIND_CREATED),
    ]
    assert by_name.revisions[0].change_reason == "old"
    assert [*first.revisions, *rest.revisions] == [*by_name.revisions]


async def test_changes_say_what_was_done_when_by_whom_and_why(service: Served) -> None:
    made = await create(service, change_reason="needed")
    await delete(service, "not any more")
    await service.roles.UndeleteRole(pb.UndeleteRoleRequest(role="app", change_reason="after all"))

    page = await service.roles.ListChanges(pb.ListChangesRequest())

    created, deleted, restored = page.changes
    assert [change.revision for change in page.changes] == [1, 2, 3]
    assert [change.reason for change in page.changes] == ["needed", "not any more", "after all"]
    assert {change.role.role_id for change in page.changes} == {made.role_id}
    assert (created.kind, deleted.kind) == (pb.CHANGE_KIND_CREATED, pb.CHANGE_KIND_DELETED)
    assert created.actor
    assert created.time == made.create_time
    # The time of its creation shows that the role was restored.
    assert restored.kind == pb.CHANGE_KIND_CREATED
    assert restored.role.create_time == made.create_time != restored.role.update_time
    assert restored.role.arn == f"acs:ram::{ACCOUNT}:role/app"
    assert (page.next_page_token, page.revision, page.oldest_revision) == ("", 3, 1)
    assert page.consistency_token


async def test_changes_have_documents_only_in_the_full_view(service: Served) -> None:
    await create(service)

    basic = await service.roles.ListChanges(pb.ListChangesRequest())
    full = await service.roles.ListChanges(pb.ListChangesRequest(view=pb.ROLE_VIEW_FULL))

    assert [change.role.assume_role_policy_document for change in basic.changes] == [""]
    assert [change.role.assume_role_policy_document for change in full.changes] == [DOCUMENT]


async def test_changes_are_filtered_and_paged(service: Served) -> None:
    await create(service)
    await delete(service)
    await service.create("other")
    deletions = pb.ListChangesRequest(kinds=[pb.CHANGE_KIND_DELETED], role="APP", account_ids=[ACCOUNT])

    newest = await service.roles.ListChanges(pb.ListChangesRequest(newest_first=True, page_size=1))
    following = await service.roles.ListChanges(
        pb.ListChangesRequest(newest_first=True, page_size=2, page_token=newest.next_page_token)
    )
    deleted = await service.roles.ListChanges(deletions)

    assert [change.revision for change in (*newest.changes, *following.changes)] == [3, 2, 1]
    assert [change.revision for change in deleted.changes] == [2]


async def test_a_list_of_changes_refuses_what_it_does_not_know(service: Served) -> None:
    kind = await refused(service.roles.ListChanges(pb.ListChangesRequest(kinds=[pb.CHANGE_KIND_UNCHANGED])))
    view = await refused(service.roles.ListChanges(pb.ListChangesRequest(view=9)))  # type: ignore[arg-type]
    start = await refused(service.roles.ListChanges(pb.ListChangesRequest(start_revision=-1)))
    token = await refused(service.roles.ListChanges(pb.ListChangesRequest(page_token="x")))

    assert [(kind.reason, kind.fields[0].field), view.reason] == [
        ("UNKNOWN_ENUM_VALUE", "kinds[0]"),
        "UNKNOWN_ENUM_VALUE",
    ]
    assert (start.reason, token.reason) == ("REVISION_RANGE", "INVALID_TOKEN")


async def test_a_watch_shows_a_restored_role_as_created(service: Served) -> None:
    made = await create(service)
    await delete(service)
    restored = await service.roles.UndeleteRole(pb.UndeleteRoleRequest(role="app"))
    before = (await service.roles.ListChanges(pb.ListChangesRequest())).consistency_token
    call = service.watches.WatchRoles(watch_pb2.WatchRolesRequest(include_initial_state=True))

    first = await call.read()

    assert first.change.role == restored.role
    assert first.change.role.role_id == made.role_id
    assert before == restored.consistency_token
    call.cancel()
