"""The full load: every role of a repository, into memory."""

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
"""Told how many roles are loaded, and how many there are, as far as that is known."""


def load_snapshot(
    repository: RoleRepository, *, progress: Progress | None = None, kept: Snapshot | None = None
) -> Snapshot:
    """Return the state of a repository; blocks. Raise `StoreUnavailableError`.

    `progress` is told now and then, on this thread. Versions of `kept` stay for roles that are the same; its loop may go on.
    """
    head = repository.head()
    roles = repository.load() if progress is None else _told(repository.load(), repository.size(), progress)
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
                # The store lost commits meanwhile: what was read is of two histories.
                return load_snapshot(repository, progress=progress, kept=kept)
            snapshot.apply(commit)
    return snapshot


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector of cycles away from many objects that stay: it would stop every thread to walk through them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def _told(roles: Iterable[Role], total: int, progress: Progress) -> Iterator[Role]:
    loaded = 0
    for loaded, role in enumerate(roles, start=1):
        yield role
        if not loaded % ROLES_BETWEEN_PROGRESS:
            progress(loaded, max(loaded, total))
    progress(loaded, loaded)
