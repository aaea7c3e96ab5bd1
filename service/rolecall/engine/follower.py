"""Keeps a snapshot up to date with its repository: a full load, then commit by commit.

1. Commits of this process are applied as they are made; `catch_up` reads those of other processes.
2. A commit is applied only if it is the next revision and its previous hash is the hash of the state. After a gap, or when
   the history is not the one followed so far, the state is reloaded, and the reason is counted.
3. A history that lost commits is renamed before the reload, so that its old tokens are refused.
4. A reload that finds the roles of the followed history as they are in memory restarts no watch.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import nullcontext, suppress
from enum import StrEnum
from typing import TypeVar

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.errors import ChangeGapError
from rolecall.engine.feed import Feed
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import PAGE_COMMITS, load_snapshot, uncollected
from rolecall.roles.change import Commit
from rolecall.roles.errors import AlteredRolesError, BrokenHistoryError, RevisionNotKeptError, StoreUnavailableError
from rolecall.roles.repository import Head, RoleRepository
from rolecall.roles.role import Revision

T = TypeVar("T")

LARGE_COMMIT = 1_000
KNOWN_HASHES = 1_024
ALTERED_PAUSE = 60_000_000
"""After a load that found altered roles, none is tried for this many microseconds."""


class Reload(StrEnum):
    """Why the state was reloaded."""

    GAP = "gap"  # a commit is missing or was altered
    FORK = "fork"  # the store lost commits that had been applied
    INCARNATION = "incarnation"  # the store is another one, or was restored
    BEHIND = "behind"  # the next commits were pruned
    MISMATCH = "mismatch"  # a role in memory differed from the store


class _ForkedError(Exception):
    """A commit belongs to another history. The follower handles it itself."""


class Follower:
    """Applies the commits of a repository to a snapshot. For one event loop; reads run on `readers`.

    `clock` returns microseconds as `boottime_micros` does. `on_rename` is called with the token key and the name of another history
    at the moment its state takes effect; `on_reload` is called after every reload with the reason.

    `altered` says why the roles of the store are not those that servers wrote; empty: as far as is known, they are. `on_altered` is
    called with it when it changes. A load of such a store fails, and the state stays as it is.
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
        on_altered: Callable[[str], object] = lambda _problem: None,
    ) -> None:
        self._repository, self._readers, self.clock = repository, readers, clock
        self._on_rename, self._on_reload, self._on_altered = on_rename, on_reload, on_altered
        self.altered, self._retry_at = "", 0
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
        """Start with a state that was read from the store at the time `seen_at`."""
        self._become(snapshot)
        self.seen_at = seen_at

    async def apply_local(self, commit: Commit) -> None:
        """Apply a commit of this process; catch up instead if others precede it or it belongs to another history."""
        try:
            await self._apply(commit)
        except (ChangeGapError, _ForkedError):
            await self.catch_up()
        else:
            if self._hashes.get(commit.revision) != commit.hash:
                # The state may have another commit at this revision, from a history that the store has lost.
                await self.catch_up()

    async def catch_up(self) -> Revision:
        """Apply every commit made before this call; return the revision of the repository. Raise `StoreUnavailableError`.

        Callers that wait at the same time share one read, which starts after the last of them has called.
        """
        return await asyncio.shield(self._next_read())

    async def reload(self, reason: Reload) -> Revision:
        """Reload the state and return its revision; raise `StoreUnavailableError`."""
        began = self.clock()
        if self.altered and began < self._retry_at:
            raise AlteredRolesError(self.altered)
        if reason is Reload.FORK:
            expected = self.snapshot.incarnation
            await self._read(lambda: self._repository.rename_history(expected))
            # Counted now: if the load fails, the next attempt sees another incarnation and no fork.
            self.reloads[reason] += 1
        try:
            async with self._reloading:
                await self._reload_state()
        except AlteredRolesError as error:
            self.set_altered(str(error))
            # Reading every role again and again would use up the store and this process.
            self._retry_at = self.clock() + ALTERED_PAUSE
            raise
        self.set_altered("")
        if reason is not Reload.FORK:
            self.reloads[reason] += 1
        self._see(began)
        self._on_reload(reason)
        return self.snapshot.revision

    def set_altered(self, problem: str) -> None:
        """Note why the roles of the store are not those that servers wrote; empty: they were found to be."""
        if problem != self.altered:
            self.altered = problem
            self._on_altered(problem)

    def staleness(self) -> int:
        """Return an upper bound of the age of the state, in microseconds."""
        # No other process writes to an exclusive store, so the state has every acknowledged write.
        if self._exclusive and not self.snapshot.restored:
            return 0
        # `seen_at` is the time at which the last successful read of the head began, so this is never less than the truth.
        return self.clock() - self.seen_at

    def complete_until(self, revision: Revision) -> int | None:
        """Return a time: the state of a revision has every write that was acknowledged before it; None: not known."""
        return self.feed.complete_until(revision) if revision < self.feed.head else self._complete_until()

    def _complete_until(self) -> int:
        # A commit that is being applied has not been acknowledged by this process, and its store has no other.
        return self.clock() if self._exclusive and not self.snapshot.restored else self.seen_at

    def schedule_catch_up(self) -> None:
        """Start to catch up without waiting; a failure is raised to the next caller of `catch_up`."""
        self._next_read()

    def _next_read(self) -> asyncio.Task[Revision]:
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
            # Nobody may wait for it when it fails, and asyncio would log that as an error of its own.
            self._next.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._next

    async def _after(self, running: asyncio.Task[Revision] | None) -> Revision:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        return await self._follow()

    async def _follow(self) -> Revision:
        began, before = self.clock(), self.snapshot.revision
        head = await self._read(self._repository.head)
        if reason := self._contradiction(head, before):
            return await self.reload(reason)
        try:
            while self.snapshot.revision < head.revision:
                await self._apply_next_page()
        except (ChangeGapError, BrokenHistoryError):
            return await self.reload(Reload.GAP)
        except _ForkedError:
            return await self.reload(Reload.FORK)
        except RevisionNotKeptError:
            return await self.reload(Reload.BEHIND)
        self._see(began)
        return head.revision

    def _contradiction(self, head: Head, before: Revision) -> Reload | None:
        """Return why a head cannot belong to the followed history, if so. `before`: the revision before it was read."""
        if head.incarnation != self.snapshot.incarnation:
            return Reload.INCARNATION
        lost = head.revision < before
        other = head.revision == self.snapshot.revision and head.hash != self.snapshot.hash
        return Reload.FORK if lost or other else None

    def _see(self, began: int) -> None:
        self.seen_at = max(self.seen_at, began)
        self.snapshot.restored = False

    async def _apply_next_page(self) -> None:
        after = self.snapshot.revision
        commits = await self._read(lambda: self._repository.commits(after=after, limit=PAGE_COMMITS))
        if not commits:
            raise ChangeGapError(after, after)
        for commit in commits:
            await self._apply(commit)
            await asyncio.sleep(0)

    async def _apply(self, commit: Commit) -> None:
        """Apply a commit; a large one yields to other work in between."""
        async with self._applying:
            if commit.revision <= self.snapshot.revision:
                self._require_known(commit)
                return
            if commit.revision == self.snapshot.revision + 1 and commit.previous_hash != self.snapshot.hash:
                raise _ForkedError(commit.revision)
            with uncollected() if len(commit.changes) >= LARGE_COMMIT else nullcontext():
                await _in_steps(self.snapshot.applying(commit))
            self._remember_hash(commit)
            self.feed.add(commit, self._complete_until())
            if self._meanwhile is not None:
                self._meanwhile.append(commit)

    def _require_known(self, commit: Commit) -> None:
        if self._hashes.get(commit.revision, commit.hash) != commit.hash:
            raise _ForkedError(commit.revision)

    def _remember_hash(self, commit: Commit) -> None:
        self._hashes[commit.revision] = commit.hash
        if len(self._hashes) > KNOWN_HASHES:
            self._hashes.popitem(last=False)

    async def _reload_state(self) -> None:
        """Load the state, and apply the commits made by this process meanwhile, which would be lost with the old state."""
        self._meanwhile = []
        try:
            loaded = await self._read(lambda: load_snapshot(self._repository, kept=self.snapshot))
            key = await self._read(lambda: self._repository.token_key)
            await self._advance_to(loaded)
            async with self._applying:
                for commit in self._meanwhile:
                    # The load may have seen it already, or it may belong to a history that was lost.
                    if commit.previous_hash == loaded.hash:
                        await _in_steps(loaded.applying(commit))
                same = await self._read(lambda: loaded.equals(self.snapshot))
                self._become(loaded, key, restart=not same)
        finally:
            self._meanwhile = None

    async def _advance_to(self, loaded: Snapshot) -> None:
        """Apply the commits up to a loaded state, if it continues the followed history, so that watches need not restart."""
        with suppress(ChangeGapError, RevisionNotKeptError, StoreUnavailableError, _ForkedError):
            while loaded.incarnation == self.snapshot.incarnation and self.snapshot.revision < loaded.revision:
                await self._apply_next_page()

    def _become(self, loaded: Snapshot, key: bytes | None = None, *, restart: bool = True) -> None:
        before = self.snapshot.incarnation
        self.snapshot.replace(loaded)
        self._hashes = OrderedDict({self.snapshot.revision: self.snapshot.hash})
        if key is not None and self.snapshot.incarnation != before:
            self._on_rename(key, self.snapshot.incarnation)
        # A client that read a role which differs must read all roles again: no change will correct it.
        if restart:
            self.feed.restart(self.snapshot.revision)

    async def _read(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)


async def _in_steps(steps: Iterator[None]) -> None:
    for _ in steps:
        await asyncio.sleep(0)
