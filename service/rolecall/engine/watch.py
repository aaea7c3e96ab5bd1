"""Watches: every change from a revision on, in order, without gap or duplicate.

1. Changes come from the feed; those that have left the feed are read from the store, a page at a time.
2. A checkpoint is sent at the start, after each page of changes, when the feed is drained, and when none was sent for
   `silent_seconds`. A client that applied everything before a checkpoint has exactly the state of its revision.
3. The initial state is that of one revision, although commits arrive while it is sent.
4. A watch that cannot continue without a gap ends with `ResyncRequired`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeAlias

from rolecall.engine.consistency import AtLeastAsFresh, Consistency
from rolecall.engine.errors import ChangeGapError
from rolecall.engine.follower import Follower
from rolecall.engine.watch_events import (
    Checkpoint,
    ResyncRequired,
    RoleChanged,
    RoleFound,
    WatchEvent,
    WatchOptions,
    WatchRequest,
)
from rolecall.roles.change import Commit
from rolecall.roles.errors import BrokenHistoryError, InvalidTokenError, RevisionNotKeptError, UnknownIncarnationError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision, Role
from rolecall.roles.tokens import Tokens

ROLES_BETWEEN_AWAITS = 500
"""How many roles of other accounts a watch skips before it yields to other work."""

Send: TypeAlias = "Callable[[WatchEvent], Awaitable[object]]"
"""Sends an event to the client; returns when flow control has accepted it."""


class Slots:
    """A bounded number of slots for work that takes memory, given in the order of the requests. For one event loop."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._queue: dict[asyncio.Future[None], None] = {}

    def acquire(self) -> asyncio.Future[None]:
        """Return a future that is done when a slot is assigned. Call `release` with it in any case."""
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._free:
            self._free -= 1
            slot.set_result(None)
        else:
            self._queue[slot] = None
        return slot

    def release(self, slot: asyncio.Future[None]) -> None:
        """Assign a slot to the first in the queue, or leave the queue if it was not assigned yet."""
        if not slot.done():
            del self._queue[slot]
        elif self._queue:
            first = next(iter(self._queue))
            del self._queue[first]
            first.set_result(None)
        else:
            self._free += 1

    @property
    def waiting(self) -> int:
        """Return the length of the queue."""
        return len(self._queue)


class RoleWatches:
    """The watches of a process. Reads run on `readers`."""

    def __init__(
        self,
        repository: RoleRepository,
        follower: Follower,
        readers: Executor,
        *,
        consistency: Consistency,
        tokens: Tokens,
        options: WatchOptions | None = None,
    ) -> None:
        self.repository, self.follower, self.readers = repository, follower, readers
        self.options = options or WatchOptions()
        self.slots = Slots(self.options.slots)
        self._consistency, self._tokens = consistency, tokens

    async def run(self, request: WatchRequest, send: Send) -> None:
        """Send events; return only after `ResyncRequired`.

        Raise `InvalidTokenError`, `FutureRevisionError`, `RevisionNotReachedError`, `StoreUnavailableError`.
        """
        try:
            await _Watch(self, request, send).run()
        except _RESYNC as error:
            await send(ResyncRequired(_REASONS[type(error)]))

    async def reach(self, token: str) -> Revision:
        """Wait until this process has reached the revision of a token, and return it.

        Raise as `run`, or `UnknownIncarnationError`.
        """
        try:
            revision = self._tokens.revision_of(token)
        except InvalidTokenError:
            raise InvalidTokenError("start_token", _UNKNOWN_START) from None
        await self._consistency.reach(AtLeastAsFresh(token))
        return revision


class _OtherHistoryError(Exception):
    """The state was reloaded, and may belong to another history."""


class _Watch:
    """One watch. Every change up to `_revision` has been sent."""

    def __init__(self, watches: RoleWatches, request: WatchRequest, send: Send) -> None:
        self._watches, self._request, self._send = watches, request, send
        self._options, self._feed = watches.options, watches.follower.feed
        self._now = asyncio.get_running_loop().time
        self._revision, self._generation = self._feed.head, self._feed.generation
        self._checkpoint_due = -math.inf
        self._unconfirmed = False

    async def run(self) -> None:
        """Send events until an error ends the watch."""
        if self._request.with_state:
            await self._send_state()
        elif self._request.start_token:
            self._revision = await self._watches.reach(self._request.start_token)
        while True:
            if self._revision >= self._feed.head:
                await self._wait_for_changes()
            elif (commits := self._feed.since(self._revision, self._options.page_commits)) is None:
                await self._send_stored_page()
            else:
                await self._send_commits(commits)

    async def _wait_for_changes(self) -> None:
        await self._checkpoint_if_due(after_changes=True)
        await self._feed.wait(self._revision, self._generation, self._checkpoint_due - self._now())

    async def _send_state(self) -> None:
        slot = self._watches.slots.acquire()
        try:
            await self._wait_for(slot, with_checkpoints=False)
            self._generation, snapshot = self._feed.generation, self._watches.follower.snapshot
            # A list of its own: commits that arrive while it is sent do not change it.
            versions, revision = snapshot.versions(), snapshot.revision
            for number, version in enumerate(versions, start=1):
                if self._covers(version.role):
                    await self._send(RoleFound(version.role))
                if not number % ROLES_BETWEEN_AWAITS:
                    await asyncio.sleep(0)
                    self._require_same_history()
            self._revision = revision
        finally:
            self._watches.slots.release(slot)

    async def _send_stored_page(self) -> None:
        """Send the next page of commits that have left the feed."""
        slot = self._watches.slots.acquire()
        try:
            await self._wait_for(slot)
            await self._send_commits(await self._read_page())
        finally:
            self._watches.slots.release(slot)

    async def _read_page(self) -> list[Commit]:
        read = partial(self._watches.repository.commits, after=self._revision, limit=self._options.page_commits)
        reading = asyncio.get_running_loop().run_in_executor(self._watches.readers, read)
        try:
            await self._wait_for(reading)
        finally:
            # When the watch has ended, a read that is still queued must not take a thread.
            reading.cancel()
        self._require_same_history()
        # A commit above the head has not been applied by this process yet; it will come through the feed.
        commits = [commit for commit in reading.result() if commit.revision <= self._feed.head]
        if not commits:
            raise ChangeGapError(self._revision, self._feed.head)
        return commits

    async def _send_commits(self, commits: Iterable[Commit]) -> None:
        await self._checkpoint_if_due(after_changes=True)
        for commit in commits:
            await self._checkpoint_if_due()
            if commit.revision != self._revision + 1:
                raise ChangeGapError(self._revision, commit.revision)
            sent = await self._send_changes(commit)
            self._unconfirmed |= sent
            self._revision = commit.revision
        # A page of other accounts sends nothing, so nothing else yields to other work.
        await asyncio.sleep(0)

    async def _send_changes(self, commit: Commit) -> bool:
        """Send the changes of the accounts that the watch covers; return whether there were any."""
        sent = False
        for number, change in enumerate(commit.changes, start=1):
            if self._covers(change.role):
                await self._send(RoleChanged(commit.revision, change.kind, change.role))
                sent = True
            if not number % ROLES_BETWEEN_AWAITS:
                await asyncio.sleep(0)
        return sent

    async def _checkpoint_if_due(self, *, after_changes: bool = False) -> None:
        """Send a checkpoint if one is due; with `after_changes` also if changes were sent since the last one."""
        # The token of a checkpoint names the history that is followed now, so it must be the one of this watch.
        self._require_same_history()
        if self._now() >= self._checkpoint_due or (after_changes and self._unconfirmed):
            self._checkpoint_due = self._now() + self._options.silent_seconds
            self._unconfirmed = False
            await self._send(Checkpoint(self._revision))

    async def _wait_for(self, future: asyncio.Future[Any], *, with_checkpoints: bool = True) -> None:
        """Wait for a future, and send checkpoints that become due meanwhile."""
        while not future.done():
            await asyncio.wait([future], timeout=self._options.silent_seconds)
            if with_checkpoints and not future.done():
                await self._checkpoint_if_due()

    def _covers(self, role: Role) -> bool:
        return not self._request.account_ids or role.account_id in self._request.account_ids

    def _require_same_history(self) -> None:
        if self._feed.generation != self._generation:
            raise _OtherHistoryError


_READ_STATE = "read the initial state again"
_UNKNOWN_START = f"`start_token` is not a token of this store; start from the token of a checkpoint, or {_READ_STATE}"
_REASONS: dict[type[Exception], str] = {
    BrokenHistoryError: f"the changes after this revision cannot be read as they were written; {_READ_STATE}",
    ChangeGapError: f"changes after this revision are missing; {_READ_STATE}",
    RevisionNotKeptError: f"the changes after this revision are no longer kept; {_READ_STATE}",
    UnknownIncarnationError: f"the token comes from another history of the store; {_READ_STATE}",
    _OtherHistoryError: f"the server reloaded its state, perhaps from another history of the store; {_READ_STATE}",
}
_RESYNC = tuple(_REASONS)
