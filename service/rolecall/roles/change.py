"""Writes: the changes, their author, and the commit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from rolecall.roles.role import Micros, Revision, Role


class ChangeKind(StrEnum):
    """What a write did to a role."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one role: the role after it, or its last version if it was deleted."""

    kind: ChangeKind
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who writes, when, and why. All of it is stored with the revision."""

    actor: str
    time: Micros
    request_id: str = ""
    change_reason: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A committed write. `hash` is SHA-256 over the hash of the commit before it and its own stored bytes.

    `previous_hash` is the hash of the commit before. Stores always set it, so that a follower can detect another history.
    """

    revision: Revision
    author: Author
    changes: tuple[Change, ...]
    hash: bytes
    previous_hash: bytes = b""


class LogPosition(NamedTuple):
    """The place of a change in the log: its revision, and its number among the changes of that write, from 0."""

    revision: Revision
    ordinal: int


@dataclass(frozen=True, slots=True)
class LogSpan:
    """The changes between two positions of the log, without those at the positions themselves."""

    after: LogPosition
    before: LogPosition
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """A change in the log, and the author of its write."""

    position: LogPosition
    author: Author
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRevision:
    """A role as one write left it, and the write."""

    revision: Revision
    author: Author
    change: Change


LAST_ORDINAL = (1 << 31) - 1
"""Higher than the number of every change in a write."""
