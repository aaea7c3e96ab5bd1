"""Loads every role of a repository into memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rolecall.engine.snapshot import Snapshot
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Role

PAGE_COMMITS = 500
ROLES_BETWEEN_PROGRESS = 10_000

Progress: TypeAlias = "Callable[[int, int], None]"
"""Called with the number of loaded roles and the expected total."""


def load_snapshot(
    repository: RoleRepository, *, progress: Progress | None = None, kept: Snapshot | None = None
) -> Snapshot:
    """Return the state of a repository; this blocks. Raise `StoreUnavailableError`.

    `progress` is called on this thread. Versions of `kept` are reused for roles that have not changed.
    """
    head = repository.head()
    roles = repository.load() if progress is None else _counted(repository.load(), repository.size(), progress)
    gc.collect()
    with uncollected():
        snapshot = Snapshot(
            roles,
            revision=head.revision,
            hash=head.hash,
            incarnation=head.incarnation,
            kept=kept.version if kept else None,
        )
    while commits := repository.commits(after=snapshot.revision, limit=PAGE_COMMITS):
        for commit in commits:
            if commit.previous_hash != snapshot.hash:
                # The store lost commits meanwhile, so the roles that were read belong to two histories.
                return load_snapshot(repository, progress=progress, kept=kept)
            snapshot.apply(commit)
    return snapshot


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
