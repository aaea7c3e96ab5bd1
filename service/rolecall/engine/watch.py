"""Watches: every change from a revision on, in order, without gap or duplicate.

1. Changes come from the feed; those that have left the feed are read from the store, a page at a time.
2. A checkpoint is sent at the start, after each page of changes, when the feed is drained, and when none was sent for
   `silent_seconds`. A client that applied everything before a checkpoint has exactly the state of its revision.
3. The initial state is that of one revision, although commits arrive while it is sent.
4. A watch that cannot continue without a gap ends with `ResyncRequired`.
5. A watch that waits for its client holds one role and no list, so slow clients take no memory that others wait for; few
   watches send at a time, so thousands of them do not delay decisions.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Any, TypeAlias

from rolecall.engine.consistency import AtLeastAsFresh, Consistency
from rolecall.engine.errors import ChangeGapError
from rolecall.engine.follower import Follower
from rolecall.engine.initial_state import InitialState, InitialStates
from rolecall.engine.pace import Pace
from rolecall.engine.stored_pages import StoredPage, StoredPages
from rolecall.engine.watch_events import (
    UNKNOWN_AGE,
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

CHECKPOINT_SPREAD = 0.25
"""Checkpoints come up to this part early, at random: those of thousands of watches do not come due together."""

Send: TypeAlias = "Callable[[WatchEvent], Awaitable[object]]"
"""Sends an event to the client; returns when flow control has accepted it."""


class Slots:
    """A bounded number of slots, given in the order of the requests. For one event loop."""

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
        self.slots = Slots(self.options.reads)
        self.states = InitialStates(self.options.states, self.options.state_seconds)
        self.pages = StoredPages(self.options.page_bytes)
        self.pace = Pace()
        self._consistency, self._tokens = consistency, tokens

    async def run(self, request: WatchRequest, send: Send) -> None:
        """Send events; return only after `ResyncRequired`.

        Raise `InvalidTokenError`, `FutureRevisionError`, `RevisionNotReachedError`, `StoreUnavailableError`,
        `InitialStateTooSlowError`.
        """
        try:
            await _Watch(self, request, send).run()
        except _RESYNC as error:
            await self.pace.turn()
            await send(ResyncRequired(_REASONS[type(error)]))

    async def reach(self, token: str) -> Revision:
        """Wait until this process has reached the revision of a token, and return it.

        Raise as `run`, or `UnknownIncarnationError`.
        """
        try:
            revision = self._tokens.revision_of(token, _START)
        except InvalidTokenError:
            raise InvalidTokenError(_START, _UNKNOWN_START) from None
        await self._consistency.reach(AtLeastAsFresh(token, _START))
        return revision


class _OtherHistoryError(Exception):
    """The state was reloaded, and may belong to another history."""


class _Watch:
    """One watch. Every change up to `_revision` has been sent, and the first `_passed` ones of the next commit."""

    def __init__(self, watches: RoleWatches, request: WatchRequest, send: Send) -> None:
        self._watches, self._request, self._send_now = watches, request, send
        self._options, self._feed = watches.options, watches.follower.feed
        self._now = asyncio.get_running_loop().time
        self._clock = watches.follower.clock
        self._opened = self._clock()
        self._complete_until = self._opened - UNKNOWN_AGE
        self._revision, self._generation = self._feed.head, self._feed.generation
        self._passed, self._unconfirmed = 0, False
        self._checkpoint_due = -math.inf

    async def run(self) -> None:
        """Send events until an error ends the watch."""
        if self._request.with_state:
            await self._send_state()
        elif self._request.start_token:
            self._revision = await self._watches.reach(self._request.start_token)
        while True:
            if self._revision >= self._feed.head:
                await self._wait_for_changes()
                continue
            if self._feed.after(self._revision):
                await self._send_commits(self._feed.after)
            else:
                await self._send_stored_page()
            # Before the next page is read: changes take effect at the client with the checkpoint that follows them.
            await self._checkpoint_if_due(after_changes=True)

    async def _wait_for_changes(self) -> None:
        await self._checkpoint_if_due()
        await self._feed.wait(self._revision, self._generation, self._checkpoint_due - self._now())

    async def _send_state(self) -> None:
        state = self._watches.states.join(self._watches.follower, self._now())
        self._generation = state.generation
        try:
            for number in range(state.count):
                await self._send_found(state, number)
        finally:
            self._watches.states.leave(state)
        self._revision = state.revision

    async def _send_found(self, state: InitialState, number: int) -> None:
        self._require_same_history()
        role = state.role(number)
        if self._covers(role):
            await self._send(RoleFound(role))
        elif not (number + 1) % ROLES_BETWEEN_AWAITS:
            await asyncio.sleep(0)

    async def _send_stored_page(self) -> None:
        """Send the next page of commits that have left the feed."""
        page = await self._read_page()
        self._watches.pages.add(page)
        try:
            await self._send_commits(page.after)
        finally:
            self._watches.pages.remove(page)

    async def _read_page(self) -> StoredPage:
        slot = self._watches.slots.acquire()
        try:
            await self._wait_for(slot)
            reading = asyncio.get_running_loop().run_in_executor(self._watches.readers, self._read)
            try:
                await self._wait_for(reading)
            finally:
                # When the watch has ended, a read that is still queued must not take a thread.
                reading.cancel()
        finally:
            self._watches.slots.release(slot)
        self._require_same_history()
        page = reading.result()
        # A commit above the head has not been applied by this process yet; it will come through the feed.
        page.commits = [commit for commit in page.commits if commit.revision <= self._feed.head]
        if not page.commits:
            raise ChangeGapError(self._revision, self._feed.head)
        return page

    def _read(self) -> StoredPage:
        return StoredPage(self._watches.repository.commits(after=self._revision, limit=self._options.page_commits))

    async def _send_commits(self, after: Callable[[Revision], Commit | None]) -> None:
        """Send as many commits as a page has, while `after` returns the next one."""
        for _ in range(self._options.page_commits):
            await self._checkpoint_if_due()
            if not await self._send_commit(after):
                break
        # A page of other accounts sends nothing, so nothing else yields to other work.
        await asyncio.sleep(0)

    async def _send_commit(self, after: Callable[[Revision], Commit | None]) -> bool:
        """Send the rest of the next commit; return whether `after` has returned it to its end."""
        while True:
            self._require_same_history()
            # Looked up for each change: a watch that waits for its client keeps no commit from being freed.
            commit = after(self._revision)
            if commit is None:
                return False
            if commit.revision != self._revision + 1:
                raise ChangeGapError(self._revision, commit.revision)
            change = self._next_change(commit)
            if change is None and self._passed >= len(commit.changes):
                self._revision, self._passed = commit.revision, 0
                return True
            del commit
            if change:
                self._unconfirmed = True
                await self._send(change)
            else:
                await asyncio.sleep(0)

    def _next_change(self, commit: Commit) -> RoleChanged | None:
        """Pass over the changes that the watch does not cover; return the next one that it does, None after many of them."""
        end = min(len(commit.changes), self._passed + ROLES_BETWEEN_AWAITS)
        while self._passed < end:
            change = commit.changes[self._passed]
            self._passed += 1
            if self._covers(change.role):
                return RoleChanged(commit.revision, change.kind, change.role)
        return None

    async def _send(self, event: WatchEvent) -> None:
        await self._watches.pace.turn()
        self._require_same_history()
        await self._send_now(event)

    async def _checkpoint_if_due(self, *, after_changes: bool = False) -> None:
        """Send a checkpoint if one is due; with `after_changes` also if changes were sent since the last one."""
        # The token of a checkpoint names the history that is followed now, so it must be the one of this watch.
        self._require_same_history()
        # A checkpoint is never inside a write.
        if self._passed:
            return
        if self._now() >= self._checkpoint_due or (after_changes and self._unconfirmed):
            early = CHECKPOINT_SPREAD * random.random()  # noqa: S311  (no secret)
            self._checkpoint_due = self._now() + self._options.silent_seconds * (1 - early)
            self._unconfirmed = False
            await self._send(self._checkpoint())

    def _checkpoint(self) -> Checkpoint:
        now, known = self._clock(), self._watches.follower.complete_until(self._revision)
        if known is not None:
            # A later revision has everything that an earlier one has, so this never becomes less.
            self._complete_until = max(self._complete_until, known)
        # The clock may have advanced between the two readings.
        staleness = max(0, now - self._complete_until)
        return Checkpoint(self._revision, staleness=staleness, stream_age=now - self._opened)

    async def _wait_for(self, future: asyncio.Future[Any]) -> None:
        """Wait for a future, and send checkpoints that become due meanwhile."""
        while not future.done():
            await asyncio.wait([future], timeout=self._options.silent_seconds)
            if not future.done():
                await self._checkpoint_if_due()

    def _covers(self, role: Role) -> bool:
        return not self._request.account_ids or role.account_id in self._request.account_ids

    def _require_same_history(self) -> None:
        if self._feed.generation != self._generation:
            raise _OtherHistoryError


_READ_STATE = "read the initial state again"
_START = "start_token"
_UNKNOWN_START = f"`{_START}` is not a token of this store; start from the token of a checkpoint, or {_READ_STATE}"
_REASONS: dict[type[Exception], str] = {
    BrokenHistoryError: f"the changes after this revision cannot be read as they were written; {_READ_STATE}",
    ChangeGapError: f"changes after this revision are missing; {_READ_STATE}",
    RevisionNotKeptError: f"the changes after this revision are no longer kept; {_READ_STATE}",
    UnknownIncarnationError: f"the token comes from another history of the store; {_READ_STATE}",
    _OtherHistoryError: f"the server reloaded its state, perhaps from another history of the store; {_READ_STATE}",
}
_RESYNC = tuple(_REASONS)
