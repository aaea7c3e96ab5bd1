"""A whole state as a row of payloads, and back: where it stands, its roles by the hundred, and how many there were.

    header = {"incarnation", "revision", "hash", "token_key", "seen"}
    roles  = [[account_id, role_name, role_id, document, description, seconds, tags, create_time, update_time, revision], ...]
    end    = {"roles": how many}

This is not the canonical form of roles: it is made and read in a fraction of the time, which counts with a million of them. Equal
values of many roles are one object when they are read, as they are when a store is.
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
"""A payload ends with the role that reaches either: it is encoded in one step, in which no other thread runs."""

MAX_SHARED_VALUES = 10_000

_Row: TypeAlias = tuple[str | int, ...]

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPosition:
    """Where a state stands: in which history, at which commit. `token_key` is that of its store."""

    incarnation: str
    revision: Revision
    hash: bytes
    token_key: bytes


class DecodedSnapshot(NamedTuple):
    """A state that was read: where it stands, when its store was seen to stand there, and its roles."""

    position: SnapshotPosition
    seen: Moment
    roles: list[Role]


def encode_snapshot(position: SnapshotPosition, seen: Moment, roles: Iterable[Role]) -> Iterator[bytes]:
    """Yield the payloads of a state; about a hundred roles are looked at for each."""
    yield canonical({**identity(position), "token_key": position.token_key.hex(), "seen": asdict(seen)})
    count = 0
    for rows in _by_the_hundred(roles):
        count += len(rows)
        yield _encode(rows).encode()
    yield canonical({"roles": count})


def decode_snapshot(payloads: Iterator[bytes]) -> DecodedSnapshot:
    """Return the state of its payloads; raise `ValueError`, `KeyError` or `TypeError` when they have another form."""
    header = json.loads(next(payloads, b""))
    roles, shared, counted = list[Role](), dict[object, object](), -1
    for form in map(json.loads, payloads):
        if isinstance(form, dict):
            counted = form["roles"]
            continue
        roles += [role_of_row(("", *row), shared.setdefault) for row in form]
        if len(shared) > MAX_SHARED_VALUES:
            shared.clear()
    if counted != len(roles):
        raise ValueError(f"{counted} roles were kept, and {len(roles)} are there")
    return DecodedSnapshot(_position_of(header), Moment(**header["seen"]), roles)


def encode_last_seen(position: SnapshotPosition, seen: Moment) -> bytes:
    """Return what tells when the store was seen to stand there."""
    return canonical({"of": identity(position), "seen": asdict(seen)})


def decode_last_seen(payloads: Iterator[bytes], position: SnapshotPosition) -> Moment | None:
    """Return when the store was seen to stand there, None if it was seen elsewhere; raise as `decode_snapshot` does."""
    (form,) = map(json.loads, payloads)
    return Moment(**form["seen"]) if form["of"] == identity(position) else None


def identity(position: SnapshotPosition) -> dict[str, str | int]:
    """Return what makes a state this one and no other, as JSON has it."""
    return {"incarnation": position.incarnation, "revision": position.revision, "hash": position.hash.hex()}


def _by_the_hundred(roles: Iterable[Role]) -> Iterator[list[_Row]]:
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
    """Return what `role_of_row` takes, without the key, which follows from the rest."""
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
