"""The followed state: every role in memory, at one revision.

The state changes only between two awaits of the event loop, so whoever reads it without awaiting sees one revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rolecall.policy.compiler import CompiledPolicy
from rolecall.policy.principal import Principal
from rolecall.roles.change import ChangeKind, Commit
from rolecall.roles.role import Revision, Role

from .errors import ChangeGapError
from .reverse import ReverseIndex, named_principals


class RoleVersion:
    """One version of one role; equal only to itself. `policy` is its compiled form while that is kept.

    `derived` are the places and names of the keys that the policy reads and the service derives.
    """

    __slots__ = ("derived", "policy", "role")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.policy: CompiledPolicy | None = None
        self.derived: tuple[tuple[int, str], ...] = ()


class Snapshot:
    """Every role, by `RoleRef.key`, as of `revision`."""

    def __init__(self, roles: Iterable[Role] = (), *, revision: Revision = Revision(0)) -> None:
        self._versions = {role.key: RoleVersion(role) for role in roles}
        self._index = ReverseIndex()
        self._index.fill((key, named_principals(version.role.document)) for key, version in self._versions.items())
        self.revision = revision

    def version(self, key: str) -> RoleVersion | None:
        """Return the newest version of a role."""
        return self._versions.get(key)

    def naming(self, principal: Principal, *, after: str) -> Iterator[str]:
        """Yield, in order, the keys above `after` of the roles that may trust `principal`."""
        return self._index.roles_naming(principal, after=after)

    def apply(self, commit: Commit) -> None:
        """Take up the next commit; one that is held already is passed over.

        Raise `ChangeGapError` when commits are missing before it: then nothing has changed.
        """
        if commit.revision <= self.revision:
            return
        if commit.revision != self.revision + 1:
            raise ChangeGapError(self.revision, commit.revision)
        for change in commit.changes:
            self._forget(change.role.key)
            if change.kind is not ChangeKind.DELETED:
                self._hold(change.role)
        self.revision = commit.revision

    def replace(self, other: Snapshot) -> None:
        """Become `other`, all at once; versions of roles that are the same stay, with what is remembered of them."""
        kept = self._versions
        self._versions = {
            key: held if (held := kept.get(key)) and held.role == version.role else version
            for key, version in other._versions.items()
        }
        self._index = other._index
        self.revision = other.revision

    @property
    def postings(self) -> int:
        """Return how many entries the reverse index has."""
        return len(self._index)

    def _hold(self, role: Role) -> None:
        self._versions[role.key] = RoleVersion(role)
        self._index.add(role.key, named_principals(role.document))

    def _forget(self, key: str) -> None:
        version = self._versions.pop(key, None)
        if version is not None:
            self._index.discard(key, named_principals(version.role.document))

    def __len__(self) -> int:
        return len(self._versions)
