"""The way to the repository: one thread that writes, a few that read, and a snapshot that has each write before its author."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from rolecall.engine.follower import Follower
from rolecall.roles.change import Commit
from rolecall.roles.errors import StoreUnavailableError

T = TypeVar("T")
W = TypeVar("W", bound="HasCommit")


class HasCommit(Protocol):
    """What a write returns: its commit, if it made one, and the revision at which its result is seen."""

    @property
    def revision(self) -> int:
        """Return the revision that a state must have reached to show the result."""
        ...

    @property
    def commit(self) -> Commit | None:
        """Return the commit to be applied."""
        ...


class RoleWriter:
    """Runs blocking work on the repository from the event loop."""

    def __init__(self, follower: Follower, *, writing: ThreadPoolExecutor, reading: ThreadPoolExecutor) -> None:
        self._follower, self._writing, self._reading = follower, writing, reading
        self._under_way: set[asyncio.Task[object]] = set()

    async def write(self, work: Callable[[], W]) -> W:
        """Run a write and apply what it committed; return its result once this process holds it.

        A caller that is cancelled meanwhile does not stop a write that has begun: it is done wholly. One that still waits for its
        turn is not begun any more.
        """
        submitted = self._writing.submit(work)
        task = asyncio.create_task(self._write(submitted))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        # Asked for, so that asyncio does not report a refusal that a caller has not waited for.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            submitted.cancel()
            raise

    async def read(self, work: Callable[[], T]) -> T:
        """Run a read and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, work)

    async def drain(self) -> None:
        """Wait until no write is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _write(self, submitted: Future[W]) -> W:
        try:
            written = await asyncio.wrap_future(submitted)
        except StoreUnavailableError:
            # Whether it was committed is not known: the state must not miss it if it was.
            asyncio.get_running_loop().call_soon(self._follower.schedule_catch_up)
            raise
        if written.commit is not None:
            await self._follower.apply_local(written.commit)
        elif written.revision > self._follower.snapshot.revision:
            # Of a repeat whose first try reached another replica, say.
            await self._follower.catch_up()
        return written
