"""Loads every role of a repository into memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rolecall.engine.snapshot import Snapshot
from rolecall.roles.change import ChangeKind, Commit
from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import AlteredRolesError
from rolecall.roles.repository import Head, RoleRepository
from rolecall.roles.role import Role

PAGE_COMMITS = 500
ROLES_BETWEEN_PROGRESS = 10_000

Progress: TypeAlias = "Callable[[int, int], None]"
"""Called with the number of loaded roles and the expected total."""


def load_snapshot(
    repository: RoleRepository, *, progress: Progress | None = None, kept: Snapshot | None = None
) -> Snapshot:
    """Return the state of a repository, whose roles are proven: their digest is that of the head. This blocks.

    Raise `StoreUnavailableError`, and `AlteredRolesError` if the roles are others than servers wrote. `progress` is called on this
    thread. Versions of `kept` are reused for roles that have not changed.
    """
    begin, digest = repository.head(), StateDigest()
    roles = repository.load(digest)
    if progress is not None:
        roles = _counted(roles, repository.size(), progress)
    gc.collect()
    with uncollected():
        snapshot = Snapshot(
            roles,
            revision=begin.revision,
            hash=begin.hash,
            incarnation=begin.incarnation,
            kept=kept.version if kept else None,
        )
    head = repository.head()
    if not _reach(head, repository, snapshot, digest):
        return load_snapshot(repository, progress=progress, kept=kept)
    if digest.value != head.digest:
        raise AlteredRolesError(
            f"the roles of the store are not those that servers wrote up to revision {head.revision};"
            " run `rolecall audit verify`"
        )
    return snapshot


def _reach(head: Head, repository: RoleRepository, snapshot: Snapshot, digest: StateDigest) -> bool:
    """Apply the commits up to `head`; return False if the roles that were read belong to two histories."""
    while snapshot.revision < head.revision:
        limit = min(head.revision - snapshot.revision, PAGE_COMMITS)
        commits = repository.commits(after=snapshot.revision, limit=limit)
        for commit in commits:
            if commit.previous_hash != snapshot.hash:
                return False
            _bring_forward(digest, snapshot, commit)
            snapshot.apply(commit)
        if not commits:
            return False
    return (snapshot.incarnation, snapshot.revision, snapshot.hash) == (head.incarnation, head.revision, head.hash)


def _bring_forward(digest: StateDigest, snapshot: Snapshot, commit: Commit) -> None:
    """Bring the digest of a state to that after a commit, which is not applied yet."""
    for change in commit.changes:
        if before := snapshot.version(change.role.key):
            digest.remove(before.role)
        if change.kind is not ChangeKind.DELETED:
            digest.add(change.role)


@contextmanager
def uncollected() -> Iterator[None]:
    """Disable the cycle collector while many lasting objects are made, and exclude them from later collections."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def _counted(roles: Iterable[Role], total: int, progress: Progress) -> Iterator[Role]:
    loaded = 0
    for loaded, role in enumerate(roles, start=1):
        yield role
        if not loaded % ROLES_BETWEEN_PROGRESS:
            progress(loaded, max(loaded, total))
    progress(loaded, loaded)
