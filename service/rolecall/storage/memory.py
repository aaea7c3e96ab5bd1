"""The reference adapter: roles in a dict, for tests and for trying things out. It forgets everything when it is closed.

Any thread may call any method. One lock serves all: a write holds it from beginning to end.
"""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from rolecall.roles.canonical_json import FIRST_HASH, change_bytes, commit_hash, header_bytes
from rolecall.roles.change import Author, Change, ChangeKind, Commit, RoleRevision
from rolecall.roles.errors import RevisionNotKeptError, StoreUnavailableError
from rolecall.roles.repository import Examined, Floor, Head, Remembered, Transaction
from rolecall.roles.role import Micros, Revision, Role
from rolecall.storage.as_of import version_as_of

T = TypeVar("T")

FIRST_ROLE_ID = 300_000_000_000_000_001
FIRST_FLOOR = Floor(revision=Revision(0), hash=FIRST_HASH)


@dataclass(slots=True)
class _Noted:
    remembered: Remembered
    time: Micros


@dataclass(slots=True)
class _State:
    """All that is kept."""

    roles: dict[str, Role] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    floor: Floor = FIRST_FLOOR
    requests: dict[tuple[str, str], _Noted] = field(default_factory=dict)
    next_role_id: int = FIRST_ROLE_ID

    @property
    def newest(self) -> Commit | Floor:
        """Return what has the newest revision and its hash."""
        return self.commits[-1] if self.commits else self.floor


class MemoryRoleRepository:
    """Keeps roles in this process only."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._token_key = secrets.token_bytes(32)
        self._incarnation = str(uuid.uuid4())
        self._state = _State()
        self._closed = False

    @property
    def token_key(self) -> bytes:
        """Return the key that authenticates tokens."""
        return self._token_key

    @property
    def exclusive(self) -> bool:
        """Tell that nobody else can write to it: it is in this process."""
        return True

    def head(self) -> Head:
        """Return where the store stands."""
        with self._open():
            newest = self._state.newest
            return Head(incarnation=self._incarnation, revision=newest.revision, hash=newest.hash)

    def floor(self) -> Floor:
        """Return where the kept history begins."""
        with self._open():
            return self._state.floor

    def transact(self, author: Author, work: Callable[[Transaction], T]) -> tuple[T, Commit | None]:
        """Run `work` alone; keep what it did if it returns."""
        with self._open():
            transaction = _MemoryTransaction(self._state)
            result = work(transaction)
            return result, self._keep(author, transaction)

    def load(self) -> Iterator[Role]:
        """Yield every role."""
        with self._open():
            roles = list(self._state.roles.values())
        yield from roles

    def size(self) -> int:
        """Return how many roles there are."""
        with self._open():
            return len(self._state.roles)

    def examine(self, keys: Sequence[str]) -> Examined:
        """Return some roles and the head."""
        with self._open():
            kept = self._state.roles
            return Examined(self.head(), {key: kept[key] for key in keys if key in kept})

    def census(self) -> tuple[Head, int]:
        """Return the head and the number of roles."""
        with self._open():
            return self.head(), len(self._state.roles)

    def commits(self, *, after: Revision, limit: int) -> list[Commit]:
        """Return the next commits after a revision."""
        with self._open():
            begin = self._state.floor.revision
            if after < begin:
                message = f"the commits after revision {after} are not all kept: history begins after {begin}"
                raise RevisionNotKeptError(after, floor=begin, message=message)
            return self._state.commits[after - begin : after - begin + limit]

    def role(self, key: str) -> Role | None:
        """Return the newest version of a role."""
        with self._open():
            return self._state.roles.get(key)

    def role_as_of(self, key: str, revision: Revision) -> Role | None:
        """Return a role as it was at a revision."""
        with self._open():
            kept = [
                (commit, change)
                for commit in self._state.commits
                for change in commit.changes
                if change.role.key == key
            ]
            return version_as_of(
                revision,
                floor=self._state.floor.revision,
                last=lambda: next((change for commit, change in reversed(kept) if commit.revision <= revision), None),
                newest=lambda: self._state.roles.get(key),
                following=lambda: next((change for commit, change in kept if commit.revision > revision), None),
            )

    def list_roles(
        self, account_id: str, *, after: str, name_prefix: str, tags: Mapping[str, str], limit: int
    ) -> list[Role]:
        """Return roles of an account in order of their keys."""
        with self._open():
            beginning = f"{account_id}/{name_prefix}"
            keys = sorted(key for key in self._state.roles if key.startswith(beginning) and key > after)
            return [role for role in map(self._state.roles.__getitem__, keys) if _carries(role, tags)][:limit]

    def history(self, role_id: str, *, before: Revision | None, limit: int) -> list[RoleRevision]:
        """Return the kept revisions of a role, the newest first."""
        with self._open():
            found = [
                RoleRevision(revision=commit.revision, author=commit.author, change=change)
                for commit in reversed(self._state.commits)
                if before is None or commit.revision < before
                for change in commit.changes
                if change.role.role_id == role_id
            ]
            return found[:limit]

    def prune(self, *, keep_after: int, keep_revisions: int, forget_requests_before: int) -> int:
        """Forget the oldest commits, and old outcomes."""
        with self._open():
            requests = self._state.requests
            for at in [at for at, noted in requests.items() if noted.time < forget_requests_before]:
                del requests[at]
            newest_to_go = self._state.newest.revision - keep_revisions
            forgotten = 0
            for commit in self._state.commits:
                if commit.author.time >= keep_after or commit.revision > newest_to_go:
                    break
                self._state.floor = Floor(revision=commit.revision, hash=commit.hash)
                forgotten += 1
            del self._state.commits[:forgotten]
            return forgotten

    def rename_history(self, expected: str) -> Head:
        """Give the history a new incarnation if it has still the expected one."""
        with self._open():
            if self._incarnation == expected:
                self._incarnation = str(uuid.uuid4())
            return self.head()

    def notifications(self) -> None:
        """Return nothing: nobody else writes to it."""
        return

    def close(self) -> None:
        """Let nothing more begin, and return after the write that is under way."""
        self._closed = True
        with self._lock:
            return

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise StoreUnavailableError("the store is closed")
            yield

    def _keep(self, author: Author, transaction: _MemoryTransaction) -> Commit | None:
        for at, remembered in transaction.remembered.items():
            self._state.requests[at] = _Noted(remembered, author.time)
        if not transaction.changed:
            return None
        commit = self._committed(author, transaction)
        for key, role in transaction.put_roles.items():
            if role is None:
                self._state.roles.pop(key, None)
            else:
                self._state.roles[key] = role
        self._state.next_role_id = transaction.next_role_id
        self._state.commits.append(commit)
        return commit

    def _committed(self, author: Author, transaction: _MemoryTransaction) -> Commit:
        previous, header = self._state.newest.hash, header_bytes(transaction.revision, author)
        return Commit(
            revision=transaction.revision,
            author=author,
            changes=tuple(transaction.changes),
            hash=commit_hash(previous, header, map(change_bytes, transaction.changes)),
            previous_hash=previous,
        )


class _MemoryTransaction:
    """A write at work: what it puts lies over what is kept."""

    def __init__(self, state: _State) -> None:
        self._state = state
        self._revision = Revision(state.newest.revision + 1)
        self.next_role_id = state.next_role_id
        self.put_roles: dict[str, Role | None] = {}
        self.changes: list[Change] = []
        self.remembered: dict[tuple[str, str], Remembered] = {}

    @property
    def revision(self) -> Revision:
        return self._revision

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    def floor(self) -> Floor:
        return self._state.floor

    def role(self, key: str) -> Role | None:
        return self.put_roles[key] if key in self.put_roles else self._state.roles.get(key)

    def roles(self, keys: Iterable[str]) -> Mapping[str, Role]:
        found = ((key, self.role(key)) for key in keys)
        return {key: role for key, role in found if role is not None}

    def count(self, account_id: str) -> int:
        return sum(role.account_id == account_id for role in self._all())

    def tagged(self, tags: Mapping[str, str]) -> Iterable[Role]:
        return sorted((role for role in self._all() if _carries(role, tags)), key=lambda role: role.key)

    def role_at(self, role_id: str, revision: Revision) -> Role | None:
        for change in self._changes_at(revision):
            if change.role.role_id == role_id and change.kind is not ChangeKind.DELETED:
                return change.role
        return None

    def new_role_id(self) -> str:
        self.next_role_id += 1
        return str(self.next_role_id - 1)

    def put(self, kind: ChangeKind, role: Role) -> None:
        self.put_roles[role.key] = role
        self.changes.append(Change(kind, role))

    def delete(self, role: Role) -> None:
        self.put_roles[role.key] = None
        self.changes.append(Change(ChangeKind.DELETED, role))

    def recall(self, scope: str, request_id: str) -> Remembered | None:
        at = scope, request_id
        if at in self.remembered:
            return self.remembered[at]
        noted = self._state.requests.get(at)
        return noted.remembered if noted else None

    def remember(self, scope: str, request_id: str, remembered: Remembered) -> None:
        self.remembered[scope, request_id] = remembered

    def _all(self) -> list[Role]:
        return [role for role in (self._state.roles | self.put_roles).values() if role is not None]

    def _changes_at(self, revision: Revision) -> Iterable[Change]:
        if revision == self._revision:
            return self.changes
        index = revision - self._state.floor.revision - 1
        return self._state.commits[index].changes if 0 <= index < len(self._state.commits) else ()


def _carries(role: Role, tags: Mapping[str, str]) -> bool:
    return tags.items() <= role.tags.items()
