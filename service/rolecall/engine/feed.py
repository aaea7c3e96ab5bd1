"""The newest commits in memory, shared by all watches.

1. The feed is bounded by the number of changes and by bytes; the newest commit stays whatever its size. Older commits are read
   from the store. A watch only has a cursor, its revision, so slow watches take no more memory than fast ones.
2. Waiting watches are woken in portions, so that thousands of them do not delay decisions.
3. `restart` starts a new generation, and a cursor of an earlier one is invalid.
"""

from __future__ import annotations

import asyncio
from collections import deque
from sys import getsizeof

from rolecall.roles.change import Commit
from rolecall.roles.role import Revision, Role

MAX_CHANGES = 10_000
MAX_BYTES = 32 * 1024 * 1024

WOKEN_AT_ONCE = 16
"""How many watches are woken before the event loop runs other work."""

_CHANGE_BYTES = 1_000
"""The approximate memory of a commit or a change without its texts."""


class Feed:
    """The newest commits up to the revision `head`; `added` counts the changes that ever were in it. For one event loop."""

    def __init__(self, *, max_changes: int = MAX_CHANGES, max_bytes: int = MAX_BYTES) -> None:
        self._max_changes, self._max_bytes = max_changes, max_bytes
        self._commits: deque[Commit] = deque()
        self._sizes: deque[int] = deque()
        self._complete: deque[int] = deque()
        self._changes = self._bytes = 0
        self._waiting: dict[asyncio.Future[None], None] = {}
        self.generation, self.head = 0, Revision(0)
        self.added = 0

    def add(self, commit: Commit, complete_until: int) -> None:
        """Add the next commit. One that is not new is ignored; one that does not follow the last clears the feed first.

        The state before it has every write that was acknowledged before `complete_until`.
        """
        if commit.revision <= self.head:
            return
        if commit.revision != self.head + 1:
            self._clear()
        self._append(commit, complete_until)
        self._wake()

    def restart(self, revision: Revision) -> None:
        """Clear the feed and start a new generation at a revision."""
        self._clear()
        self.generation += 1
        self.head = revision
        self._wake()

    def after(self, revision: Revision) -> Commit | None:
        """Return the next commit after a revision; None when it has left the feed, or there is none."""
        behind, count = self.head - revision, len(self._commits)
        return self._commits[count - behind] if 0 < behind <= count else None

    def complete_until(self, revision: Revision) -> int | None:
        """Return the time given with the next commit after a revision; None when there is no such commit in the feed."""
        behind, count = self.head - revision, len(self._commits)
        return self._complete[count - behind] if 0 < behind <= count else None

    async def wait(self, revision: Revision, generation: int, seconds: float) -> None:
        """Wait until there is a commit after a revision, or another generation, for at most `seconds`."""
        if self.generation != generation or self.head > revision:
            return
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _settle, woken)
        self._waiting[woken] = None
        try:
            await woken
        finally:
            timer.cancel()
            del self._waiting[woken]

    @property
    def waiting(self) -> int:
        """Return how many watches wait."""
        return len(self._waiting)

    @property
    def estimated_bytes(self) -> int:
        """Return the approximate memory of the commits."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._commits)

    def _append(self, commit: Commit, complete_until: int) -> None:
        self._commits.append(commit)
        self._complete.append(complete_until)
        self._sizes.append(self._size(commit))
        self._changes += len(commit.changes)
        self.added += len(commit.changes)
        self._bytes += self._sizes[-1]
        self.head = commit.revision
        while len(self._commits) > 1 and (self._changes > self._max_changes or self._bytes > self._max_bytes):
            self._changes -= len(self._commits.popleft().changes)
            self._bytes -= self._sizes.popleft()
            self._complete.popleft()

    def _size(self, commit: Commit) -> int:
        # A commit with too many changes is too large anyway; measuring it would delay other work.
        if len(commit.changes) > self._max_changes:
            return self._max_bytes
        return estimated_bytes(commit)

    def _clear(self) -> None:
        self._commits.clear()
        self._sizes.clear()
        self._complete.clear()
        self._changes = self._bytes = 0

    def _wake(self) -> None:
        if self._waiting:
            _wake_in_portions(asyncio.get_running_loop(), list(self._waiting))


def _wake_in_portions(loop: asyncio.AbstractEventLoop, waiting: list[asyncio.Future[None]]) -> None:
    for woken in waiting[-WOKEN_AT_ONCE:]:
        _settle(woken)
    del waiting[-WOKEN_AT_ONCE:]
    if waiting:
        loop.call_soon(_wake_in_portions, loop, waiting)


def _settle(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def estimated_bytes(commit: Commit) -> int:
    """Return the approximate memory of a commit."""
    return _CHANGE_BYTES + sum([role_bytes(change.role) for change in commit.changes])


def role_bytes(role: Role) -> int:
    """Return the approximate memory of a version of a role that nothing else keeps."""
    weight = _CHANGE_BYTES + getsizeof(role.document) + getsizeof(role.description)
    if tags := role.tags:
        weight += getsizeof(dict(tags)) + sum(map(getsizeof, tags)) + sum(map(getsizeof, tags.values()))
    return weight
