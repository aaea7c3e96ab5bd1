"""Keeps a snapshot in step with its repository: one full load, then commit by commit.

1. The head is read first, then every role, then the commits after that head; since a change is a whole version, reading
   roles while others write does no harm.
2. Own writes are applied as they commit, one after the other; a large one in steps. `catch_up` reads whatever else there is.
3. A commit is taken up only if it follows from the one before it: the next revision, and the hash of the one held as its
   previous hash. A gap, or a history that is not the one followed so far, means that this state cannot be trusted:
   everything is read again, and counted. A history that lost commits gets a new name first, so that its old tokens are refused.
4. The state is as old as the time since the last reading of the head began that was then caught up with.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import nullcontext
from enum import StrEnum
from typing import TypeVar

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.errors import ChangeGapError
from rolecall.engine.feed import Feed
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import PAGE_COMMITS, load_snapshot, uncollected
from rolecall.roles.change import Commit
from rolecall.roles.errors import BrokenHistoryError, RevisionNotKeptError
from rolecall.roles.repository import Head, RoleRepository
from rolecall.roles.role import Revision

T = TypeVar("T")

LARGE_COMMIT = 1_000
KNOWN_HASHES = 1_024


class Reload(StrEnum):
    """Why everything was read again."""

    GAP = "gap"  # a commit is missing, or was altered
    FORK = "fork"  # the store lost commits that were held here
    INCARNATION = "incarnation"  # the store is another one, or was restored
    BEHIND = "behind"  # what comes next is no longer kept
    MISMATCH = "mismatch"  # a role in memory was not the one in the store


class _ForkedError(Exception):
    """A commit is not of the history that was followed. It never leaves the follower."""


class Follower:
    """Brings the commits of a repository into a snapshot. For one event loop; reads run on `readers`.

    `clock` gives microseconds as `boottime_micros` does. `renamed` is told on the loop, in the moment in which the state is that
    of another history, with the key of its tokens and its name; `reloaded` after everything was read again, with the reason.
    """

    def __init__(
        self,
        repository: RoleRepository,
        snapshot: Snapshot,
        readers: Executor,
        *,
        clock: Callable[[], int] = boottime_micros,
        on_rename: Callable[[bytes, str], object] = lambda _key, _incarnation: None,
        on_reload: Callable[[Reload], object] = lambda _reason: None,
    ) -> None:
        self._repository, self._readers, self._clock = repository, readers, clock
        self._on_rename, self._on_reload = on_rename, on_reload
        self._exclusive = repository.exclusive
        self.snapshot, self.feed = snapshot, Feed()
        self.feed.restart(snapshot.revision)
        self._hashes = OrderedDict({snapshot.revision: snapshot.hash})
        self.reloads = dict.fromkeys(Reload, 0)
        self.seen_at = clock()
        self._next: asyncio.Task[Revision] | None = None
        self._running: asyncio.Task[Revision] | None = None
        self._applying, self._reloading = asyncio.Lock(), asyncio.Lock()
        self._meanwhile: list[Commit] | None = None

    def start(self, snapshot: Snapshot, seen_at: int) -> None:
        """Begin with a state that was that of the store at the time `seen_at`."""
        self._become(snapshot)
        self.seen_at = seen_at

    async def apply_local(self, commit: Commit) -> None:
        """Apply a commit of this process; catch up first when others lie before it, or when it is of another history."""
        try:
            await self._apply(commit)
        except (ChangeGapError, _ForkedError):
            await self.catch_up()
        else:
            if self._hashes.get(commit.revision) != commit.hash:
                # Another commit may stand in its place here, of a history that the store has lost since.
                await self.catch_up()

    async def catch_up(self) -> Revision:
        """Apply all that was committed when this was called; return the revision that the repository was seen at.

        Callers that wait together share one reading, which begins after the last of them has asked. Raise `StoreUnavailableError`.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._next)

    async def reload(self, reason: Reload) -> Revision:
        """Read everything again; return the revision that is reached. Raise `StoreUnavailableError`."""
        began = self._clock()
        if reason is Reload.FORK:
            expected = self.snapshot.incarnation
            await self._read(lambda: self._repository.rename_history(expected))
            # Now: should the reading fail, the next one finds another incarnation only.
            self.reloads[reason] += 1
        async with self._reloading:
            await self._load_again()
        if reason is not Reload.FORK:
            self.reloads[reason] += 1
        self._see(began)
        self._on_reload(reason)
        return self.snapshot.revision

    def staleness(self) -> int:
        """Return an upper bound of the age of the state, in microseconds.

        A store that only this process writes to is never ahead of what its authors have heard of: 0, unless the state was restored.
        """
        if self._exclusive and not self.snapshot.restored:
            return 0
        return self._clock() - self.seen_at

    def schedule_catch_up(self) -> None:
        """Begin to catch up without waiting for it; a failure is told to whoever asks next."""
        task = asyncio.ensure_future(self.catch_up())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _after(self, running: asyncio.Task[Revision] | None) -> Revision:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        return await self._follow()

    async def _follow(self) -> Revision:
        began, held = self._clock(), self.snapshot.revision
        head = await self._read(self._repository.head)
        if reason := self._contradicted(head, held):
            return await self.reload(reason)
        try:
            while self.snapshot.revision < head.revision:
                await self._take_next()
        except (ChangeGapError, BrokenHistoryError):
            return await self.reload(Reload.GAP)
        except _ForkedError:
            return await self.reload(Reload.FORK)
        except RevisionNotKeptError:
            return await self.reload(Reload.BEHIND)
        self._see(began)
        return head.revision

    def _contradicted(self, head: Head, held: Revision) -> Reload | None:
        """Tell what of a head cannot be so in the history that was followed. `held`: the revision before it was read."""
        if head.incarnation != self.snapshot.incarnation:
            return Reload.INCARNATION
        lost = head.revision < held
        other = head.revision == self.snapshot.revision and head.hash != self.snapshot.hash
        return Reload.FORK if lost or other else None

    def _see(self, began: int) -> None:
        self.seen_at = max(self.seen_at, began)
        self.snapshot.restored = False

    async def _take_next(self) -> None:
        after = self.snapshot.revision
        commits = await self._read(lambda: self._repository.commits(after=after, limit=PAGE_COMMITS))
        if not commits:
            raise ChangeGapError(after, after)
        for commit in commits:
            await self._apply(commit)
            await asyncio.sleep(0)

    async def _apply(self, commit: Commit) -> None:
        """Take a commit up; a large one lets other work in between."""
        async with self._applying:
            if commit.revision <= self.snapshot.revision:
                self._require_known(commit)
                return
            if commit.revision == self.snapshot.revision + 1 and commit.previous_hash != self.snapshot.hash:
                raise _ForkedError(commit.revision)
            with uncollected() if len(commit.changes) >= LARGE_COMMIT else nullcontext():
                await _in_steps(self.snapshot.applying(commit))
            self._know(commit)
            self.feed.add(commit)
            if self._meanwhile is not None:
                self._meanwhile.append(commit)

    def _require_known(self, commit: Commit) -> None:
        if self._hashes.get(commit.revision, commit.hash) != commit.hash:
            raise _ForkedError(commit.revision)

    def _know(self, commit: Commit) -> None:
        self._hashes[commit.revision] = commit.hash
        if len(self._hashes) > KNOWN_HASHES:
            self._hashes.popitem(last=False)

    async def _load_again(self) -> None:
        """Read everything; what is committed by this process meanwhile must not be lost with the old state."""
        self._meanwhile = []
        try:
            loaded = await self._read(lambda: load_snapshot(self._repository, kept=self.snapshot))
            key = await self._read(lambda: self._repository.token_key)
            async with self._applying:
                for commit in self._meanwhile:
                    if commit.previous_hash == loaded.hash:
                        await _in_steps(loaded.applying(commit))
                self._become(loaded, key)
        finally:
            self._meanwhile = None

    def _become(self, loaded: Snapshot, key: bytes | None = None) -> None:
        before = self.snapshot.incarnation
        self.snapshot.replace(loaded)
        self._hashes = OrderedDict({self.snapshot.revision: self.snapshot.hash})
        if key is not None and self.snapshot.incarnation != before:
            self._on_rename(key, self.snapshot.incarnation)
        self.feed.restart(self.snapshot.revision)

    async def _read(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)


async def _in_steps(steps: Iterator[None]) -> None:
    for _ in steps:
        await asyncio.sleep(0)
