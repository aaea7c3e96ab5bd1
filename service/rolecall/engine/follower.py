"""Keeps a snapshot in step with its repository: one full load, then commit by commit.

1. The head is read first, then every role, then the commits after that head; since a change is a whole version, reading
   roles while others write does no harm.
2. Own writes are applied as they commit. `catch_up` reads whatever else the repository has.
3. A gap in the commits, or a commit that does not follow from the one before it, means that this state cannot be trusted:
   everything is loaded again, and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from rolecall.roles.change import Commit
from rolecall.roles.errors import BrokenHistoryError, RevisionNotKeptError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision

from .errors import ChangeGapError
from .snapshot import Snapshot

T = TypeVar("T")

PAGE_COMMITS = 500


def load_snapshot(repository: RoleRepository) -> Snapshot:
    """Return the state of a repository; blocks. Raise `StoreUnavailableError`."""
    head = repository.head()
    snapshot = Snapshot(repository.load(), revision=head.revision)
    while commits := repository.commits(after=snapshot.revision, limit=PAGE_COMMITS):
        for commit in commits:
            snapshot.apply(commit)
    return snapshot


class Follower:
    """Brings the commits of a repository into a snapshot. For one event loop; reads run on `readers`."""

    def __init__(self, repository: RoleRepository, snapshot: Snapshot, readers: Executor) -> None:
        self._repository, self._readers = repository, readers
        self.snapshot = snapshot
        self.reloads = 0
        self._next: asyncio.Task[Revision] | None = None
        self._running: asyncio.Task[Revision] | None = None

    async def take(self, commit: Commit) -> None:
        """Apply a commit of this process; catch up first when others lie before it."""
        try:
            self.snapshot.apply(commit)
        except ChangeGapError:
            await self.catch_up()

    async def catch_up(self) -> Revision:
        """Apply all that was committed when this was called; return the revision that the repository was seen at.

        Callers that wait together share one reading, which begins after the last of them has asked.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._next)

    def look(self) -> None:
        """Begin to catch up without waiting for it; a failure is told to whoever asks next."""
        task = asyncio.ensure_future(self.catch_up())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _after(self, running: asyncio.Task[Revision] | None) -> Revision:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        return await self._follow()

    async def _follow(self) -> Revision:
        head = await self._read(self._repository.head)
        while self.snapshot.revision < head.revision:
            try:
                await self._take_next()
            except (ChangeGapError, RevisionNotKeptError, BrokenHistoryError):
                await self._reload()
        return head.revision

    async def _take_next(self) -> None:
        after = self.snapshot.revision
        for commit in await self._read(lambda: self._repository.commits(after=after, limit=PAGE_COMMITS)):
            self.snapshot.apply(commit)

    async def _reload(self) -> None:
        self.reloads += 1
        loaded = await self._read(lambda: load_snapshot(self._repository))
        self.snapshot.replace(loaded)

    async def _read(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)
