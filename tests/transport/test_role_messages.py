"""Roles, their history and their changes as messages: every field has the value of the role or of the write."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.roles.change import Author, Change, ChangeKind, LoggedChange, LogPosition, RoleRevision
from rolecall.roles.change_pages import ChangesPage
from rolecall.roles.commands import Page, RoleDifference, Written
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs import role as codec
from rolecall_client.v1 import role_pb2 as pb
from tests.server.serving import ACCOUNT, DOCUMENT

CONTENT = {"description", "assume_role_policy_document", "max_session_duration_seconds", "tags"}
KINDS = {
    ChangeKind.CREATED: "CHANGE_KIND_CREATED",
    ChangeKind.UPDATED: "CHANGE_KIND_UPDATED",
    ChangeKind.UNCHANGED: "CHANGE_KIND_UNCHANGED",
    ChangeKind.DELETED: "CHANGE_KIND_DELETED",
}


def stored(number: int = 1) -> Role:
    """Return a role of which no two fields have the same value."""
    return Role(
        role_id=f"id-{number}",
        account_id=ACCOUNT,
        role_name=f"app-{number}",
        document=DOCUMENT,
        create_time=Micros(1_700_000_000_000_001),
        update_time=Micros(1_700_000_001_999_999),
        revision=Revision(number),
        description="d",
        max_session_duration_seconds=7_200,
        tags={"team": "a", "tier": ""},
    )


def author() -> Author:
    return Author(
        actor="alice", time=Micros(1_700_000_002_000_003), request_id="r", change_reason="why", source="git:abc"
    )


def values(message: Any) -> dict[str, object]:
    """Return the value of each field that is set; of a time its microseconds, of a map a dictionary, of a list a list."""

    def plain(field: Any, value: Any) -> object:
        if field.message_type is None:
            return list(value) if field.is_repeated else value
        if field.message_type.GetOptions().map_entry:
            return dict(value)
        return value.ToMicroseconds() if field.message_type.name == "Timestamp" else value

    return {field.name: plain(field, value) for field, value in message.ListFields()}


def fields_of(role: Role) -> dict[str, object]:
    """Return what the contract says of the fields of a role."""
    return {
        "role_id": role.role_id,
        "role_name": role.role_name,
        "arn": f"acs:ram::{role.account_id}:role/{role.role_name}",
        "account_id": role.account_id,
        "description": role.description,
        "assume_role_policy_document": role.document,
        "max_session_duration_seconds": role.max_session_duration_seconds,
        "tags": dict(role.tags),
        "create_time": role.create_time,
        "update_time": role.update_time,
        "etag": role.etag,
        "revision": role.revision,
    }


def without(fields: dict[str, object], names: set[str]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in names}


def test_every_field_of_the_contract_is_filled_with_that_of_the_role() -> None:
    role = stored()

    assert set(fields_of(role)) == {field.name for field in pb.Role.DESCRIPTOR.fields}
    assert values(codec.role(role)) == fields_of(role)


def test_a_role_without_its_document_has_all_other_fields() -> None:
    role = stored()

    brief = values(codec.role(role, with_document=False))

    assert brief == without(fields_of(role), {"assume_role_policy_document"})


def test_a_role_without_its_content_has_all_that_identifies_it_and_its_version() -> None:
    role = stored()

    assert values(codec.role_name(role)) == without(fields_of(role), CONTENT)


@pytest.mark.parametrize(
    ("view", "with_document"),
    [(pb.ROLE_VIEW_UNSPECIFIED, False), (pb.ROLE_VIEW_BASIC, False), (pb.ROLE_VIEW_FULL, True)],
)
def test_a_page_of_roles_has_documents_only_in_the_full_view(view: Any, with_document: bool) -> None:
    page = Page(items=(stored(1), stored(2)), next_page_token="next", revision=Revision(2))

    response = codec.list_response(page, view, "token")

    assert (response.next_page_token, response.consistency_token) == ("next", "token")
    expected = [codec.role(role, with_document=with_document) for role in page.items]
    assert list(response.roles) == expected


@pytest.mark.parametrize("kind", ChangeKind)
def test_a_page_of_a_history_has_every_field_of_each_write(kind: ChangeKind) -> None:
    write = RoleRevision(revision=Revision(9), author=author(), change=Change(kind, stored()))
    page = Page(items=(write, write), next_page_token="next", revision=Revision(9))

    response = codec.revisions_response(page)

    assert response.next_page_token == "next"
    assert [values(one) for one in response.revisions] == [
        {
            "revision": 9,
            "change_time": 1_700_000_002_000_003,
            "actor": "alice",
            "change_reason": "why",
            "kind": pb.ChangeKind.Value(KINDS[kind]),
            "role": codec.role(stored()),
        }
    ] * 2


@pytest.mark.parametrize(
    ("view", "with_document"),
    [(pb.ROLE_VIEW_BASIC, False), (pb.ROLE_VIEW_UNSPECIFIED, False), (pb.ROLE_VIEW_FULL, True)],
)
def test_a_page_of_changes_has_every_field_of_each_change(view: Any, with_document: bool) -> None:
    change = LoggedChange(LogPosition(Revision(9), 2), author(), Change(ChangeKind.UPDATED, stored()))
    page = ChangesPage(items=(change,), next_page_token="next", revision=Revision(11), oldest=Revision(4))

    response = codec.changes_response(page, view, "token")

    assert values(response) | {"changes": []} == {
        "changes": [],
        "next_page_token": "next",
        "revision": 11,
        "oldest_revision": 4,
        "consistency_token": "token",
    }
    assert [values(one) for one in response.changes] == [
        {
            "revision": 9,
            "time": 1_700_000_002_000_003,
            "actor": "alice",
            "reason": "why",
            "kind": pb.CHANGE_KIND_UPDATED,
            "role": codec.role(stored(), with_document=with_document),
            "source": "git:abc",
        }
    ]


def test_the_changes_of_an_apply_have_their_kinds_their_roles_and_their_diffs() -> None:
    made = tuple(RoleDifference(kind=kind, role_arn=f"arn-{kind}", diff=f"diff-{kind}") for kind in ChangeKind)

    response = codec.apply_response(Written(result=made, revision=Revision(7)), "token")

    assert response.consistency_token == "token"
    assert [(pb.ChangeKind.Name(one.kind), one.role_arn, one.diff) for one in response.changes] == [
        (KINDS[kind], f"arn-{kind}", f"diff-{kind}") for kind in ChangeKind
    ]
