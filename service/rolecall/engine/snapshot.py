"""Every role in memory, at one revision.

The state changes only between two awaits of the event loop, so a reader that does not await sees one revision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from rolecall.engine.decision import DecidedRole
from rolecall.engine.errors import ChangeGapError, NotAvailableError
from rolecall.engine.reverse.index import ReverseIndex, UnsortedIndex
from rolecall.policy.compiler import CompiledPolicy
from rolecall.policy.named_principals import named_principals
from rolecall.policy.principal import Principal
from rolecall.roles.canonical_json import FIRST_HASH
from rolecall.roles.change import ChangeKind, Commit
from rolecall.roles.role import Revision, Role

CHANGES_A_STEP = 50
"""How many changes of a commit are applied at a time: about a millisecond of work."""


class RoleVersion:
    """One version of one role; equal only to itself. `policy` is its compiled policy while that is cached.

    `derived` has the positions in `policy.keys`, and the names, of the keys that the service derives. `identity` represents
    the version in cached answers; None: it has not decided yet.
    """

    __slots__ = ("__weakref__", "derived", "identity", "policy", "role")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.policy: CompiledPolicy | None = None
        self.derived: tuple[tuple[int, str], ...] = ()
        self.identity: DecidedRole | None = None

    def identified(self) -> DecidedRole:
        """Return what represents the version in answers, always the same object."""
        if self.identity is None:
            self.identity = DecidedRole.of(self.role)
        return self.identity


class Snapshot:
    """Every role by `RoleRef.key` at `revision`; `hash` is that of its commit, `incarnation` the name of its history.

    `restored`: the state comes from a file, and the store has not confirmed it yet.
    """

    def __init__(
        self,
        roles: Iterable[Role] = (),
        *,
        revision: Revision = Revision(0),
        hash: bytes = FIRST_HASH,
        incarnation: str = "",
        restored: bool = False,
        kept: Callable[[str], RoleVersion | None] | None = None,
        indexed: bool = True,
    ) -> None:
        """Start with `roles`; of two with the same key the last counts. Versions of `kept` are reused for equal roles.

        A state that is not `indexed` takes less memory, and its roles cannot be listed by principal.
        """
        self._versions: dict[str, RoleVersion] = {}
        self._arriving: dict[str, RoleVersion | None] = {}
        self._unsettled: list[_Replaced] = []
        self.revision, self.hash, self.incarnation, self.restored = revision, hash, incarnation, restored
        self._indexed, self._named = indexed, named_principals if indexed else _no_principals
        versions, repeated, index = self._versions, list[Role](), UnsortedIndex()
        for role in roles:
            key = role.key
            if key in versions:
                repeated.append(role)
                continue
            old = kept(key) if kept else None
            versions[key] = old if old and old.role == role else RoleVersion(role)
            index.add(key, self._named(role.document))
        self._index = ReverseIndex.of(index)
        _exhaust(self._replacing({role.key: role for role in repeated}, revision, hash))

    @classmethod
    def of_versions(cls, versions: dict[str, RoleVersion], revision: Revision) -> Snapshot:
        """Return a state of these versions by their keys, at once: it takes the dictionary, and is not indexed."""
        snapshot = cls(revision=revision, indexed=False)
        snapshot._versions = versions
        return snapshot

    def version(self, key: str) -> RoleVersion | None:
        """Return the newest version of a role."""
        arriving = self._arriving
        return arriving[key] if key in arriving else self._versions.get(key)

    def role(self, key: str) -> Role | None:
        """Return a role; another thread may call this."""
        version = self.version(key)
        return None if version is None else version.role

    def versions_of(self, keys: Iterable[str]) -> list[RoleVersion | None]:
        """Return the newest version of each role, all of one revision."""
        return list(map(self.version if self._arriving else self._versions.get, keys))

    def naming(self, principal: Principal, *, after: str, limit: int) -> list[str]:
        """Return, in order, the first `limit` keys above `after` of the roles that may trust `principal`.

        Raise `NotAvailableError` if the state is not indexed.
        """
        if not self._indexed:
            raise NotAvailableError("a list of the roles that trust a principal")
        return self._index.roles_naming(principal, after=after, limit=limit)

    def apply(self, commit: Commit) -> None:
        """Apply the next commit; one that has been applied is ignored.

        Raise `ChangeGapError` when commits before it are missing; then nothing has changed.
        """
        _exhaust(self.applying(commit))

    def applying(self, commit: Commit) -> Iterator[None]:
        """Apply the next commit as `apply` does, in steps. At each yield other work may run, but no other commit be applied.

        A reader sees the revision before the commit or the one after it. A commit that was left half way can be restarted.
        """
        if commit.revision <= self.revision:
            return
        if commit.revision != self.revision + 1:
            raise ChangeGapError(self.revision, commit.revision)
        yield from self._settling()
        changed = dict[str, Role | None]()
        for number, change in enumerate(commit.changes, start=1):
            changed[change.role.key] = None if change.kind is ChangeKind.DELETED else change.role
            if not number % (10 * CHANGES_A_STEP):
                yield
        yield from self._replacing(changed, commit.revision, commit.hash)

    def advance(self, changed: Mapping[str, Role | None], revision: Revision) -> None:
        """Apply what several commits changed, up to `revision`, at once; None: the role with that key was deleted."""
        _exhaust(self._settling())
        _exhaust(self._replacing(changed, revision, self.hash))

    def replace(self, other: Snapshot) -> None:
        """Exchange the state with that of `other`, at once."""
        self._versions, other._versions = other._versions, self._versions
        self._arriving, other._arriving = other._arriving, self._arriving
        self._unsettled, other._unsettled = other._unsettled, self._unsettled
        self._index, other._index = other._index, self._index
        self._indexed, other._indexed = other._indexed, self._indexed
        self._named, other._named = other._named, self._named
        self.revision, other.revision = other.revision, self.revision
        self.hash, other.hash = other.hash, self.hash
        self.incarnation, other.incarnation = other.incarnation, self.incarnation
        self.restored, other.restored = other.restored, self.restored

    def versions(self) -> list[RoleVersion]:
        """Return the newest version of every role, unordered, in a list that later commits do not change."""
        if not self._arriving:
            return list(self._versions.values())
        return [version for version in (self._versions | self._arriving).values() if version is not None]

    def equals(self, other: Snapshot) -> bool:
        """Return whether both are the same roles at the same revision of one history."""
        place, others = (self.incarnation, self.revision, self.hash), other.versions()
        if place != (other.incarnation, other.revision, other.hash) or len(self) != len(others):
            return False
        ours = (self.version(version.role.key) for version in others)
        return all(own is not None and own.role == version.role for own, version in zip(ours, others, strict=True))

    @property
    def postings(self) -> int:
        """Return how many entries the reverse index has."""
        return len(self._index)

    @property
    def index_bytes(self) -> int:
        """Return the approximate memory of the reverse index."""
        return self._index.estimated_bytes

    def _replacing(self, changed: Mapping[str, Role | None], revision: Revision, hash: bytes) -> Iterator[None]:
        """Replace the roles with these keys, as of `revision`; None: the role is deleted.

        1. The new versions are added to the index.
        2. The new versions and the revision take effect, at once: `_arriving` overrides `_versions`.
        3. They are moved to `_versions`, and the old versions are removed from the index.
        """
        replaced = list[_Replaced]()
        arriving = dict[str, RoleVersion | None]()
        for key, role in changed.items():
            replaced.append(self._index_new(key, role))
            arriving[key] = replaced[-1].new
            if not len(replaced) % CHANGES_A_STEP:
                yield
        self._unsettled, self._arriving = replaced, arriving
        self.revision, self.hash = revision, hash
        yield from self._settling()

    def _settling(self) -> Iterator[None]:
        while self._unsettled:
            for key, new, stale in self._unsettled[-CHANGES_A_STEP:]:
                self._index.discard(key, stale)
                if new:
                    self._versions[key] = new
                else:
                    self._versions.pop(key, None)
            del self._unsettled[-CHANGES_A_STEP:]
            if self._unsettled:
                yield
        self._arriving = {}

    def _index_new(self, key: str, role: Role | None) -> _Replaced:
        old = self._versions.get(key)
        if old and role and old.role.document == role.document:
            return _Replaced(key, RoleVersion(role), frozenset())
        before = self._named(old.role.document) if old else frozenset()
        after = self._named(role.document) if role else frozenset()
        self._index.add(key, after - before)
        return _Replaced(key, RoleVersion(role) if role else None, before - after)

    def __len__(self) -> int:
        come = sum((new is not None) - (key in self._versions) for key, new in self._arriving.items())
        return len(self._versions) + come


class _Replaced(NamedTuple):
    """The new version of a role (None: deleted), and the principals that only the old version names."""

    key: str
    new: RoleVersion | None
    stale: frozenset[Principal]


def _no_principals(_document: str) -> frozenset[Principal]:
    return frozenset()


def _exhaust(steps: Iterator[None]) -> None:
    for _ in steps:
        pass
