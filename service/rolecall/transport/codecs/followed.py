"""Read the events of a watch as a follower needs them: roles and checkpoints as values."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from rolecall.engine.followed_state import SentCheckpoint
from rolecall.roles.canonical_json import NO_TAGS
from rolecall.roles.change import ChangeKind
from rolecall.roles.role import Micros, Revision, Role
from rolecall_client.v1 import role_pb2 as pb, watch_pb2 as w

_KINDS = {
    pb.CHANGE_KIND_CREATED: ChangeKind.CREATED,
    pb.CHANGE_KIND_DELETED: ChangeKind.DELETED,
}

T = TypeVar("T", bound=Hashable)


class WatchedRoles:
    """Makes roles of the messages of a watch.

    To save memory, equal texts of the roles that it reads are one object, until `forget`.
    """

    def __init__(self) -> None:
        self._shared: dict[Hashable, Hashable] = {}
        self._shared_tags: dict[frozenset[tuple[str, str]], Mapping[str, str]] = {}

    def forget(self) -> None:
        """Share no text with the roles that were read so far."""
        self._shared, self._shared_tags = {}, {}

    def role(self, message: pb.Role) -> Role:
        """Return the role of a message."""
        created, updated = _micros(message.create_time), _micros(message.update_time)
        return Role(
            role_id=message.role_id,
            account_id=sys.intern(message.account_id),
            role_name=message.role_name,
            document=self._one(message.assume_role_policy_document),
            create_time=created,
            update_time=created if updated == created else updated,
            revision=self._one(Revision(message.revision)),
            description=self._one(message.description),
            max_session_duration_seconds=self._one(message.max_session_duration_seconds),
            tags=self._tags(message.tags),
        )

    def _one(self, value: T) -> T:
        return self._shared.setdefault(value, value)  # type: ignore[return-value]  # a value is its own key

    def _tags(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        if not tags:
            return NO_TAGS
        key = frozenset(tags.items())
        return self._shared_tags.get(key) or self._shared_tags.setdefault(key, MappingProxyType(dict(tags)))


def change_kind(kind: pb.ChangeKind) -> ChangeKind:
    """Return what a change did; one of an unknown kind left the role as it is in the message."""
    return _KINDS.get(kind, ChangeKind.UPDATED)


def sent_checkpoint(message: w.WatchCheckpoint, opened_at: int) -> SentCheckpoint:
    """Return the checkpoint of a stream that was opened at this time, in microseconds by the clock of the follower."""
    return SentCheckpoint(
        revision=Revision(message.revision),
        token=message.token,
        opened_at=opened_at,
        stream_age=_length(message.stream_age) if message.HasField("stream_age") else None,
        staleness=_length(message.staleness, up=999) if message.HasField("staleness") else None,
    )


def _micros(time: Timestamp) -> Micros:
    return Micros(time.seconds * 1_000_000 + time.nanos // 1_000)


def _length(duration: Duration, *, up: int = 0) -> int:
    return duration.seconds * 1_000_000 + (duration.nanos + up) // 1_000
