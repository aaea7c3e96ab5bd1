"""The content of a snapshot file as a sequence of payloads: a header, roles by the hundred, and their count.

    header = {"incarnation", "revision", "hash", "token_key", "seen"}
    roles  = [[account_id, role_name, role_id, document, description, seconds, tags, create_time, update_time, revision], ...]
    end    = {"roles": count}

This is not the canonical form of roles: it is encoded and decoded in a fraction of the time, which matters for a million roles.
Equal values of many decoded roles are one object, to save memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeAlias

from rolecall.roles.canonical_json import canonical
from rolecall.roles.role import Revision, Role
from rolecall.storage.snapshot.moment import Moment
from rolecall.storage.sql.rows import role_of_row

FRAME_ROLES = 100
FRAME_CHARACTERS = 65_536
"""A payload ends with the role that reaches either limit: no other thread runs while a payload is encoded."""

MAX_SHARED_VALUES = 10_000

_Row: TypeAlias = tuple[str | int, ...]

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPosition:
    """The history and the commit of a state. `token_key` is that of its store."""

    incarnation: str
    revision: Revision
    hash: bytes
    token_key: bytes


class DecodedSnapshot(NamedTuple):
    """A decoded state: its position, when its store was last seen there, and its roles."""

    position: SnapshotPosition
    seen: Moment
    roles: list[Role]


def encode_snapshot(position: SnapshotPosition, seen: Moment, roles: Iterable[Role]) -> Iterator[bytes]:
    """Yield the payloads of a state; each reads about a hundred roles."""
    yield canonical({**identity(position), "token_key": position.token_key.hex(), "seen": asdict(seen)})
    count = 0
    for rows in _batched(roles):
        count += len(rows)
        yield _encode(rows).encode()
    yield canonical({"roles": count})


def decode_snapshot(payloads: Iterator[bytes]) -> DecodedSnapshot:
    """Return the state of the payloads; raise `ValueError`, `KeyError` or `TypeError` if they are malformed."""
    header = json.loads(next(payloads, b""))
    roles, shared, counted = list[Role](), dict[object, object](), None
    for value in map(json.loads, payloads):
        if isinstance(value, dict):
            counted = value["roles"]
            continue
        roles += [role_of_row(("", *row), shared.setdefault) for row in value]
        if len(shared) > MAX_SHARED_VALUES:
            shared.clear()
    if counted != len(roles):
        raise ValueError(f"{counted} roles were written, and {len(roles)} were read")
    return DecodedSnapshot(_position_of(header), Moment(**header["seen"]), roles)


def encode_last_seen(position: SnapshotPosition, seen: Moment) -> bytes:
    """Return the payload that records when the store was seen at a position."""
    return canonical({"of": identity(position), "seen": asdict(seen)})


def decode_last_seen(payloads: Iterator[bytes], position: SnapshotPosition) -> Moment | None:
    """Return when the store was seen at `position`, None for a record of another position; raise as `decode_snapshot` does."""
    (record,) = map(json.loads, payloads)
    return Moment(**record["seen"]) if record["of"] == identity(position) else None


def identity(position: SnapshotPosition) -> dict[str, str | int]:
    """Return what identifies a state, as a JSON object."""
    return {"incarnation": position.incarnation, "revision": position.revision, "hash": position.hash.hex()}


def _batched(roles: Iterable[Role]) -> Iterator[list[_Row]]:
    rows, characters = list[_Row](), 0
    for role in roles:
        rows.append(_row(role))
        characters += len(role.document)
        if len(rows) >= FRAME_ROLES or characters >= FRAME_CHARACTERS:
            yield rows
            rows, characters = [], 0
    if rows:
        yield rows


def _row(role: Role) -> _Row:
    """Return a row as `role_of_row` reads it, without the key, which is derived from the other values."""
    return (
        role.account_id,
        role.role_name,
        role.role_id,
        role.document,
        role.description,
        role.max_session_duration_seconds,
        _encode(dict(role.tags)) if role.tags else "{}",
        role.create_time,
        role.update_time,
        role.revision,
    )


def _position_of(header: dict[str, Any]) -> SnapshotPosition:
    return SnapshotPosition(
        incarnation=header["incarnation"],
        revision=Revision(header["revision"]),
        hash=bytes.fromhex(header["hash"]),
        token_key=bytes.fromhex(header["token_key"]),
    )
