"""Several followers of one PostgreSQL, while several processes write: contiguous, monotone, as fresh as they report, and equal."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field

import pytest

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.consistency import AtLeastAsFresh, Consistency, FullyConsistent
from rolecall.engine.feed import Feed
from rolecall.engine.follower import Follower
from rolecall.engine.polling import Polling
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.change import Commit
from rolecall.roles.digest import state_digest
from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision
from rolecall.roles.tokens import Tokens
from rolecall.storage.open import migrate, open_repository
from tests.chaos.record import boottime
from tests.coherence.freshness import Acknowledgements
from tests.coherence.order import disorder
from tests.postgres import PostgresServer
from tests.storage.samples import all_commits

pytestmark = pytest.mark.long

FOLLOWERS, WRITERS, WRITES = 3, 3, 40


@dataclass(frozen=True)
class Acknowledged:
    """A write of another process: its revision, when its author received the answer, and a role that it wrote."""

    revision: Revision
    at: float
    key: str


class WatchedFeed(Feed):
    """Records each commit when the state has applied it, with the digest of that state."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._snapshot = snapshot
        self.applied: list[Revision] = []
        self.digests: dict[Revision, bytes] = {}

    def add(self, commit: Commit, complete_until: int) -> None:
        super().add(commit, complete_until)
        self.applied.append(commit.revision)
        self.digests[commit.revision] = state_digest(version.role for version in self._snapshot.versions())


@dataclass
class Replica:
    """A follower with a repository of its own, and observations of it: (when, revision, staleness in seconds)."""

    follower: Follower
    feed: WatchedFeed
    consistency: Consistency
    seen: list[tuple[float, int, float]] = field(default_factory=list)

    def observe(self) -> None:
        """Record the revision and staleness of an answer given now; nothing is awaited in between."""
        staleness = self.follower.staleness()
        self.seen.append((boottime(), self.follower.snapshot.revision, staleness / 1_000_000))


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    url = postgres_server.create_database()
    migrate(url)
    return url


@pytest.mark.parametrize("notified", [True, False], ids=["with notifications", "by polls alone"])
async def test_followers_of_one_store_agree_while_others_write(url: str, notified: bool) -> None:
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(following(url, notified=notified)) for _ in range(FOLLOWERS)]
        watching = asyncio.create_task(watched(replicas))

        acknowledged = [
            one for some in await asyncio.gather(*(wrote(url, n, replicas) for n in range(WRITERS))) for one in some
        ]
        for replica in replicas:
            await replica.consistency.reach(FullyConsistent())
        watching.cancel()

        with closing(open_repository(url)) as repository:
            committed = [commit.revision for commit in all_commits(repository)]
            digest = state_digest(repository.load())

    assert committed == list(range(1, len(committed) + 1))
    assert len(acknowledged) == len(committed) >= WRITERS * WRITES // 2
    for replica in replicas:
        assert list(disorder(replica.feed.applied, committed)) == []
        assert not any(replica.follower.reloads.values())
        assert replica.feed.digests[committed[-1]] == digest
        assert stale_answers(replica, acknowledged) == []
    assert len({tuple(sorted(replica.feed.digests.items())) for replica in replicas}) == 1


def test_the_checker_reports_an_answer_that_is_older_than_its_staleness() -> None:
    acknowledged = Acknowledgements([(10.0, 7), (11.0, 9), (11.5, 8)])

    assert acknowledged.missed(6, asked_at=12.0, staleness=1.5) == 7
    assert acknowledged.missed(7, asked_at=12.0, staleness=0.5) == 9
    assert acknowledged.missed(7, asked_at=12.0, staleness=1.5) == 0
    assert acknowledged.missed(0, asked_at=12.0, staleness=2.5) == 0


async def wrote(url: str, number: int, replicas: Sequence[Replica]) -> list[Acknowledged]:
    """Let a process write; show every replica the token of each write as soon as it is known."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    arguments = ["-m", "tests.coherence.writing_process", url, f"writer-{number}", str(WRITES)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    acknowledged = list[Acknowledged]()
    async for line in process.stdout:
        revision, at, key = line.split()
        acknowledged.append(Acknowledged(Revision(int(revision)), float(at), key.decode()))
        await asyncio.gather(*(honoured(replica, acknowledged[-1]) for replica in replicas))
    assert await process.wait() == 0
    return acknowledged


async def honoured(replica: Replica, write: Acknowledged) -> None:
    """Present the token of a write to a replica that did not make it."""
    await replica.consistency.reach(AtLeastAsFresh(token_of(replica, write.revision)))

    snapshot = replica.follower.snapshot
    version = snapshot.version(write.key)
    assert snapshot.revision >= write.revision
    # The role as that write left it, or as a later one did.
    assert version is None or version.role.revision >= write.revision


def token_of(replica: Replica, revision: Revision) -> str:
    tokens: Tokens = replica.consistency._tokens
    return tokens.consistency(revision)


def stale_answers(replica: Replica, acknowledged: Sequence[Acknowledged]) -> list[str]:
    """Return the observations of a replica that were older than their staleness."""
    known = Acknowledgements((write.at, write.revision) for write in acknowledged)
    return [
        f"{revision} at {at}, which says that it is at most {staleness} old, misses {missed}"
        for at, revision, staleness in replica.seen
        if (missed := known.missed(revision, asked_at=at, staleness=staleness))
    ]


async def watched(replicas: Sequence[Replica]) -> None:
    while True:
        for replica in replicas:
            replica.observe()
        await asyncio.sleep(0.002)


@asynccontextmanager
async def following(url: str, *, notified: bool) -> AsyncIterator[Replica]:
    """Yield a follower that polls, with a repository and threads of its own."""
    with opened(url) as repository, ThreadPoolExecutor(2) as readers:
        began, snapshot = boottime_micros(), load_snapshot(repository)
        tokens = Tokens(repository.token_key, snapshot.incarnation)
        follower = Follower(repository, Snapshot(), readers)
        follower.start(snapshot, began)
        feed = WatchedFeed(follower.snapshot)
        feed.restart(follower.snapshot.revision)
        follower.feed = feed
        polling = Polling(follower, seconds=0.3, jitter=lambda: 1.0, on_change=lambda _: None)
        notifications = repository.notifications() if notified else None
        tasks = [asyncio.create_task(polling.run())]
        tasks += [asyncio.create_task(polling.listen(notifications))] if notifications else []
        try:
            yield Replica(follower, feed, Consistency(follower, tokens))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


@contextmanager
def opened(url: str) -> Iterator[RoleRepository]:
    with closing(open_repository(url)) as repository:
        yield repository
