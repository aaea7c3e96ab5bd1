"""The followed state: every role in memory, at one revision.

The state changes only between two awaits of the event loop, so whoever reads it without awaiting sees one revision.
"""

from __future__ import annotations

from collections.abc import Iterable

from rolecall.policy.compiler import CompiledPolicy
from rolecall.roles.change import ChangeKind, Commit
from rolecall.roles.role import Revision, Role

from .errors import ChangeGapError


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
        self.revision = revision

    def version(self, key: str) -> RoleVersion | None:
        """Return the newest version of a role."""
        return self._versions.get(key)

    def apply(self, commit: Commit) -> None:
        """Take up the next commit; one that is held already is passed over.

        Raise `ChangeGapError` when commits are missing before it: then nothing has changed.
        """
        if commit.revision <= self.revision:
            return
        if commit.revision != self.revision + 1:
            raise ChangeGapError(self.revision, commit.revision)
        for change in commit.changes:
            if change.kind is ChangeKind.DELETED:
                self._versions.pop(change.role.key, None)
            else:
                self._versions[change.role.key] = RoleVersion(change.role)
        self.revision = commit.revision

    def replace(self, other: Snapshot) -> None:
        """Become `other`, all at once; versions of roles that are the same stay, with what is remembered of them."""
        kept = self._versions
        self._versions = {
            key: held if (held := kept.get(key)) and held.role == version.role else version
            for key, version in other._versions.items()
        }
        self.revision = other.revision

    def __len__(self) -> int:
        return len(self._versions)
