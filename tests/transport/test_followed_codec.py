"""What a follower reads in the events of a watch is what the server put into them."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from rolecall.roles.canonical_json import NO_TAGS
from rolecall.roles.change import ChangeKind
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.followed import WatchedRoles, change_kind, sent_checkpoint
from rolecall.transport.codecs.role import KINDS, role as message_of
from rolecall_client.v1 import role_pb2, watch_pb2 as w
from tests.server.serving import ACCOUNT, DOCUMENT

ROLE = Role(
    role_id="7",
    role_name="app",
    account_id=ACCOUNT,
    document=DOCUMENT,
    description="d",
    max_session_duration_seconds=7_200,
    tags={"a": "1", "b": ""},
    create_time=Micros(1_700_000_000_000_001),
    update_time=Micros(1_700_000_001_999_999),
    revision=Revision(3),
)


def read(roles: WatchedRoles, *found: Role) -> list[Role]:
    return [roles.role(message_of(role)) for role in found]


@pytest.mark.parametrize(
    "role",
    [ROLE, dataclasses.replace(ROLE, tags={}, description=""), dataclasses.replace(ROLE, update_time=ROLE.create_time)],
)
def test_a_role_is_read_as_the_server_has_it(role: Role) -> None:
    (found,) = read(WatchedRoles(), role)

    assert {name: getattr(found, name) for name in fields()} == {name: getattr(role, name) for name in fields()}
    assert (found.etag, found.arn) == (role.etag, role.arn)


def fields() -> list[str]:
    return [field.name for field in dataclasses.fields(Role) if field.init]


def test_equal_texts_of_roles_are_one_object_until_they_are_forgotten() -> None:
    roles = WatchedRoles()
    first, second = read(roles, ROLE, dataclasses.replace(ROLE, role_id="8", role_name="other"))
    roles.forget()
    (third,) = read(roles, ROLE)

    assert first.document is second.document
    assert first.tags is second.tags
    assert first.description is second.description
    assert first.account_id is second.account_id
    assert (third.document is first.document, third.tags is first.tags) == (False, False)
    assert (third.document, third.tags) == (first.document, first.tags)


def test_tags_of_a_role_cannot_be_changed_and_roles_without_tags_share_them() -> None:
    first, second, plain, bare = read(
        WatchedRoles(),
        ROLE,
        dataclasses.replace(ROLE, tags={"a": "2"}),
        dataclasses.replace(ROLE, tags={}),
        dataclasses.replace(ROLE, tags={}),
    )

    assert (dict(first.tags), dict(second.tags)) == ({"a": "1", "b": ""}, {"a": "2"})
    assert isinstance(first.tags, MappingProxyType)
    assert plain.tags is bare.tags is NO_TAGS


@pytest.mark.parametrize("kind", [ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED])
def test_a_kind_of_change_is_read_as_it_is_written(kind: ChangeKind) -> None:
    assert change_kind(KINDS[kind]) is kind


@pytest.mark.parametrize("number", [role_pb2.CHANGE_KIND_UNSPECIFIED, role_pb2.CHANGE_KIND_UNCHANGED, 99])
def test_a_change_of_an_unknown_kind_leaves_the_role_as_it_is_in_the_message(number: Any) -> None:
    assert change_kind(number) is ChangeKind.UPDATED


@pytest.mark.parametrize(
    ("nanos", "at_least", "at_most"),
    [
        (0, 5_000_000, 5_000_000),
        (1, 5_000_001, 5_000_000),
        (1_000, 5_000_001, 5_000_001),
        (1_999, 5_000_002, 5_000_001),
    ],
)
def test_a_staleness_is_rounded_up_and_the_age_of_a_stream_down(nanos: int, at_least: int, at_most: int) -> None:
    length = Duration(seconds=5, nanos=nanos)
    found = sent_checkpoint(w.WatchCheckpoint(revision=7, token="t", staleness=length, stream_age=length), 11)

    assert (found.revision, found.token, found.opened_at) == (7, "t", 11)
    assert (found.staleness, found.stream_age) == (at_least, at_most)


def test_a_checkpoint_of_an_older_server_has_no_ages() -> None:
    found = sent_checkpoint(w.WatchCheckpoint(revision=7, token="t"), 11)
    zero = sent_checkpoint(w.WatchCheckpoint(staleness=Duration(), stream_age=Duration()), 0)

    assert (found.staleness, found.stream_age) == (None, None)
    assert (zero.staleness, zero.stream_age) == (0, 0)
