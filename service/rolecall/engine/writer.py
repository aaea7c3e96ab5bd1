"""Access to the repository from the event loop: one thread writes, a few read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from rolecall.engine.follower import Follower
from rolecall.roles.commands import Written
from rolecall.roles.errors import AlteredRolesError, StoreUnavailableError

T = TypeVar("T")


class StoreWriter(Protocol):
    """Runs work on the store without blocking the event loop."""

    async def write(self, work: Callable[[], Written[T]]) -> Written[T]:
        """Run a write and return its result once this process has applied it."""
        ...

    async def read(self, work: Callable[[], T]) -> T:
        """Run a read and return its result."""
        ...


class RoleWriter:
    """The `StoreWriter` of a follower's repository.

    `on_outcome` is called with None after each commit, and with the error of a write that the store could not make.
    """

    def __init__(
        self,
        follower: Follower,
        *,
        writing: ThreadPoolExecutor,
        reading: ThreadPoolExecutor,
        on_outcome: Callable[[StoreUnavailableError | None], object] = lambda _error: None,
    ) -> None:
        self._follower, self._writing, self._reading = follower, writing, reading
        self._on_outcome = on_outcome
        self._pending: set[asyncio.Task[object]] = set()

    async def write(self, work: Callable[[], Written[T]]) -> Written[T]:
        """Run a write, apply its commit, and return its result.

        When the caller is cancelled, a write that has started completes; one that is still queued is not started.
        """
        submitted = self._writing.submit(work)
        task = asyncio.create_task(self._write(submitted))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        # Retrieve the exception, or asyncio reports it as unhandled when the caller was cancelled.
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
        """Wait until no write is pending."""
        while self._pending:
            await asyncio.wait(self._pending)

    async def _write(self, submitted: Future[Written[T]]) -> Written[T]:
        try:
            written = await asyncio.wrap_future(submitted)
        except AlteredRolesError as error:
            self._follower.set_altered(str(error))
            raise
        except StoreUnavailableError as error:
            self._on_outcome(error)
            # The write may have been committed all the same, so look for it.
            asyncio.get_running_loop().call_soon(self._follower.schedule_catch_up)
            raise
        if written.commit is not None:
            self._on_outcome(None)
            await self._follower.apply_local(written.commit)
        elif written.revision > self._follower.snapshot.revision:
            # A repeated request whose first attempt was committed through another replica.
            await self._follower.catch_up()
        return written
