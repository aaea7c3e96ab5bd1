"""Conversion between roles or commits and rows; reading a commit verifies its hash."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from rolecall.roles.canonical_json import NO_TAGS, author_of, change_of, commit_hash, tags_of
from rolecall.roles.change import Commit
from rolecall.roles.digest import stored_role
from rolecall.roles.errors import BrokenHistoryError
from rolecall.roles.role import Revision, Role
from rolecall.storage.sql.tables import roles

SHARED_TAGS, SHARED_TAGS_CHARACTERS = 1_024, 256

T = TypeVar("T")
V = TypeVar("V")

RowValues: TypeAlias = dict[str, str | int | bytes]

_NAMES = tuple(roles.c.keys())


def role_values(role: Role) -> RowValues:
    """Return the row of a role."""
    return dict(zip(_NAMES, stored_role(role), strict=True))


def tag_values(tagged: Iterable[Role]) -> list[RowValues]:
    """Return the rows of the tags of roles."""
    return [
        {"tag_key": key, "tag_value": value, "role_key": role.key}
        for role in tagged
        for key, value in role.tags.items()
    ]


def role_of_row(row: Sequence[Any], shared: Callable[[Any, Any], Any] = lambda value, _: value) -> Role:
    """Return the role of a row, given in the order of the table's columns.

    `shared` is the `setdefault` of a dictionary, through which equal values of many rows become one object, to save memory.
    """
    _, account_id, role_name, role_id, document, description, seconds, tags, create_time, update_time, revision = row
    return Role(
        role_id=role_id,
        account_id=sys.intern(account_id),
        role_name=role_name,
        document=shared(document, document),
        description=shared(description, description),
        max_session_duration_seconds=shared(seconds, seconds),
        tags=shared_tags(tags) if len(tags) <= SHARED_TAGS_CHARACTERS else _tags(tags),
        create_time=create_time,
        update_time=create_time if update_time == create_time else update_time,
        revision=shared(revision, revision),
    )


def _tags(text: str) -> Mapping[str, str]:
    if text == "{}":
        return NO_TAGS
    return MappingProxyType({sys.intern(key): value for key, value in tags_of(text).items()})


shared_tags = lru_cache(maxsize=SHARED_TAGS)(_tags)
"""Returns the tags of a role; roles with the same short tags share one read-only mapping."""


def commit_of_rows(expected: Revision, previous: bytes, row: Sequence[Any], bodies: Sequence[bytes]) -> Commit:
    """Return the commit of a row and the bodies of its changes; raise `BrokenHistoryError` if it is another or altered."""
    revision, header, stored_hash = row
    if revision != expected:
        raise BrokenHistoryError(f"the store has no commit {expected}: its next is {revision}")
    as_written = all(isinstance(part, bytes) for part in (header, *bodies))
    if not as_written or commit_hash(previous, header, bodies) != stored_hash:
        raise BrokenHistoryError(f"commit {revision} of the store was altered: its hash does not match")
    return Commit(
        revision=Revision(revision),
        author=author_of(header),
        changes=tuple(map(change_of, bodies)),
        hash=stored_hash,
        previous_hash=previous,
    )


def readable(read: Callable[[V], T], stored: V) -> T | None:
    """Return `read(stored)`; None if the stored value cannot be read."""
    try:
        return read(stored)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
