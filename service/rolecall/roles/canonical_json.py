"""The canonical form in which roles and commits are stored, hashed and replayed.

It is JSON with sorted keys, without spaces, in UTF-8. Laws: `role_of(role_bytes(role)) == role`, and equal values have equal
bytes. The hash of a commit is SHA-256 over the hash of the commit before it (32 bytes), its header, and the body of each
change in order; the header and each body are preceded by their length (8 bytes, big-endian).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypedDict, cast

from rolecall.roles.change import Author, Change, ChangeKind
from rolecall.roles.role import Micros, Revision, Role

FIRST_HASH = bytes(32)
"""The hash before the first commit."""

NO_TAGS: Mapping[str, str] = MappingProxyType({})
"""The tags of every role that has none: one object, since there may be a million such roles."""


class RoleForm(TypedDict):
    """A role as a JSON object."""

    role_id: str
    account_id: str
    role_name: str
    document: str
    create_time: int
    update_time: int
    revision: int
    description: str
    max_session_duration_seconds: int
    tags: dict[str, str]


class _HeaderForm(TypedDict):
    revision: int
    actor: str
    time: int
    request_id: str
    change_reason: str
    source: str


class _ChangeForm(TypedDict):
    kind: str
    role: RoleForm


def canonical(value: object) -> bytes:
    """Return the canonical JSON of a value made of dicts, lists, text, integers, booleans and None."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def role_form(role: Role) -> RoleForm:
    """Return a role as a JSON object."""
    return {
        "role_id": role.role_id,
        "account_id": role.account_id,
        "role_name": role.role_name,
        "document": role.document,
        "create_time": role.create_time,
        "update_time": role.update_time,
        "revision": role.revision,
        "description": role.description,
        "max_session_duration_seconds": role.max_session_duration_seconds,
        "tags": dict(role.tags),
    }


def role_of_form(form: RoleForm) -> Role:
    """Return the role of a JSON object."""
    return Role(
        role_id=form["role_id"],
        account_id=form["account_id"],
        role_name=form["role_name"],
        document=form["document"],
        create_time=Micros(form["create_time"]),
        update_time=Micros(form["update_time"]),
        revision=Revision(form["revision"]),
        description=form["description"],
        max_session_duration_seconds=form["max_session_duration_seconds"],
        tags=form["tags"] or NO_TAGS,
    )


def role_bytes(role: Role) -> bytes:
    """Return the canonical bytes of a role."""
    return canonical(role_form(role))


def role_of(body: bytes) -> Role:
    """Return the role of its canonical bytes."""
    return role_of_form(cast(RoleForm, json.loads(body)))


def tags_text(tags: Mapping[str, str]) -> str:
    """Return tags as canonical JSON text."""
    return canonical(dict(tags)).decode()


def tags_of(text: str) -> Mapping[str, str]:
    """Return the tags of their canonical JSON text."""
    return NO_TAGS if text == "{}" else cast(dict[str, str], json.loads(text))


def header_bytes(revision: Revision, author: Author) -> bytes:
    """Return the canonical bytes of a commit without its changes."""
    form: _HeaderForm = {
        "revision": revision,
        "actor": author.actor,
        "time": author.time,
        "request_id": author.request_id,
        "change_reason": author.change_reason,
        "source": author.source,
    }
    return canonical(form)


def author_of(header: bytes) -> Author:
    """Return the author that a header names."""
    form = cast(_HeaderForm, json.loads(header))
    return Author(
        actor=form["actor"],
        time=Micros(form["time"]),
        request_id=form["request_id"],
        change_reason=form["change_reason"],
        source=form["source"],
    )


def change_bytes(change: Change) -> bytes:
    """Return the canonical bytes of a change."""
    form: _ChangeForm = {"kind": change.kind.value, "role": role_form(change.role)}
    return canonical(form)


def change_of(body: bytes) -> Change:
    """Return the change of its canonical bytes."""
    form = cast(_ChangeForm, json.loads(body))
    return Change(ChangeKind(form["kind"]), role_of_form(form["role"]))


def commit_hash(previous: bytes, header: bytes, bodies: Iterable[bytes]) -> bytes:
    """Return the hash of a commit from its stored bytes and the hash of the commit before it."""
    digest = hashlib.sha256(previous)
    for part in (header, *bodies):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
