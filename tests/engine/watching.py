"""Watches of a followed store, and what they have received."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from rolecall.engine.feed import Feed
from rolecall.engine.watch import RoleWatches
from rolecall.engine.watch_events import (
    Checkpoint,
    ResyncRequired,
    RoleChanged,
    RoleFound,
    WatchEvent,
    WatchOptions,
    WatchRequest,
)
from rolecall.roles.change import Author, ChangeKind
from rolecall.roles.repository import Transaction
from rolecall.roles.role import Micros, Revision, Role
from tests.engine.following import Parts
from tests.engine.world import ACCOUNT, allow, document, role

CREATED, UPDATED, DELETED = ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED

FROM_NOW = WatchRequest()

WITH_STATE = WatchRequest(with_state=True)


class World(Parts):
    """A followed store, and watches of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.watches = RoleWatches(
            self.repository,
            self.follower,
            self.readers,
            consistency=self.consistency,
            tokens=self.tokens,
            options=WatchOptions(**{"silent_seconds": 60.0, **options}),
        )

    async def write(self, *names: str, account: str = ACCOUNT, kind: ChangeKind = CREATED) -> int:
        """Write roles in one commit that is followed; return its revision."""

        def work(transaction: Transaction) -> None:
            for name in names:
                transaction.put(kind, made(name, transaction.revision, account))

        return await self.transact(work)

    async def delete(self, name: str) -> int:
        return await self.transact(lambda t: t.delete(t.roles([f"{ACCOUNT}/{name}"])[f"{ACCOUNT}/{name}"]))

    async def transact(self, work: Callable[[Transaction], object]) -> int:
        _, commit = self.repository.transact(Author(actor="test", time=Micros(0)), work)
        assert commit is not None
        await self.follower.apply_local(commit)
        return commit.revision

    def token(self, revision: int) -> str:
        return self.tokens.consistency(Revision(revision))

    def forget_feed(self) -> None:
        """Let the feed begin where the state is, as in a process that has just started."""
        self.follower.feed = Feed()
        self.follower.feed.restart(self.follower.snapshot.revision)


def made(name: str, revision: int, account: str = ACCOUNT) -> Role:
    """Return a role that Alice may assume."""
    return role(document(allow()), name=name, revision=revision, account=account)


def confirmed(revision: int) -> Checkpoint:
    """Return what equals each checkpoint of a revision, whatever its ages."""
    return Checkpoint(Revision(revision), staleness=0, stream_age=0)


class Received:
    """What a watch has received. `gate` lets each event through when it is set."""

    def __init__(self) -> None:
        self.events: list[WatchEvent] = []
        self.gate, self._news = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.stop_at_change = False

    async def __call__(self, event: WatchEvent) -> None:
        self.events.append(event)
        self._news.set()
        if self.stop_at_change and isinstance(event, RoleChanged):
            self.gate.clear()
        await self.gate.wait()

    async def up_to(self, revision: int, count: int = 1) -> list[WatchEvent]:
        """Return everything when a revision has been confirmed so many times."""
        return await self.until(lambda: self.events.count(confirmed(revision)) >= count)

    async def until(self, true: Callable[[], bool]) -> list[WatchEvent]:
        async with asyncio.timeout(20):
            while not true():
                self._news.clear()
                await self._news.wait()
        return self.events

    async def begun(self, kind: type[Any] = object) -> None:
        """Return when an event of a kind has been received."""
        await self.until(lambda: any(isinstance(event, kind) for event in self.events))

    @property
    def names(self) -> list[tuple[int, str, str]]:
        return [(e.revision, e.kind.value, e.role.role_name) for e in self.events if isinstance(e, RoleChanged)]

    @property
    def found(self) -> list[str]:
        return [event.role.role_name for event in self.events if isinstance(event, RoleFound)]


@asynccontextmanager
async def watching(
    world: World, asked: WatchRequest = FROM_NOW, *, held_up: bool = False, stop_at_change: bool = False
) -> AsyncIterator[Received]:
    """Watch until the end of the block; a watch that is held up has sent its first event, and its client does not read on."""
    received = Received()
    received.stop_at_change = stop_at_change
    if held_up:
        received.gate.clear()
    task = asyncio.create_task(world.watches.run(asked, received))
    await asyncio.sleep(0)
    try:
        yield received
    finally:
        task.cancel()
        await asyncio.wait([task])


async def ended(world: World, asked: WatchRequest) -> list[WatchEvent]:
    """Return all events of a watch that ends by itself."""
    received = Received()
    await asyncio.wait_for(world.watches.run(asked, received), 20)
    return received.events


def resync_of(events: list[WatchEvent]) -> str:
    """Return why the client must receive the state again."""
    assert isinstance(events[-1], ResyncRequired)
    return events[-1].reason


async def stopped(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks, and return when they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def no_news(_: WatchEvent) -> None:
    """Receive an event, and keep nothing of it."""
    return
