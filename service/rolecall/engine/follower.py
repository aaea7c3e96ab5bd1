"""Keeps a snapshot in step with its repository: one full load, then commit by commit.

1. The head is read first, then every role, then the commits after that head; since a change is a whole version, reading
   roles while others write does no harm.
2. Own writes are applied as they commit, one after the other; a large one in steps. `catch_up` reads whatever else there is.
3. A gap in the commits, or a commit that does not follow from the one before it, means that this state cannot be trusted:
   everything is loaded again, and counted.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext, suppress
from typing import TypeAlias, TypeVar

from rolecall.engine.errors import ChangeGapError
from rolecall.engine.snapshot import Snapshot
from rolecall.roles.change import Commit
from rolecall.roles.errors import BrokenHistoryError, RevisionNotKeptError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision, Role

T = TypeVar("T")

PAGE_COMMITS = 500
ROLES_BETWEEN_PROGRESS = 10_000
LARGE_COMMIT = 1_000

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
    with _uncollected():
        snapshot = Snapshot(roles, revision=head.revision, kept=kept.version if kept else None)
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
        self._applying = asyncio.Lock()
        self._meanwhile: list[Commit] | None = None

    async def take(self, commit: Commit) -> None:
        """Apply a commit of this process; catch up first when others lie before it."""
        try:
            await self._apply(commit)
        except ChangeGapError:
            await self.catch_up()

    async def catch_up(self) -> Revision:
        """Apply all that was committed when this was called; return the revision that the repository was seen at.

        Callers that wait together share one reading, which begins after the last of them has asked.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._next)

    def staleness(self) -> int:
        """Return an upper bound of the age of the state, in microseconds.

        A store is written by this process alone, which has applied each write before its author hears of it: 0.
        """
        return 0

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
            await self._apply(commit)

    async def _apply(self, commit: Commit) -> None:
        """Take a commit up; a large one lets other work in between."""
        async with self._applying:
            with _uncollected() if len(commit.changes) >= LARGE_COMMIT else nullcontext():
                await _in_steps(self.snapshot.applying(commit))
            if self._meanwhile is not None:
                self._meanwhile.append(commit)

    async def _reload(self) -> None:
        """Load everything again; what is committed by this process meanwhile must not be lost with the old state."""
        self.reloads += 1
        self._meanwhile = []
        try:
            loaded = await self._read(lambda: load_snapshot(self._repository, kept=self.snapshot))
            async with self._applying:
                with suppress(ChangeGapError):
                    for commit in self._meanwhile:
                        await _in_steps(loaded.applying(commit))
                self.snapshot.replace(loaded)
        finally:
            self._meanwhile = None

    async def _read(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector of cycles away from many objects that stay: it would stop every thread to walk through them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


async def _in_steps(steps: Iterator[None]) -> None:
    for _ in steps:
        await asyncio.sleep(0)


def _told(roles: Iterable[Role], total: int, progress: Progress) -> Iterator[Role]:
    loaded = 0
    for loaded, role in enumerate(roles, start=1):
        yield role
        if not loaded % ROLES_BETWEEN_PROGRESS:
            progress(loaded, max(loaded, total))
    progress(loaded, loaded)
