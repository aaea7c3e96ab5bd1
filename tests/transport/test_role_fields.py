"""Every field of the messages of RoleService, in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from rolecall.roles.change import Commit
from rolecall.roles.role import Revision
from rolecall.transport.codecs.role import role as role_message
from rolecall_client.v1 import role_pb2 as pb
from tests.server.serving import ACCOUNT, DOCUMENT, Served
from tests.transport.refusals import refused

OTHER = "210987654321"
OTHER_DOCUMENT = DOCUMENT.replace("root", "user/ann")
IDS = [f"6f1c1c1e-0000-4000-8000-00000000000{n}" for n in range(5)]
METHODS = ["CreateRole", "UpdateRole", "DeleteRole", "RollbackRole", "ApplyRoles"]

STORED: dict[str, Any] = {
    "account_id": OTHER,
    "role_name": "Stored",
    "assume_role_policy_document": OTHER_DOCUMENT,
    "description": "d",
    "max_session_duration_seconds": 7_200,
    "tags": {"team": "a", "tier": "1"},
}


def create(name: str = "app", **fields: Any) -> pb.CreateRoleRequest:
    return pb.CreateRoleRequest(role_name=name, assume_role_policy_document=DOCUMENT, **fields)


async def upload(options: pb.ApplyRolesOptions, *declared: pb.RoleDeclaration) -> AsyncIterator[pb.ApplyRolesRequest]:
    yield pb.ApplyRolesRequest(options=options)
    yield pb.ApplyRolesRequest(roles=pb.RoleChunk(roles=declared))


def write(service: Served, method: str, **fields: Any) -> Any:
    """Call a method that writes one of the roles `app` and `new`."""
    if method == "ApplyRoles":
        declared = pb.RoleDeclaration(role_name="new", assume_role_policy_document=DOCUMENT)
        return service.roles.ApplyRoles(upload(pb.ApplyRolesOptions(**fields), declared))
    requests: dict[str, Callable[..., Any]] = {
        "CreateRole": lambda **more: create("new", **more),
        "UpdateRole": lambda **more: pb.UpdateRoleRequest(role="app", description="new", **more),
        "DeleteRole": lambda **more: pb.DeleteRoleRequest(role="app", **more),
        "RollbackRole": lambda **more: pb.RollbackRoleRequest(role="app", revision=1, **more),
    }
    return getattr(service.roles, method)(requests[method](**fields))


def commits(service: Served) -> tuple[Commit, ...]:
    return tuple(service.server.replica.repository.commits(after=Revision(0), limit=100))


async def state(service: Served) -> list[Any]:
    return list((await service.roles.ListRoles(pb.ListRolesRequest(view=pb.ROLE_VIEW_FULL))).roles)


async def test_every_field_of_a_created_role_is_stored_and_returned(service: Served) -> None:
    request = pb.CreateRoleRequest(**STORED)

    created = (await service.roles.CreateRole(request)).role

    stored = commits(service)[0].changes[0].role
    assert {name: getattr(created, name) for name in STORED} == STORED
    assert (created.role_id, created.arn) == (stored.role_id, f"acs:ram::{OTHER}:role/Stored")
    assert (created.etag, created.revision) == (stored.etag, 1)
    for time, micros in ((created.create_time, stored.create_time), (created.update_time, stored.update_time)):
        assert time.ToMicroseconds() == micros > 0
    assert created.role_id
    assert created.etag


async def test_a_change_moves_the_time_of_the_update_alone(service: Served) -> None:
    before = await service.create()

    after = (await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="x"))).role

    assert after.create_time == before.create_time
    assert after.update_time.ToMicroseconds() > before.update_time.ToMicroseconds()
    assert (after.role_id, after.revision) == (before.role_id, 2)
    assert after.etag != before.etag


@pytest.mark.parametrize(
    "changed",
    [
        {"assume_role_policy_document": OTHER_DOCUMENT},
        {"description": "new"},
        {"max_session_duration_seconds": 10_800},
        {"tags": {"team": "b"}},
    ],
    ids=lambda changed: next(iter(changed)),
)
@pytest.mark.parametrize("masked", [False, True])
async def test_an_update_changes_the_field_that_it_sets_and_no_other(
    service: Served, changed: dict[str, Any], masked: bool
) -> None:
    fields = {**STORED, "assume_role_policy_document": DOCUMENT}
    await service.roles.CreateRole(pb.CreateRoleRequest(**fields))
    mask = FieldMask(paths=changed) if masked else None

    request = pb.UpdateRoleRequest(role=f"{OTHER}/stored", update_mask=mask, **changed)
    updated = (await service.roles.UpdateRole(request)).role

    assert {name: getattr(updated, name) for name in STORED} == {**fields, **changed}


async def test_every_field_of_a_declaration_is_stored(service: Served) -> None:
    response = await service.roles.ApplyRoles(upload(pb.ApplyRolesOptions(), pb.RoleDeclaration(**STORED)))

    got = (await service.roles.GetRole(pb.GetRoleRequest(role=f"{OTHER}/Stored"))).role
    assert {name: getattr(got, name) for name in STORED} == STORED
    assert [(change.kind, change.role_arn) for change in response.changes] == [(pb.CHANGE_KIND_CREATED, got.arn)]
    assert response.changes[0].diff


@pytest.mark.parametrize("method", ["UpdateRole", "DeleteRole", "RollbackRole"])
async def test_a_stale_etag_is_aborted_and_the_current_one_is_accepted(service: Served, method: str) -> None:
    # Row 51 of the faults.
    old = await service.create()
    new = (await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="x", etag=old.etag))).role

    refusal = await refused(write(service, method, etag=old.etag))
    untouched = (await service.roles.GetRole(pb.GetRoleRequest(role="app"))).role
    await write(service, method, etag=new.etag)

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    assert (refusal.facts["role"], refusal.facts["etag"]) == (new.arn, new.etag)
    assert untouched == new
    assert len(commits(service)) == 3


@pytest.mark.parametrize("method", ["CreateRole", "UpdateRole", "DeleteRole", "ApplyRoles"])
async def test_a_write_that_is_only_validated_changes_nothing(service: Served, method: str) -> None:
    await service.create()
    before = await state(service)

    response = await write(service, method, validate_only=True)

    assert await state(service) == before
    assert len(commits(service)) == 1
    if method in {"CreateRole", "UpdateRole"}:
        assert (response.role.role_name, response.role.description) in {("new", ""), ("app", "new")}


@pytest.mark.parametrize("method", ["CreateRole", "DeleteRole", "ApplyRoles"])
async def test_a_write_that_is_only_validated_is_refused_as_the_write_would_be(service: Served, method: str) -> None:
    if method == "CreateRole":
        await service.create("new")
    if method == "ApplyRoles":
        await service.roles.CreateRole(create("old", tags={"by": "apply"}))
        selector = pb.PruneSelector()
        refusal = await refused(write(service, method, validate_only=True, prune_selector=selector))
    else:
        refusal = await refused(write(service, method, validate_only=True))

    assert refusal.reason == {"CreateRole": "ROLE_EXISTS", "DeleteRole": "ROLE_NOT_FOUND"}.get(method, "REQUIRED")


@pytest.mark.parametrize("method", METHODS)
async def test_every_write_stores_its_author(service: Served, method: str) -> None:
    await service.create()
    await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="between"))
    source = {"source": "git"} if method == "ApplyRoles" else {}

    await write(service, method, request_id=IDS[1], change_reason="why", **source)

    author = commits(service)[-1].author
    assert (author.actor, author.request_id, author.change_reason) == ("local", IDS[1], "why")
    assert author.source == source.get("source", "")
    assert author.time > commits(service)[0].author.time


@pytest.mark.parametrize("method", METHODS)
async def test_a_repeated_write_returns_the_first_result_and_writes_nothing(service: Served, method: str) -> None:
    await service.create()
    await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="between"))
    first = await write(service, method, request_id=IDS[0])

    second = await write(service, method, request_id=IDS[0])

    assert second == first
    assert len(commits(service)) == 3


@pytest.mark.parametrize("method", METHODS)
async def test_a_request_id_is_stored_under_the_caller_and_the_method(service: Served, method: str) -> None:
    # Stored names must not change, or a retry after an upgrade would write a second time.
    await service.create()
    await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="between"))
    await write(service, method, request_id=IDS[0])
    repository, author = service.server.replica.repository, commits(service)[-1].author

    found, _ = repository.transact(author, lambda transaction: transaction.recall(f"local\n{method}", IDS[0]))

    assert found is not None


async def test_one_request_id_may_be_used_once_with_each_method(service: Served) -> None:
    await service.create()
    await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="between"))

    for method in ("CreateRole", "UpdateRole", "RollbackRole", "DeleteRole"):
        await write(service, method, request_id=IDS[0])
    declared = pb.RoleDeclaration(role_name="other", assume_role_policy_document=DOCUMENT)
    await service.roles.ApplyRoles(upload(pb.ApplyRolesOptions(request_id=IDS[0]), declared))

    assert len(commits(service)) == 7


@pytest.mark.parametrize("method", METHODS)
async def test_the_token_of_a_write_is_that_of_its_revision(service: Served, method: str) -> None:
    await service.create()
    await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="between"))

    response = await write(service, method)

    assert response.consistency_token == service.server.replica.tokens.consistency(Revision(3))


async def test_reads_have_the_token_of_what_they_read(service: Served) -> None:
    await service.create("a")
    await service.create("b")

    got = await service.roles.GetRole(pb.GetRoleRequest(role="a"))
    listed = await service.roles.ListRoles(pb.ListRolesRequest())

    assert got.consistency_token == listed.consistency_token == service.server.replica.tokens.consistency(Revision(2))


async def test_an_apply_prunes_only_the_roles_that_have_every_tag_of_the_selector(service: Served) -> None:
    await service.roles.CreateRole(create("both", tags={"by": "apply", "set": "1"}))
    await service.roles.CreateRole(create("one", tags={"by": "apply"}))
    options = pb.ApplyRolesOptions(prune_selector=pb.PruneSelector(tags={"by": "apply", "set": "1"}))

    response = await service.roles.ApplyRoles(upload(options))

    assert [(change.kind, change.role_arn.rpartition("/")[2]) for change in response.changes] == [
        (pb.CHANGE_KIND_DELETED, "both")
    ]


async def test_every_kind_of_change_is_reported_with_its_diff(service: Served) -> None:
    await service.create("same")
    await service.create("other")
    await service.roles.CreateRole(create("old", tags={"by": "apply"}))
    declared = [
        pb.RoleDeclaration(role_name="same", assume_role_policy_document=DOCUMENT),
        pb.RoleDeclaration(role_name="other", assume_role_policy_document=DOCUMENT, description="changed"),
        pb.RoleDeclaration(role_name="new", assume_role_policy_document=DOCUMENT),
    ]
    options = pb.ApplyRolesOptions(prune_selector=pb.PruneSelector(tags={"by": "apply"}))

    changes = (await service.roles.ApplyRoles(upload(options, *declared))).changes

    assert {change.role_arn.rpartition("/")[2]: change.kind for change in changes} == {
        "same": pb.CHANGE_KIND_UNCHANGED,
        "other": pb.CHANGE_KIND_UPDATED,
        "new": pb.CHANGE_KIND_CREATED,
        "old": pb.CHANGE_KIND_DELETED,
    }
    diffs = {change.role_arn.rpartition("/")[2]: change.diff for change in changes}
    assert "changed" in diffs["other"]
    assert not diffs["same"]


LISTED = [
    (ACCOUNT, "a1", {"team": "a"}),
    (ACCOUNT, "a2", {"team": "a", "tier": "1"}),
    (ACCOUNT, "b1", {"team": "b", "tier": "1"}),
    (OTHER, "a3", {"team": "a"}),
]


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, ["a1", "a2", "b1"]),
        ({"account_id": OTHER}, ["a3"]),
        ({"name_prefix": "a"}, ["a1", "a2"]),
        ({"tags": {"tier": "1"}}, ["a2", "b1"]),
        ({"tags": {"team": "a", "tier": "1"}}, ["a2"]),
        ({"page_size": 2}, ["a1", "a2"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_each_field_of_a_list_request_narrows_the_list(
    service: Served, fields: dict[str, Any], names: list[str]
) -> None:
    for account, name, tags in LISTED:
        await service.roles.CreateRole(create(name, account_id=account, tags=tags))

    response = await service.roles.ListRoles(pb.ListRolesRequest(**fields))

    assert [role.role_name for role in response.roles] == names
    assert bool(response.next_page_token) == ("page_size" in fields)


async def test_a_list_continues_after_the_page_of_its_token(service: Served) -> None:
    for account, name, tags in LISTED:
        await service.roles.CreateRole(create(name, account_id=account, tags=tags))
    request = pb.ListRolesRequest(page_size=2)

    first = await service.roles.ListRoles(request)
    request.page_token = first.next_page_token
    second = await service.roles.ListRoles(request)

    assert [role.role_name for role in second.roles] == ["b1"]
    assert second.next_page_token == ""


@pytest.mark.parametrize(
    ("view", "document"),
    [(pb.ROLE_VIEW_UNSPECIFIED, ""), (pb.ROLE_VIEW_BASIC, ""), (pb.ROLE_VIEW_FULL, DOCUMENT)],
)
async def test_a_view_decides_on_the_document_alone(service: Served, view: pb.RoleView, document: str) -> None:
    created = await service.create()

    listed = (await service.roles.ListRoles(pb.ListRolesRequest(view=view))).roles

    created.assume_role_policy_document = document
    assert list(listed) == [created]


@pytest.mark.parametrize("view", [-1, 3])
async def test_a_number_that_is_no_view_is_refused(service: Served, view: int) -> None:
    request = pb.ListRolesRequest(view=view)  # type: ignore[arg-type]

    refusal = await refused(service.roles.ListRoles(request))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_ENUM_VALUE")
    assert [(field.field, str(view) in field.description) for field in refusal.fields] == [("view", True)]


async def test_the_history_of_a_role_has_every_field_of_each_revision(service: Served) -> None:
    first = await service.create("other")
    created = (await service.roles.CreateRole(create(change_reason="first"))).role
    updated = (
        await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description="x", change_reason="second"))
    ).role

    history = (await service.roles.ListRoleRevisions(pb.ListRoleRevisionsRequest(role="app"))).revisions

    assert first.revision == 1
    assert [(entry.revision, entry.kind, entry.change_reason) for entry in history] == [
        (3, pb.CHANGE_KIND_UPDATED, "second"),
        (2, pb.CHANGE_KIND_CREATED, "first"),
    ]
    assert [entry.role for entry in history] == [updated, created]
    assert {entry.actor for entry in history} == {"local"}
    assert [entry.change_time.ToMicroseconds() for entry in history] == [
        commit.author.time for commit in reversed(commits(service)[1:])
    ]


async def test_a_history_is_read_page_by_page(service: Served) -> None:
    await service.create()
    for text in "xyz":
        await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description=text))
    request = pb.ListRoleRevisionsRequest(role="app", page_size=3)

    first = await service.roles.ListRoleRevisions(request)
    request.page_token = first.next_page_token
    second = await service.roles.ListRoleRevisions(request)

    assert [entry.revision for entry in first.revisions] == [4, 3, 2]
    assert ([entry.revision for entry in second.revisions], second.next_page_token) == ([1], "")


async def test_a_rollback_restores_the_revision_that_it_names(service: Served) -> None:
    await service.roles.CreateRole(create(description="1"))
    for text in ("2", "3"):
        await service.roles.UpdateRole(pb.UpdateRoleRequest(role="app", description=text))

    restored = (await service.roles.RollbackRole(pb.RollbackRoleRequest(role="app", revision=2))).role

    assert (restored.description, restored.revision) == ("2", 4)


async def test_a_role_that_is_not_there_is_named_in_full(service: Served) -> None:
    refusal = await refused(service.roles.GetRole(pb.GetRoleRequest(role="app")))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "ROLE_NOT_FOUND")
    assert refusal.message == f"there is no role `acs:ram::{ACCOUNT}:role/app`"


async def test_writes_of_many_callers_at_once_have_a_revision_each(service: Served) -> None:
    responses = await asyncio.gather(*(service.roles.CreateRole(create(f"r{n}")) for n in range(10)))

    assert sorted(response.role.revision for response in responses) == list(range(1, 11))
    assert len({response.consistency_token for response in responses}) == 10


async def test_the_message_of_a_role_has_every_field(service: Served) -> None:
    created = (await service.roles.CreateRole(pb.CreateRoleRequest(**STORED))).role

    message = role_message(commits(service)[0].changes[0].role)

    assert message == created
    assert {field.name for field, _ in message.ListFields()} == set(pb.Role.DESCRIPTOR.fields_by_name)
