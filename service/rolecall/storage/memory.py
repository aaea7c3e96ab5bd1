"""The reference adapter: roles in dictionaries, for tests and for trials. Everything is lost when the process ends.

Any thread may call any method. One lock serializes all calls: a write holds it from beginning to end.
"""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rolecall.roles.canonical_json import change_bytes, commit_hash, header_bytes
from rolecall.roles.change import Author, Commit, LoggedChange, LogPosition, LogSpan, RoleRevision
from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import RevisionNotKeptError, StoreUnavailableError
from rolecall.roles.repository import Examined, Floor, Head, Transaction
from rolecall.roles.role import Revision, Role
from rolecall.storage.as_of import require_stored, version_as_of
from rolecall.storage.memory_transaction import MemoryState, MemoryTransaction, RememberedAt, has_tags, last_deleted

T = TypeVar("T")


class MemoryRoleRepository:
    """Stores roles in this process only."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._token_key = secrets.token_bytes(32)
        self._incarnation = str(uuid.uuid4())
        self._state = MemoryState()
        self._closed = False

    @property
    def token_key(self) -> bytes:
        """Return the key that authenticates tokens."""
        return self._token_key

    @property
    def exclusive(self) -> bool:
        """Return True: only this process can write."""
        return True

    def head(self) -> Head:
        """Return the newest revision of the store and its history."""
        with self._open():
            newest = self._state.newest
            return Head(
                incarnation=self._incarnation,
                revision=newest.revision,
                hash=newest.hash,
                digest=self._state.digest.value,
            )

    def floor(self) -> Floor:
        """Return the newest pruned revision and its hash."""
        with self._open():
            return self._state.floor

    def transact(self, author: Author, work: Callable[[Transaction], T]) -> tuple[T, Commit | None]:
        """Run `work` in a write transaction; apply its changes if it returns."""
        with self._open():
            transaction = MemoryTransaction(self._state, author.time)
            result = work(transaction)
            return result, self._apply(author, transaction)

    def load(self, digest: StateDigest | None = None) -> Iterator[Role]:
        """Yield every role, and add each to `digest`."""
        with self._open():
            roles = list(self._state.roles.values())
        for role in roles:
            if digest is not None:
                digest.add(role)
            yield role

    def size(self) -> int:
        """Return how many roles there are."""
        with self._open():
            return len(self._state.roles)

    def examine(self, keys: Sequence[str]) -> Examined:
        """Return some roles and the head."""
        with self._open():
            roles = self._state.roles
            return Examined(self.head(), {key: roles[key] for key in keys if key in roles})

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
            of_role = [
                (commit, change)
                for commit in self._state.commits
                for change in commit.changes
                if change.role.key == key
            ]
            return version_as_of(
                revision,
                floor=self._state.floor.revision,
                last=lambda: next(
                    (change for commit, change in reversed(of_role) if commit.revision <= revision), None
                ),
                newest=lambda: self._state.roles.get(key),
                following=lambda: next((change for commit, change in of_role if commit.revision > revision), None),
            )

    def list_roles(
        self, account_id: str, *, after: str, name_prefix: str, tags: Mapping[str, str], limit: int
    ) -> list[Role]:
        """Return roles of an account in order of their keys."""
        with self._open():
            prefix = f"{account_id}/{name_prefix}"
            keys = sorted(key for key in self._state.roles if key.startswith(prefix) and key > after)
            return [role for role in map(self._state.roles.__getitem__, keys) if has_tags(role, tags)][:limit]

    def history(self, role_id: str, *, before: Revision | None, limit: int) -> list[RoleRevision]:
        """Return the stored revisions of a role, the newest first."""
        with self._open():
            found = [
                RoleRevision(revision=commit.revision, author=commit.author, change=change)
                for commit in reversed(self._state.commits)
                if before is None or commit.revision < before
                for change in commit.changes
                if change.role.role_id == role_id
            ]
            return found[:limit]

    def deleted_role(self, key: str, role_id: str) -> Role | None:
        """Return the last state of a deleted role."""
        with self._open():
            return last_deleted(self._state, key, role_id)

    def changes(self, span: LogSpan, *, key: str, limit: int) -> list[LoggedChange]:
        """Return changes of a span of the log."""
        with self._open():
            require_stored(span, self._state.floor.revision)
            found = [
                LoggedChange(LogPosition(commit.revision, ordinal), commit.author, change)
                for commit in self._state.commits
                for ordinal, change in enumerate(commit.changes)
                if span.after < (commit.revision, ordinal) < span.before and key in ("", change.role.key)
            ]
            return (found[::-1] if span.newest_first else found)[:limit]

    def prune(self, *, keep_after: int, keep_revisions: int, forget_requests_before: int) -> int:
        """Delete the oldest commits, and old outcomes of requests."""
        with self._open():
            requests = self._state.requests
            for request in [key for key, found in requests.items() if found.time < forget_requests_before]:
                del requests[request]
            newest_to_prune = self._state.newest.revision - keep_revisions
            pruned = 0
            for commit in self._state.commits:
                if commit.author.time >= keep_after or commit.revision > newest_to_prune:
                    break
                self._state.floor = Floor(revision=commit.revision, hash=commit.hash)
                pruned += 1
            del self._state.commits[:pruned]
            return pruned

    def try_write(self) -> None:
        """Raise `StoreUnavailableError` if the store is closed."""
        with self._open():
            pass

    def rename_history(self, expected: str) -> Head:
        """Give the history a new incarnation if it still has the expected one."""
        with self._open():
            if self._incarnation == expected:
                self._incarnation = str(uuid.uuid4())
            return self.head()

    def notifications(self) -> None:
        """Return None: no other server writes."""
        return

    def close(self) -> None:
        """Accept no new call, and return after the write in progress."""
        self._closed = True
        with self._lock:
            return

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise StoreUnavailableError("the store is closed")
            yield

    def _apply(self, author: Author, transaction: MemoryTransaction) -> Commit | None:
        for request, remembered in transaction.remembered.items():
            self._state.requests[request] = RememberedAt(remembered, author.time)
        if not transaction.changed:
            return None
        commit = self._committed(author, transaction)
        for key, role in transaction.put_roles.items():
            before = self._state.roles.pop(key, None)
            if before is not None:
                self._state.digest.remove(before)
            if role is not None:
                self._state.roles[key] = role
                self._state.digest.add(role)
        self._state.next_role_id = transaction.next_role_id
        self._state.commits.append(commit)
        return commit

    def _committed(self, author: Author, transaction: MemoryTransaction) -> Commit:
        previous, header = self._state.newest.hash, header_bytes(transaction.revision, author)
        return Commit(
            revision=transaction.revision,
            author=author,
            changes=tuple(transaction.changes),
            hash=commit_hash(previous, header, map(change_bytes, transaction.changes)),
            previous_hash=previous,
        )
