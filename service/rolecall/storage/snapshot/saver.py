"""Renews the snapshot file while a server runs.

The file is written anew when the state has changed since, and otherwise only told when the store was last seen. Writing takes a
twentieth of the time at most, however many roles there are. A state that the store has not confirmed yet is not kept: the
file that it came from says as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf
from time import monotonic, sleep

from rolecall.engine.follower import Follower
from rolecall.storage.snapshot.file import PAUSE_SECONDS, SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.format import SnapshotPosition
from rolecall.storage.snapshot.moment import Moment, read_boot_id

REST_FACTOR = 20
"""How many times the time of the last writing must pass before the next."""


class SnapshotSaver:
    """Keeps the state of a follower in a file. `token_key` gives the key of the store that is followed now."""

    def __init__(
        self,
        file: SnapshotFile,
        follower: Follower,
        *,
        token_key: Callable[[], bytes],
        on_change: Callable[[SnapshotFileError | None], object],
    ) -> None:
        self._file, self._follower, self._token_key, self._on_change = file, follower, token_key, on_change
        self._boot_id = read_boot_id()
        self._written, self._not_before = (-1, -1), 0.0
        self._until, self._renewing = inf, asyncio.Lock()
        self.saved = self.errors = 0
        self.failing = False

    async def run(self, seconds: float) -> None:
        """Renew the file now, and then in this interval, until cancelled."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="snapshot-file")
        try:
            while True:
                await self._renew(thread)
                await asyncio.sleep(seconds)
        finally:
            self._until = 0.0
            thread.shutdown(wait=False, cancel_futures=True)

    async def finish(self, seconds: float) -> None:
        """Bring the file up to date once more, for the last time, if that can be done in so many seconds."""
        self._not_before, self._until = 0.0, monotonic() + seconds
        with ThreadPoolExecutor(1, thread_name_prefix="snapshot-file") as thread:
            await self._renew(thread)

    async def _renew(self, thread: ThreadPoolExecutor) -> None:
        try:
            async with self._renewing:
                await self.renew(thread)
        except SnapshotFileError as error:
            self.errors += 1
            self._set_failing(error)
        else:
            self._set_failing(None)

    async def renew(self, thread: ThreadPoolExecutor) -> None:
        """Bring the file up to date once; raise `SnapshotFileError`."""
        snapshot, loop = self._follower.snapshot, asyncio.get_running_loop()
        if snapshot.restored:
            return
        position = SnapshotPosition(
            incarnation=snapshot.incarnation,
            revision=snapshot.revision,
            hash=snapshot.hash,
            token_key=self._token_key(),
        )
        seen = Moment.now(self._boot_id).before(self._follower.staleness())
        state = (self._follower.feed.generation, snapshot.revision)
        if state == self._written:
            await loop.run_in_executor(thread, self._file.touch, position, seen)
        elif monotonic() >= self._not_before:
            roles, began = (version.role for version in snapshot.versions()), monotonic()
            await loop.run_in_executor(thread, partial(self._file.write, position, roles, seen, pause=self._pause))
            self._written, self._not_before = state, monotonic() + REST_FACTOR * (monotonic() - began)
            self.saved += 1

    def _pause(self) -> None:
        """Let other threads run; a server that stops does not wait for its file: there is the one before."""
        if monotonic() > self._until:
            raise SnapshotFileError("the server stops before its snapshot file is written: the one before it stays")
        sleep(PAUSE_SECONDS)

    def _set_failing(self, error: SnapshotFileError | None) -> None:
        if (error is not None) != self.failing:
            self.failing = error is not None
            self._on_change(error)
