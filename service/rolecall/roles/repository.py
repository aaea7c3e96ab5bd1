"""The port behind which roles are kept. Its docstrings are a contract, and `tests/storage/contract.py` tests each sentence.

The store has one counter: a write takes the next revision first and then works alone until it has committed, so committed
revisions are exactly 1..head. Methods block; callers run them on a worker thread. Every method may raise
`StoreUnavailableError`, and then nothing has changed; only a connection that breaks during a commit leaves open whether it
was done, which a repeat with the same request id tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rolecall.roles.change import Author, ChangeKind, Commit, RoleRevision
from rolecall.roles.role import Revision, Role

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a store stands: which history it is, and how far it has come."""

    incarnation: str
    revision: Revision
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Where the kept history begins: the newest revision that was forgotten, and its hash. Revision 0 when nothing was."""

    revision: Revision
    hash: bytes


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a request id: a digest of the body it came with, and the outcome it had."""

    fingerprint: bytes
    outcome: bytes


@dataclass(frozen=True, slots=True)
class Examined:
    """What one read found: where the store stood, and those of the asked-for roles that it had then, by key."""

    head: Head
    roles: Mapping[str, Role]


class Notifications(Protocol):
    """Word from the store that something was committed. It may be late, come twice, or not at all: polling does not rely on it."""

    def wait(self, seconds: float) -> bool:
        """Return True as soon as word has come since the last call, False after that time; connect anew when it must.

        Never raises: while there is no connection no word comes.
        """
        ...

    def close(self) -> None:
        """Let go of the connection; blocks until a `wait` under way has ended, which is soon. May be called from another thread."""
        ...


class Transaction(Protocol):
    """One write at work, alone. What it reads includes what it has put."""

    @property
    def revision(self) -> Revision:
        """Return the revision that this write will have."""
        ...

    @property
    def changed(self) -> bool:
        """Tell whether this write has put or deleted anything."""
        ...

    def floor(self) -> Floor:
        """Return where the kept history begins."""
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
        """Return the role as the write of `revision` left it, or None if that write did not touch it or is not kept."""
        ...

    def new_role_id(self) -> str:
        """Return decimal text that no role of this store has had, nor will have again."""
        ...

    def put(self, kind: ChangeKind, role: Role) -> None:
        """Keep `role` as the newest version of its key; `kind` is CREATED or UPDATED. A role is put at most once in a write."""
        ...

    def delete(self, role: Role) -> None:
        """Forget the role of that key; its history is kept."""
        ...

    def recall(self, scope: str, request_id: str) -> Remembered | None:
        """Return what was remembered of a request id in a scope, if it is still kept."""
        ...

    def remember(self, scope: str, request_id: str, remembered: Remembered) -> None:
        """Remember an outcome for at least 24 hours. It is kept if and only if the write commits."""
        ...


class RoleRepository(Protocol):
    """Keeps the newest version of every role, the log of changes, and the outcomes of requests."""

    @property
    def token_key(self) -> bytes:
        """Return the key that authenticates tokens: 32 bytes, made with the store, the same for all who open it."""
        ...

    @property
    def exclusive(self) -> bool:
        """Tell whether nobody else can write to this store while it is open here."""
        ...

    def head(self) -> Head:
        """Return where the store stands."""
        ...

    def floor(self) -> Floor:
        """Return where the kept history begins."""
        ...

    def transact(self, author: Author, work: Callable[[Transaction], T]) -> tuple[T, Commit | None]:
        """Run `work` in a transaction of its own and commit it; return its result and the commit.

        When `work` puts and deletes nothing there is no revision and no commit, but what it remembered is kept. When it
        raises, nothing is kept and the error goes on to the caller. When this returns, the write survives a crash.
        """
        ...

    def load(self) -> Iterator[Role]:
        """Yield every role, in no order, in short reads that keep no writer waiting.

        Roles that change meanwhile come in the older or the newer version, or twice. Take `head()` before, and apply
        `commits(after=head.revision)` afterwards: since changes are whole versions, the state is then exact.
        """
        ...

    def size(self) -> int:
        """Return how many roles there are, without looking at each."""
        ...

    def examine(self, keys: Sequence[str]) -> Examined:
        """Return the newest versions of those of `keys` (at most 1,000) that have a role, and the head, as of one moment."""
        ...

    def census(self) -> tuple[Head, int]:
        """Return the head and how many roles there are, as of one moment, having looked at each."""
        ...

    def commits(self, *, after: Revision, limit: int) -> list[Commit]:
        """Return the next commits after a revision, in order, at most `limit`: fewer when they are large.

        Raise `RevisionNotKeptError` when `after` is below the floor, `BrokenHistoryError` when a commit is missing or its
        bytes do not have its hash.
        """
        ...

    def role(self, key: str) -> Role | None:
        """Return the newest version of the role of that key (`RoleRef.key`)."""
        ...

    def role_as_of(self, key: str, revision: Revision) -> Role | None:
        """Return the role of that key as it was when `revision` was the head, None if there was none; deleted ones are found too.

        `revision` is not above the head. Raise `RevisionNotKeptError` when it is below the floor, or when the version of then has
        been forgotten.
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
        """Return the kept revisions of a role below `before`, the newest first, at most `limit`."""
        ...

    def prune(self, *, keep_after: int, keep_revisions: int, forget_requests_before: int) -> int:
        """Forget commits that are both older than `keep_after` (microseconds) and not among the newest `keep_revisions`.

        What is forgotten is a run from the oldest on; the floor moves to its last. The newest versions of roles are never
        touched. Outcomes remembered before `forget_requests_before` (microseconds) are forgotten too. Return how many
        commits were forgotten.
        """
        ...

    def rename_history(self, expected: str) -> Head:
        """Give the history a new incarnation if it has still the expected one, and return the head in either case.

        A follower does this when the store has lost commits: tokens of the history that is gone must not be taken for its own.
        """
        ...

    def notifications(self) -> Notifications | None:
        """Return word of the commits of others, None where the store has no means to give it."""
        ...

    def close(self) -> None:
        """Let go of files and connections after the write that is under way; blocks, yet not for long on a silent database.

        Whatever has not begun raises `StoreUnavailableError` from now on. May be called from another thread, and again.
        """
        ...
