"""What the roles are at every revision, by the writes that were acknowledged."""

from __future__ import annotations

import json
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rolecall_client.v1 import role_pb2 as r
from tests.soak.evaluator import boundaries

KEPT_REVISIONS = 20_000
"""How many revisions can be asked about: a run of hours stays within its memory."""

KEPT_CHANGES = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A role as it was written; `edges` are the instants at which its policy may decide otherwise."""

    role_id: str
    name: str
    account: str
    text: str
    document: Any
    edges: tuple[int, ...]
    tags: Mapping[str, str]
    duration: int
    description: str
    revision: int

    @property
    def arn(self) -> str:
        """Return the ARN of the role."""
        return f"acs:ram::{self.account}:role/{self.name}"

    @property
    def key(self) -> str:
        """Return the name under which the role is found."""
        return key_of(self.account, self.name)


def key_of(account: str, name: str) -> str:
    """Return the key of a role: names compare without regard to case."""
    return f"{account}/{name.lower()}"


def key_of_text(text: str) -> str:
    """Return the key of the role that a question names, by ARN or as `ACCOUNT/NAME`."""
    head, _, name = text.partition("/")
    return key_of(head.split(":")[3] if ":" in head else head, name)


def stored_of(role: r.Role) -> Stored:
    """Return the role that a message shows."""
    document = json.loads(role.assume_role_policy_document)
    return Stored(
        role_id=role.role_id,
        name=role.role_name,
        account=role.account_id,
        text=role.assume_role_policy_document,
        document=document,
        edges=tuple(boundaries(document)),
        tags=dict(role.tags),
        duration=role.max_session_duration_seconds,
        description=role.description,
        revision=role.revision,
    )


def microseconds() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1_000


class Model:
    """The roles by key and revision; `revision` is the newest, and `token` names it to any server of the store."""

    def __init__(self) -> None:
        self.revision, self.token = 0, ""
        self._histories: dict[str, list[tuple[int, Stored | None]]] = {}
        self._changes: list[tuple[int, str]] = []
        self._acknowledged: list[tuple[int, int]] = []
        self._ids = set[str]()

    @property
    def oldest(self) -> int:
        """Return the oldest revision that can be asked about."""
        return max(0, self.revision - KEPT_REVISIONS)

    def record(self, revision: int, changes: Mapping[str, Stored | None], token: str) -> None:
        """Add the changes of one write, which has just been acknowledged; None: the role was deleted."""
        self.revision, self.token = revision, token
        self._acknowledged.append((microseconds(), revision))
        for key, stored in changes.items():
            history = self._histories.setdefault(key, [])
            history.append((revision, stored))
            self._changes.append((revision, key))
            while len(history) > 1 and history[1][0] <= self.oldest:
                del history[0]

    def at(self, key: str, revision: int) -> Stored | None:
        """Return a role as it was at a revision; None: there was none."""
        history = self._histories.get(key, [])
        place = bisect_right(history, revision, key=lambda entry: entry[0])
        return history[place - 1][1] if place else None

    def now(self, key: str) -> Stored | None:
        """Return a role as it is."""
        return self.at(key, self.revision)

    def acknowledged_before(self, time: int) -> int:
        """Return the newest revision that was acknowledged before a time, in microseconds; 0 if none is remembered."""
        place = bisect_left(self._acknowledged, time, key=lambda entry: entry[0])
        return self._acknowledged[place - 1][1] if place else 0

    def between(self, key: str, first: int, last: int) -> Iterator[Stored | None]:
        """Yield each state of a role from one revision to another, both included."""
        yield self.at(key, first)
        for revision, stored in self._histories.get(key, []):
            if first < revision <= last:
                yield stored

    def present(self) -> list[Stored]:
        """Return every role that there is."""
        return [stored for history in self._histories.values() if (stored := history[-1][1]) is not None]

    def changes_after(self, revision: int) -> list[tuple[int, str]]:
        """Return the revision and the key of every change after a revision, in order."""
        return self._changes[bisect_right(self._changes, revision, key=lambda change: change[0]) :]

    def forget_old_changes(self) -> None:
        """Forget changes that no watch can still send: the initial state of a watch is at most a thousand changes old."""
        del self._changes[:-KEPT_CHANGES]
        del self._acknowledged[:-KEPT_CHANGES]

    def is_new(self, role_id: str) -> bool:
        """Return whether no role before had this id."""
        if role_id in self._ids:
            return False
        self._ids.add(role_id)
        return True
