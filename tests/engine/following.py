"""A follower and its repository: a store in memory to which others may write, which goes away, and which loses commits."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from rolecall.engine.consistency import Consistency
from rolecall.engine.follower import Follower, Reload
from rolecall.engine.reconciler import Reconciler
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.engine.writer import RoleWriter
from rolecall.roles.change import Author, ChangeKind, Commit
from rolecall.roles.commands import Written
from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import Head, Transaction
from rolecall.roles.role import Micros, Revision, Role
from rolecall.roles.tokens import Tokens
from rolecall.storage.memory import MemoryRoleRepository
from tests.engine.world import allow, document, role


class SharedMemory(MemoryRoleRepository):
    """The store in memory, as if other processes wrote to it too."""

    down = False

    @property
    def exclusive(self) -> bool:
        return False

    def head(self) -> Head:
        if self.down:
            raise StoreUnavailableError("down")
        return super().head()

    def saved(self) -> object:
        """Return what is kept now, for `put_back`."""
        return copy.deepcopy(self._state)

    def put_back(self, saved: object) -> None:
        """Lose what was committed since: as a failover to a replica that was behind does."""
        self._state = copy.deepcopy(saved)  # type: ignore[assignment]


def written(commit: Commit | None) -> Written[None]:
    """Return the result of a write that made a commit, or none."""
    return Written(result=None, revision=commit.revision if commit else Revision(0), commit=commit)


class Parts:
    def __init__(self) -> None:
        self.repository = SharedMemory()
        self.now, self.altered = 1_000_000, list[str]()
        self.readers, self.writers = ThreadPoolExecutor(2), ThreadPoolExecutor(1)
        self.tokens = Tokens(self.repository.token_key, self.repository.head().incarnation)
        self.follower = Follower(
            self.repository,
            load_snapshot(self.repository),
            self.readers,
            clock=lambda: self.now,
            on_rename=self.tokens.adopt,
            on_altered=self.altered.append,
        )
        self.writer = RoleWriter(self.follower, writing=self.writers, reading=self.readers)
        self.consistency = Consistency(self.follower, self.tokens, wait_seconds=0.5)

    def put(self, *names: str) -> Commit:
        def work(transaction: Transaction) -> None:
            for name in names:
                transaction.put(ChangeKind.CREATED, role(document(allow()), name=name, revision=transaction.revision))

        _, commit = self.repository.transact(Author(actor="test", time=Micros(0)), work)
        assert commit is not None
        return commit

    @property
    def reloads(self) -> dict[str, int]:
        """Return how often everything was read again, by reason, without those for which it never was."""
        return {reason.value: count for reason, count in self.follower.reloads.items() if count}

    def close(self) -> None:
        self.readers.shutdown()
        self.writers.shutdown()


def held(parts: Parts) -> set[str]:
    """Return the names of the roles in memory."""
    return {version.role.role_name for version in parts.follower.snapshot.versions()}


async def reload_that_waits(parts: Parts) -> tuple[asyncio.Task[Revision], threading.Event]:
    """Start a reload that has read every role, and ends when the event is set."""
    load, reading, go_on = parts.repository.load, asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(digest: StateDigest | None = None) -> Iterator[Role]:
        yield from list(load(digest))
        loop.call_soon_threadsafe(reading.set)
        go_on.wait(10)

    parts.repository.load = slow  # type: ignore[method-assign]
    reloading = asyncio.create_task(parts.follower.reload(Reload.MISMATCH))
    await reading.wait()
    return reloading, go_on


async def until(true: Callable[..., object]) -> None:
    """Return when something has become true; fail if it does not."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def stopped(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks, and return when they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


class Comparison:
    """A reconciler without pauses, and what it reported."""

    def __init__(self, parts: Parts) -> None:
        self.reported = list[Sequence[str]]()
        self.reconciler = Reconciler(
            parts.follower, parts.repository, parts.readers, on_mismatch=self.reported.append, pause=0
        )


def altered(role: Role) -> Role:
    return replace(role, description="altered by hand")
