"""Requests of watches, and events as bytes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from rolecall.engine.feed import role_bytes
from rolecall.engine.watch_events import UNKNOWN_AGE, Checkpoint, ResyncRequired, RoleChanged, RoleFound
from rolecall.roles.accounts import Accounts
from rolecall.roles.change import ChangeKind
from rolecall.roles.errors import InvalidFieldsError
from rolecall.roles.role import Micros, Revision, Role
from rolecall.roles.tokens import Tokens
from rolecall.transport.codecs import watch as codec
from rolecall.transport.codecs.role import KINDS, role as role_message
from rolecall.transport.codecs.watch import EventEncoder, watch_request
from rolecall_client.v1 import role_pb2, watch_pb2 as pb
from tests.server.serving import ACCOUNT, DOCUMENT

TOKENS = Tokens(b"k" * 32, "history")
ROLE = Role(
    role_id="1",
    role_name="app",
    account_id=ACCOUNT,
    document=DOCUMENT,
    description="d",
    max_session_duration_seconds=3_600,
    tags={"a": "1"},
    create_time=Micros(1),
    update_time=Micros(2),
    revision=Revision(3),
)


def decoded(data: bytes) -> pb.WatchRolesResponse:
    return pb.WatchRolesResponse.FromString(data)


def test_every_field_of_a_request_is_read() -> None:
    accounts = Accounts(ACCOUNT, {"partner": "2"})

    since = watch_request(pb.WatchRolesRequest(start_token="t", account_ids=["partner", "5", "5"]), accounts)
    state = watch_request(pb.WatchRolesRequest(include_initial_state=True), accounts)

    assert (since.start_token, since.account_ids, since.with_state) == ("t", frozenset({"2", "5"}), False)
    assert (state.start_token, state.account_ids, state.with_state) == ("", frozenset(), True)


def test_as_many_accounts_as_the_limit_are_accepted() -> None:
    request = pb.WatchRolesRequest(account_ids=map(str, range(1, 101)))

    assert len(watch_request(request, Accounts(ACCOUNT)).account_ids) == 100


def test_every_invalid_account_is_a_violation_with_its_number() -> None:
    request = pb.WatchRolesRequest(account_ids=["1", "a b", "2", "c d"])

    with pytest.raises(InvalidFieldsError) as caught:
        watch_request(request, Accounts(ACCOUNT))

    assert [(violation.field, violation.reason) for violation in caught.value.violations] == [
        ("account_ids[1]", "INVALID_ACCOUNT_ID"),
        ("account_ids[3]", "INVALID_ACCOUNT_ID"),
    ]
    for violation, text in zip(caught.value.violations, ("a b", "c d"), strict=True):
        with pytest.raises(InvalidFieldsError) as alone:
            Accounts(ACCOUNT).account_id(text)
        assert violation.message == alone.value.violations[0].message


@pytest.mark.parametrize(
    ("request_", "violation"),
    [
        (
            pb.WatchRolesRequest(start_token="x", include_initial_state=True),
            (
                "start_token",
                "START_EXCLUDES_STATE",
                "cannot be combined with `include_initial_state`; leave one of them out",
            ),
        ),
        (
            pb.WatchRolesRequest(account_ids=map(str, range(1, 102))),
            (
                "account_ids",
                "TOO_MANY_ACCOUNTS",
                "must have at most 100 entries, not 101; leave it out to watch every account",
            ),
        ),
    ],
)
def test_what_a_watch_cannot_start_with_is_one_violation_with_a_hint(
    request_: pb.WatchRolesRequest, violation: tuple[str, str, str]
) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        watch_request(request_, Accounts(ACCOUNT))

    assert [(one.field, one.reason, one.message) for one in caught.value.violations] == [violation]


@pytest.mark.parametrize("kind", [ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED])
def test_a_change_has_its_revision_its_kind_and_its_role(kind: ChangeKind) -> None:
    change = decoded(EventEncoder(TOKENS).encode(RoleChanged(Revision(7), kind, ROLE))).change

    assert (change.revision, change.kind, change.role) == (7, KINDS[kind], role_message(ROLE))


def test_a_role_of_the_initial_state_is_a_creation_at_its_own_revision() -> None:
    change = decoded(EventEncoder(TOKENS).encode(RoleFound(ROLE))).change

    assert (change.revision, change.kind, change.role) == (3, role_pb2.CHANGE_KIND_CREATED, role_message(ROLE))


@pytest.mark.parametrize(
    ("staleness", "stream_age"), [(0, 0), (1, 999_999), (1_500_000, 86_400_000_000), (UNKNOWN_AGE, 7)]
)
def test_a_checkpoint_is_the_message_of_its_revision_its_token_and_its_ages(staleness: int, stream_age: int) -> None:
    encoder, token = EventEncoder(TOKENS), TOKENS.consistency(Revision(7))
    encoder.encode(Checkpoint(Revision(7), staleness=3, stream_age=3))

    encoded = encoder.encode(Checkpoint(Revision(7), staleness=staleness, stream_age=stream_age))

    checkpoint = pb.WatchCheckpoint(revision=7, token=token)
    checkpoint.staleness.FromMicroseconds(staleness)
    checkpoint.stream_age.FromMicroseconds(stream_age)
    # Byte for byte: a checkpoint in two parts would be merged by some languages and not by others.
    assert encoded == pb.WatchRolesResponse(checkpoint=checkpoint).SerializeToString()


def test_what_checkpoints_share_is_encoded_again_only_at_another_revision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, message = list[int](), pb.WatchCheckpoint

    def noted(**fields: Any) -> pb.WatchCheckpoint:
        made.append(fields["revision"])
        return message(**fields)

    monkeypatch.setattr("rolecall.transport.codecs.watch.pb.WatchCheckpoint", noted)
    encoder = EventEncoder(TOKENS)

    for revision in (7, 7, 7, 8, 8, 7):
        encoder.encode(Checkpoint(Revision(revision), staleness=1, stream_age=2))

    assert made == [7, 8, 7]


def test_a_required_resync_has_its_reason() -> None:
    assert decoded(EventEncoder(TOKENS).encode(ResyncRequired("why"))).resync_required.reason == "why"


@pytest.fixture
def encodings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that grows with each change that is encoded."""
    made, encode = list[Any](), codec._encoded

    def noted(*event: Any) -> bytes:
        made.append(event)
        return encode(*event)

    monkeypatch.setattr(codec, "_encoded", noted)
    return made


def test_a_change_is_encoded_once_for_many_watches(encodings: list[Any]) -> None:
    encoder, change = EventEncoder(TOKENS), RoleChanged(Revision(7), ChangeKind.UPDATED, ROLE)

    results = {encoder.encode(change) for _ in range(5)}

    assert (len(results), len(encodings)) == (1, 1)


def test_changes_that_differ_in_one_thing_are_encoded_apart() -> None:
    encoder = EventEncoder(TOKENS)
    changes = [
        RoleChanged(Revision(7), ChangeKind.UPDATED, ROLE),
        RoleChanged(Revision(8), ChangeKind.UPDATED, ROLE),
        RoleChanged(Revision(7), ChangeKind.DELETED, ROLE),
        RoleChanged(Revision(7), ChangeKind.UPDATED, dataclasses.replace(ROLE, description="other")),
    ]

    for _ in range(2):
        encoded = [decoded(encoder.encode(change)).change for change in changes]
        assert [(change.revision, change.kind, change.role.description) for change in encoded] == [
            (7, role_pb2.CHANGE_KIND_UPDATED, "d"),
            (8, role_pb2.CHANGE_KIND_UPDATED, "d"),
            (7, role_pb2.CHANGE_KIND_DELETED, "d"),
            (7, role_pb2.CHANGE_KIND_UPDATED, "other"),
        ]


def test_the_cache_holds_as_many_bytes_as_it_may(encodings: list[Any]) -> None:
    first, second = (RoleChanged(Revision(number), ChangeKind.UPDATED, ROLE) for number in (7, 8))
    size = len(EventEncoder(TOKENS).encode(first)) + role_bytes(ROLE)
    encodings.clear()

    exact, smaller = EventEncoder(TOKENS, size), EventEncoder(TOKENS, size - 1)
    for change in (first, first, second, first):
        exact.encode(change)
    of_exact = len(encodings)
    for _ in range(3):
        smaller.encode(first)

    assert (of_exact, len(encodings) - of_exact) == (3, 3)


def test_an_entry_of_the_cache_keeps_its_role_alive() -> None:
    encoder = EventEncoder(TOKENS)

    def revision(number: int) -> int:
        # The role is dropped at once: without the cache's reference, the next one could get its `id`.
        changed = dataclasses.replace(ROLE, description=str(number))
        event = decoded(encoder.encode(RoleChanged(Revision(7), ChangeKind.UPDATED, changed)))
        return int(event.change.role.description)

    assert [revision(number) for number in range(200)] == list(range(200))
