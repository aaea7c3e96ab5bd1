"""What a watch asks for, its limits, and the events that it receives."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias

from rolecall.roles.change import ChangeKind
from rolecall.roles.role import Revision, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest:
    """Where a watch starts, and which accounts it covers (empty: all).

    It starts at `start_token`, or, without a token, at the current revision. `with_state` sends every role first; it
    excludes a token.
    """

    start_token: str = ""
    account_ids: AbstractSet[str] = frozenset()
    with_state: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """Limits of watches.

    `silent_seconds` is how long a watch is without a checkpoint at most. Of the store, at most `reads` pages of `page_commits`
    are read at a time, and those that are being sent have `page_bytes`. There are at most `states` lists of the initial
    state; one may be taken from its readers after `state_seconds`.
    """

    silent_seconds: float = 4.0
    reads: int = 8
    page_commits: int = 50
    page_bytes: int = 32 * 1024 * 1024
    states: int = 8
    state_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class RoleFound:
    """A role of the initial state."""

    role: Role


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A write changed a role. `role` is the role after the write, or, when it was deleted, before it."""

    revision: Revision
    kind: ChangeKind
    role: Role


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Every change up to `revision`, and none after it, has been sent.

    `staleness` is an upper bound of the age of the state of that revision, `stream_age` the time since the stream was opened,
    both in microseconds and at the same time. Two checkpoints of a revision are equal whenever they were made.
    """

    revision: Revision
    staleness: int = field(compare=False)
    stream_age: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class ResyncRequired:
    """The watch cannot continue: the client has to read the initial state again. The reason is a sentence."""

    reason: str


UNKNOWN_AGE = 100 * 365 * 86_400 * 1_000_000
"""The staleness of a state whose age is not known: a hundred years, in microseconds, is a duration in every language."""

WatchEvent: TypeAlias = RoleFound | RoleChanged | Checkpoint | ResyncRequired
