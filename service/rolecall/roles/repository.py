"""The port of the store of roles. Its docstrings are a contract, and `tests/storage/contract.py` tests each sentence.

The store has one counter: a write takes the next revision first and excludes other writes until it has committed, so committed
revisions are exactly 1..head. Methods block; callers run them on a worker thread. Every method may raise
`StoreUnavailableError`, and then nothing has changed. Only when a connection breaks during a commit it is unknown whether the
write is committed; a retry with the same request id gives the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rolecall.roles.change import Author, ChangeKind, Commit, LoggedChange, LogSpan, RoleRevision
from rolecall.roles.digest import StateDigest
from rolecall.roles.role import Revision, Role

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest commit of a store: the name of its history, its revision and its hash, and the digest of the roles at it."""

    incarnation: str
    revision: Revision
    hash: bytes
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Where the stored history begins: the newest pruned revision and its hash. Revision 0 when nothing was pruned."""

    revision: Revision
    hash: bytes


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is stored of a request id: the fingerprint of its body, and the outcome of its write."""

    fingerprint: bytes
    outcome: bytes


@dataclass(frozen=True, slots=True)
class Examined:
    """The result of one consistent read: the head, and the existing roles of the requested keys, by key."""

    head: Head
    roles: Mapping[str, Role]


class Notifications(Protocol):
    """Notifications of commits. They may be late, repeated or missing: polling does not rely on them."""

    def wait(self, seconds: float) -> bool:
        """Return True as soon as there is a notification since the last call, False after that time; reconnect if necessary.

        Never raises: while there is no connection there are no notifications.
        """
        ...

    def close(self) -> None:
        """Close the connection; blocks until a running `wait` has ended, which is soon. May be called from another thread."""
        ...


class Transaction(Protocol):
    """A running write, which excludes all others. What it reads includes what it has put."""

    @property
    def revision(self) -> Revision:
        """Return the revision that this write will have."""
        ...

    @property
    def changed(self) -> bool:
        """Return whether this write has put or deleted anything."""
        ...

    def floor(self) -> Floor:
        """Return where the stored history begins."""
        ...

    def role(self, key: str) -> Role | None:
        """Return the newest version of the role of that key (`RoleRef.key`)."""
        ...

    def roles(self, keys: Iterable[str]) -> Mapping[str, Role]:
        """Return the newest versions of those of the keys that have a role, by key: one read for many."""
        ...

    def count(self, account_id: str) -> int:
        """Return how many roles the account has."""
        ...

    def tagged(self, tags: Mapping[str, str]) -> Iterable[Role]:
        """Return every role of every account that carries all of `tags`, in order of their keys."""
        ...

    def role_at(self, role_id: str, revision: Revision) -> Role | None:
        """Return the role as the write of `revision` left it, or None if that write did not change it or is not stored."""
        ...

    def require_unaltered(self, revision: Revision) -> None:
        """Raise `BrokenHistoryError` if the write of `revision`, which is stored, is not as its hash says."""
        ...

    def deleted_role(self, key: str, role_id: str) -> Role | None:
        """Return the last state of the role of that key that was deleted last, or with a `role_id` (not empty) of that one.

        None if no deletion of such a role is stored. The role may exist again. Raise `BrokenHistoryError` if the bytes of the
        deletion do not match the hash of its commit.
        """
        ...

    def new_role_id(self) -> str:
        """Return decimal text that no role of this store has had or will have.

        It grows with the time of the write, so that a copy of the store, such as a restored backup, does not repeat it later.
        """
        ...

    def put(self, kind: ChangeKind, role: Role) -> None:
        """Store `role` as the newest version of its key; `kind` is CREATED or UPDATED. A role is put at most once in a write."""
        ...

    def delete(self, role: Role) -> None:
        """Delete the role of that key; its history stays."""
        ...

    def recall(self, scope: str, request_id: str) -> Remembered | None:
        """Return what was remembered of a request id in a scope, None if nothing is stored."""
        ...

    def remember(self, scope: str, request_id: str, remembered: Remembered) -> None:
        """Store an outcome for at least 24 hours. It is stored if and only if the write commits."""
        ...


class RoleRepository(Protocol):
    """Stores the newest version of every role, the log of changes, and the outcomes of requests."""

    @property
    def token_key(self) -> bytes:
        """Return the key that authenticates tokens: 32 bytes, created with the store, the same for every process."""
        ...

    @property
    def exclusive(self) -> bool:
        """Return whether no other process can write to this store while it is open here."""
        ...

    def head(self) -> Head:
        """Return the head of the store."""
        ...

    def floor(self) -> Floor:
        """Return where the stored history begins."""
        ...

    def transact(self, author: Author, work: Callable[[Transaction], T]) -> tuple[T, Commit | None]:
        """Run `work` in a transaction of its own and commit it; return its result and the commit.

        When `work` puts and deletes nothing there is no revision and no commit, but what it remembered is stored. When it
        raises, nothing is stored and the error is raised to the caller. When this returns, the write survives a crash.
        """
        ...

    def load(self, digest: StateDigest | None = None) -> Iterator[Role]:
        """Yield every role, in no order, in short reads that do not block writers; add each to `digest` as it is stored.

        Roles that change meanwhile are returned in the older or the newer version. Read `head()` before, and apply
        `commits(after=head.revision)` afterwards: since changes are whole versions, the state is then exact. Raise
        `AlteredRolesError` for a role that cannot be read, or if the log does not end with the head.
        """
        ...

    def size(self) -> int:
        """Return the number of roles, without reading each."""
        ...

    def examine(self, keys: Sequence[str]) -> Examined:
        """Return the newest versions of those of `keys` (at most 1,000) that have a role, and the head, as of one moment."""
        ...

    def census(self) -> tuple[Head, int]:
        """Return the head and the number of roles, as of one moment, counting each."""
        ...

    def commits(self, *, after: Revision, limit: int) -> list[Commit]:
        """Return the next commits after a revision, in order: at most `limit`, and fewer when they are large.

        Raise `RevisionNotKeptError` when `after` is below the floor, `BrokenHistoryError` when a commit is missing or its
        bytes do not match its hash.
        """
        ...

    def role(self, key: str) -> Role | None:
        """Return the newest version of the role of that key (`RoleRef.key`)."""
        ...

    def role_as_of(self, key: str, revision: Revision) -> Role | None:
        """Return the role of that key as it was when `revision` was the head, None if there was none; deleted ones are found too.

        `revision` is not above the head. Raise `RevisionNotKeptError` when it is below the floor, or when the version of that
        time has been pruned.
        """
        ...

    def list_roles(
        self, account_id: str, *, after: str, name_prefix: str, tags: Mapping[str, str], limit: int
    ) -> list[Role]:
        """Return at most `limit` roles of an account in order of their keys, beginning after the key `after` (or empty).

        Only those whose lower-case name begins with `name_prefix` (given in lower case) and which carry all of `tags`.
        """
        ...

    def history(self, role_id: str, *, before: Revision | None, limit: int) -> list[RoleRevision]:
        """Return the stored revisions of a role below `before`, the newest first, at most `limit`."""
        ...

    def deleted_role(self, key: str, role_id: str) -> Role | None:
        """Return the last state of a deleted role, as a transaction does."""
        ...

    def changes(self, span: LogSpan, *, key: str, limit: int) -> list[LoggedChange]:
        """Return at most `limit` changes of a span of the log in its order; with a `key` (not empty) those of the role of that key.

        Raise `RevisionNotKeptError` when the span begins below the floor.
        """
        ...

    def prune(self, *, keep_after: int, keep_revisions: int, forget_requests_before: int) -> int:
        """Delete commits that are both older than `keep_after` (microseconds) and not among the newest `keep_revisions`.

        The oldest commits are deleted without gaps, and the floor moves to the last of them. The newest versions of roles are
        never changed. Outcomes stored before `forget_requests_before` (microseconds) are deleted too. Return the number of
        deleted commits.
        """
        ...

    def try_write(self) -> None:
        """Write without changing anything, to find out whether the store can write; raise `StoreUnavailableError` if not."""
        ...

    def rename_history(self, expected: str) -> Head:
        """Give the history a new incarnation if it still has the expected one; return the head in both cases.

        A follower does this when the store has lost commits: tokens of the lost history must not be accepted.
        """
        ...

    def notifications(self) -> Notifications | None:
        """Return the notifications of commits by other processes, None where the store does not support them."""
        ...

    def close(self) -> None:
        """Close files and connections after the running write; blocks, but not for long on a database that does not respond.

        Every later call raises `StoreUnavailableError`. May be called from another thread, and more than once.
        """
        ...
