"""Watching: what changes, told in order, without gap or duplicate, from a place on. A place is a revision and no less.

1. What is told comes from the feed; what has left it is read from the store, in small pages.
2. A checkpoint names a revision when every change up to it, and none after it, has been told: whoever applied them has the
   state of that revision. One comes first, one after each page of changes and each run of them, and one whenever there was
   none for a while.
3. The state as it is, is that of one revision: versions are held, not copied, while commits arrive. Few watches hold it, or
   a page of the store, at a time; the others wait for a place.
4. A watch that cannot go on from where it is says so, and ends.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Set as AbstractSet
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from rolecall.engine.consistency import AtLeastAsFresh, Consistency
from rolecall.engine.errors import ChangeGapError
from rolecall.engine.follower import Follower
from rolecall.engine.places import Slots
from rolecall.roles.change import ChangeKind, Commit
from rolecall.roles.errors import BrokenHistoryError, InvalidTokenError, RevisionNotKeptError, UnknownIncarnationError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision, Role
from rolecall.roles.tokens import Tokens

PASSED_OVER_AT_ONCE = 500
"""How many roles that a watch does not ask for are passed over before other work is let in."""


@dataclass(frozen=True, slots=True)
class RoleFound:
    """A role as it is, before the first change."""

    role: Role


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A write did something to a role, which is as the write left it, or as it last was."""

    revision: Revision
    kind: ChangeKind
    role: Role


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything up to a revision has been told."""

    revision: Revision


@dataclass(frozen=True, slots=True)
class ResyncRequired:
    """The watch cannot go on: whoever watches needs the state as it is again. The reason is a sentence."""

    reason: str


WatchEvent: TypeAlias = RoleFound | RoleChanged | Checkpoint | ResyncRequired

Tell: TypeAlias = "Callable[[WatchEvent], Awaitable[object]]"
"""Told each event; returns when it has been taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest:
    """From where on, and of which accounts (none: of every one). Without a token from now on; `with_state` excludes a token."""

    start_token: str = ""
    account_ids: AbstractSet[str] = frozenset()
    with_state: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What bounds watches: how long one may be silent, how many hold the state or a page at once, how large a page is."""

    silent_seconds: float = 4.0
    places: int = 8
    page_commits: int = 50


class RoleWatches:
    """Every watch of a process. Reads run on `readers`."""

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
        self.places = Slots(self.options.places)
        self._consistency, self._tokens = consistency, tokens

    async def run(self, asked: WatchRequest, tell: Tell) -> None:
        """Tell what happens; return only after `ResyncRequired`.

        Raise `InvalidTokenError`, `FutureRevisionError`, `RevisionNotReachedError`, `StoreUnavailableError`.
        """
        try:
            await _Watch(self, asked, tell).run()
        except _RESYNC as error:
            await tell(ResyncRequired(_REASONS.get(type(error)) or str(error)))

    async def reach(self, token: str) -> Revision:
        """Return the revision of a token, which this process has reached by then. Raise as `run`, or `UnknownIncarnationError`."""
        try:
            revision = self._tokens.revision_of(token)
        except InvalidTokenError:
            raise InvalidTokenError("start_token", _UNKNOWN_START) from None
        await self._consistency.reach(AtLeastAsFresh(token))
        return revision


class _OtherHistoryError(Exception):
    """The state was read again, and may be that of another history."""


class _Watch:
    """One watch. `_revision` is its place: everything up to there has been told."""

    def __init__(self, watches: RoleWatches, asked: WatchRequest, tell: Tell) -> None:
        self._watches, self._asked, self._tell = watches, asked, tell
        self._options, self._feed = watches.options, watches.follower.feed
        self._now = asyncio.get_running_loop().time
        self._revision, self._generation = self._feed.head, self._feed.generation
        self._due = -math.inf
        self._unconfirmed = False

    async def run(self) -> None:
        """Tell what happens until that is impossible."""
        if self._asked.with_state:
            await self._tell_state()
        elif self._asked.start_token:
            self._revision = await self._watches.reach(self._asked.start_token)
        while True:
            self._require_same_history()
            if self._revision >= self._feed.head:
                await self._rest()
            elif (held := self._feed.since(self._revision, self._options.page_commits)) is None:
                await self._tell_kept()
            else:
                await self._tell_commits(held)

    async def _rest(self) -> None:
        await self._confirm(anew=True)
        await self._feed.wait(self._revision, self._generation, self._due - self._now())

    async def _tell_state(self) -> None:
        place = self._watches.places.ask()
        try:
            await self._in_time(place, silent=True)
            self._generation, snapshot = self._feed.generation, self._watches.follower.snapshot
            versions, revision = snapshot.versions(), snapshot.revision
            for number, version in enumerate(versions, start=1):
                if self._asks_for(version.role):
                    await self._tell(RoleFound(version.role))
                if not number % PASSED_OVER_AT_ONCE:
                    await asyncio.sleep(0)
                    self._require_same_history()
            self._revision = revision
        finally:
            self._watches.places.leave(place)

    async def _tell_kept(self) -> None:
        """Tell the next page of what the feed no longer holds. What this process has not reached yet waits for it."""
        place = self._watches.places.ask()
        try:
            await self._in_time(place)
            await self._tell_commits(await self._page())
        finally:
            self._watches.places.leave(place)

    async def _page(self) -> list[Commit]:
        read = partial(self._watches.repository.commits, after=self._revision, limit=self._options.page_commits)
        reading = asyncio.get_running_loop().run_in_executor(self._watches.readers, read)
        try:
            await self._in_time(reading)
        finally:
            # Of a watch that has ended nobody waits for it: it need not begin.
            reading.cancel()
        self._require_same_history()
        commits = [commit for commit in reading.result() if commit.revision <= self._feed.head]
        if not commits:
            raise ChangeGapError(self._revision, self._feed.head)
        return commits

    async def _tell_commits(self, commits: Iterable[Commit]) -> None:
        await self._confirm(anew=True)
        for commit in commits:
            await self._confirm()
            if commit.revision != self._revision + 1:
                raise ChangeGapError(self._revision, commit.revision)
            told = await self._tell_changes(commit)
            self._revision = commit.revision
            self._unconfirmed |= told
        # Of a page that is passed over nothing is told, and nobody would be let in.
        await asyncio.sleep(0)

    async def _tell_changes(self, commit: Commit) -> bool:
        """Tell those changes that are asked for; tell whether there were any."""
        told = False
        for number, change in enumerate(commit.changes, start=1):
            if self._asks_for(change.role):
                await self._tell(RoleChanged(commit.revision, change.kind, change.role))
                told = True
            if not number % PASSED_OVER_AT_ONCE:
                await asyncio.sleep(0)
        return told

    async def _confirm(self, *, anew: bool = False) -> None:
        """Tell a checkpoint if one is due; `anew`: also if changes were told since the last one.

        Its token is made of the history that is followed now, so a place in another one must not be named.
        """
        self._require_same_history()
        if self._now() >= self._due or (anew and self._unconfirmed):
            self._due = self._now() + self._options.silent_seconds
            self._unconfirmed = False
            await self._tell(Checkpoint(self._revision))

    async def _in_time(self, future: asyncio.Future[Any], *, silent: bool = False) -> None:
        """Wait for something; tell checkpoints meanwhile, of which there is none before the state has been told."""
        while not future.done():
            await asyncio.wait([future], timeout=self._options.silent_seconds)
            if not (silent or future.done()):
                await self._confirm()

    def _asks_for(self, role: Role) -> bool:
        return not self._asked.account_ids or role.account_id in self._asked.account_ids

    def _require_same_history(self) -> None:
        if self._feed.generation != self._generation:
            raise _OtherHistoryError


_RESYNC = (BrokenHistoryError, ChangeGapError, RevisionNotKeptError, UnknownIncarnationError, _OtherHistoryError)
_AGAIN = "read the initial state again"
_UNKNOWN_START = f"`start_token` is not one that this store gave; start from one of a checkpoint, or {_AGAIN}"
_REASONS: dict[type[Exception], str] = {
    BrokenHistoryError: f"the changes after this place cannot be read as they were written; {_AGAIN}",
    ChangeGapError: f"changes after this place are missing; {_AGAIN}",
    RevisionNotKeptError: f"the changes after this place are not kept any more; {_AGAIN}",
    UnknownIncarnationError: f"the token comes from another history of the store; {_AGAIN}",
    _OtherHistoryError: f"the server has read everything again, perhaps from another history of the store; {_AGAIN}",
}
