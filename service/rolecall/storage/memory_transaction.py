"""The state of a store in memory, and one write transaction on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rolecall.roles.canonical_json import FIRST_HASH
from rolecall.roles.change import Change, ChangeKind, Commit
from rolecall.roles.digest import StateDigest
from rolecall.roles.repository import Floor, Remembered
from rolecall.roles.role import Micros, Revision, Role

FIRST_ROLE_ID = 300_000_000_000_000_001
"""The lowest id of a role. A new role has at least this plus the time in microseconds (`role_id_at`)."""

FIRST_FLOOR = Floor(revision=Revision(0), hash=FIRST_HASH)


@dataclass(slots=True)
class RememberedAt:
    """The outcome of a request, and when it was remembered (microseconds)."""

    remembered: Remembered
    time: Micros


@dataclass(slots=True)
class MemoryState:
    """The content of a store."""

    roles: dict[str, Role] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    floor: Floor = FIRST_FLOOR
    requests: dict[tuple[str, str], RememberedAt] = field(default_factory=dict)
    next_role_id: int = FIRST_ROLE_ID
    digest: StateDigest = field(default_factory=StateDigest)

    @property
    def newest(self) -> Commit | Floor:
        """Return the newest commit, or the floor if there is none: both have a revision and a hash."""
        return self.commits[-1] if self.commits else self.floor


class MemoryTransaction:
    """One write transaction: its changes overlay the state until the repository applies them."""

    def __init__(self, state: MemoryState, time: Micros) -> None:
        self._state, self._time = state, time
        self._revision = Revision(state.newest.revision + 1)
        self.next_role_id = state.next_role_id
        self.put_roles: dict[str, Role | None] = {}
        self.changes: list[Change] = []
        self.remembered: dict[tuple[str, str], Remembered] = {}

    @property
    def revision(self) -> Revision:
        """Return the revision that this write will have."""
        return self._revision

    @property
    def changed(self) -> bool:
        """Return whether anything was put or deleted."""
        return bool(self.changes)

    def floor(self) -> Floor:
        """Return the newest pruned revision and its hash."""
        return self._state.floor

    def role(self, key: str) -> Role | None:
        """Return the newest version of a role."""
        return self.put_roles[key] if key in self.put_roles else self._state.roles.get(key)

    def roles(self, keys: Iterable[str]) -> Mapping[str, Role]:
        """Return the newest versions of many roles."""
        found = ((key, self.role(key)) for key in keys)
        return {key: role for key, role in found if role is not None}

    def count(self, account_id: str) -> int:
        """Return how many roles an account has."""
        return sum(role.account_id == account_id for role in self._all())

    def tagged(self, tags: Mapping[str, str]) -> Iterable[Role]:
        """Return every role with all of the tags."""
        return sorted((role for role in self._all() if has_tags(role, tags)), key=lambda role: role.key)

    def role_at(self, role_id: str, revision: Revision) -> Role | None:
        """Return the role as the write of a revision left it."""
        for change in self._changes_at(revision):
            if change.role.role_id == role_id and change.kind is not ChangeKind.DELETED:
                return change.role
        return None

    def require_unaltered(self, revision: Revision) -> None:
        """Do nothing: nobody else writes to this memory."""

    def deleted_role(self, key: str, role_id: str) -> Role | None:
        """Return the last state of a deleted role."""
        return last_deleted(self._state, key, role_id)

    def new_role_id(self) -> str:
        """Return an id that no role of this store has ever had, nor one of a store that it was copied from."""
        role_id = role_id_at(self._time, self.next_role_id)
        self.next_role_id = role_id + 1
        return str(role_id)

    def put(self, kind: ChangeKind, role: Role) -> None:
        """Store the newest version of a role."""
        self.put_roles[role.key] = role
        self.changes.append(Change(kind, role))

    def delete(self, role: Role) -> None:
        """Delete a role."""
        self.put_roles[role.key] = None
        self.changes.append(Change(ChangeKind.DELETED, role))

    def recall(self, scope: str, request_id: str) -> Remembered | None:
        """Return the remembered outcome of a request."""
        request = scope, request_id
        if request in self.remembered:
            return self.remembered[request]
        found = self._state.requests.get(request)
        return found.remembered if found else None

    def remember(self, scope: str, request_id: str, remembered: Remembered) -> None:
        """Remember the outcome of a request."""
        self.remembered[scope, request_id] = remembered

    def _all(self) -> list[Role]:
        return [role for role in (self._state.roles | self.put_roles).values() if role is not None]

    def _changes_at(self, revision: Revision) -> Iterable[Change]:
        if revision == self._revision:
            return self.changes
        index = revision - self._state.floor.revision - 1
        return self._state.commits[index].changes if 0 <= index < len(self._state.commits) else ()


def role_id_at(time: Micros, unused: int) -> int:
    """Return the id of a role that is created at `time` (microseconds), in a store that has given no id from `unused` on."""
    # A store that was restored does not know the ids that were given after its backup. They are all lower than the time: a write
    # takes more than a microsecond for each role.
    return max(unused, FIRST_ROLE_ID + time)


def last_deleted(state: MemoryState, key: str, role_id: str) -> Role | None:
    """Return the last state of the role of a key, and with a `role_id` of that one, at its newest deletion."""
    deleted = (
        change.role
        for commit in reversed(state.commits)
        for change in reversed(commit.changes)
        if change.kind is ChangeKind.DELETED and change.role.key == key and role_id in ("", change.role.role_id)
    )
    return next(deleted, None)


def has_tags(role: Role, tags: Mapping[str, str]) -> bool:
    """Return whether a role has all of the tags."""
    return tags.items() <= role.tags.items()
