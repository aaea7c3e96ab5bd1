"""Writes that change only roles that are proven: each is as this process has it in memory, or as the log has it.

Otherwise a role that another program altered would become what a server wrote, as soon as a part of it is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from rolecall.roles.change import Author, ChangeKind, Commit
from rolecall.roles.errors import AlteredRolesError, StoreUnavailableError
from rolecall.roles.repository import Floor, Remembered, Transaction
from rolecall.roles.role import Revision, Role

T = TypeVar("T")


class KnownRoles(Protocol):
    """The proven roles in memory, as of a revision that another thread may advance."""

    @property
    def revision(self) -> Revision:
        """Return the revision of the roles."""
        ...

    def role(self, key: str) -> Role | None:
        """Return a role as of that revision or a later one."""
        ...


class Writes(Protocol):
    """What runs writes; a repository does."""

    def transact(self, author: Author, work: Callable[[Transaction], T]) -> tuple[T, Commit | None]:
        """Run `work` in a transaction, as a repository does."""
        ...


class ProvenWrites:
    """Runs writes on a repository. What they read is proven; else they raise `AlteredRolesError`."""

    def __init__(self, writes: Writes, known: KnownRoles) -> None:
        self._writes, self._known = writes, known

    def transact(self, author: Author, work: Callable[[Transaction], T]) -> tuple[T, Commit | None]:
        """Run `work` in a transaction of the repository."""
        return self._writes.transact(author, lambda transaction: work(ProvenTransaction(transaction, self._known)))


class ProvenTransaction:
    """A transaction that returns proven roles only."""

    def __init__(self, transaction: Transaction, known: KnownRoles) -> None:
        self._transaction, self._known = transaction, known
        self._written: set[str] = set()

    @property
    def revision(self) -> Revision:
        """Return the revision that this write will have."""
        return self._transaction.revision

    @property
    def changed(self) -> bool:
        """Return whether anything was put or deleted."""
        return self._transaction.changed

    def floor(self) -> Floor:
        """Return where the stored history begins."""
        return self._transaction.floor()

    def role(self, key: str) -> Role | None:
        """Return the newest version of a role."""
        return self._proven(key, self._transaction.role(key))

    def roles(self, keys: Iterable[str]) -> Mapping[str, Role]:
        """Return the newest versions of many roles."""
        wanted = list(keys)
        found = self._transaction.roles(wanted)
        for key in wanted:
            self._proven(key, found.get(key))
        return found

    def count(self, account_id: str) -> int:
        """Return how many roles an account has."""
        return self._transaction.count(account_id)

    def tagged(self, tags: Mapping[str, str]) -> Iterable[Role]:
        """Return every role with all of the tags."""
        found = list(self._transaction.tagged(tags))
        for role in found:
            self._proven(role.key, role)
        return found

    def role_at(self, role_id: str, revision: Revision) -> Role | None:
        """Return the role as the write of a revision left it."""
        return self._transaction.role_at(role_id, revision)

    def require_unaltered(self, revision: Revision) -> None:
        """Raise `BrokenHistoryError` if the write of a revision is not as its hash says."""
        self._transaction.require_unaltered(revision)

    def deleted_role(self, key: str, role_id: str) -> Role | None:
        """Return the last state of a deleted role."""
        found = self._transaction.deleted_role(key, role_id)
        # It becomes a role under the key that its own fields name.
        if found is not None and (found.key != key or role_id not in ("", found.role_id)):
            raise AlteredRolesError(
                f"the log has a deletion of `{key}` that is of another role; run `rolecall audit verify`"
            )
        return found

    def new_role_id(self) -> str:
        """Return an id that no role has ever had."""
        return self._transaction.new_role_id()

    def put(self, kind: ChangeKind, role: Role) -> None:
        """Store the newest version of a role."""
        self._written.add(role.key)
        self._transaction.put(kind, role)

    def delete(self, role: Role) -> None:
        """Delete a role."""
        self._written.add(role.key)
        self._transaction.delete(role)

    def recall(self, scope: str, request_id: str) -> Remembered | None:
        """Return the remembered outcome of a request."""
        return self._transaction.recall(scope, request_id)

    def remember(self, scope: str, request_id: str, remembered: Remembered) -> None:
        """Remember the outcome of a request."""
        self._transaction.remember(scope, request_id, remembered)

    def _proven(self, key: str, found: Role | None) -> Role | None:
        # The revision first: the roles that are read afterwards are of this revision or a later one.
        seen = self._known.revision
        known = self._known.role(key)
        if found == known or key in self._written:
            return found
        if found is None:
            # Memory may not have a deletion yet, but then its revision is lower.
            altered = seen == self._transaction.revision - 1
        else:
            altered = self._transaction.role_at(found.role_id, found.revision) != found
        if altered:
            raise AlteredRolesError(
                f"role `{key}` of the store is not as servers wrote it; run `rolecall audit verify`"
            )
        if found is not None and found.revision <= seen:
            raise StoreUnavailableError(f"role `{key}` in memory is of another history; try again when it is reloaded")
        return found
