"""Saves the state of a running server to its snapshot file.

If the state has changed, the file is rewritten; otherwise only the time at which the store was last seen is updated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf
from time import monotonic, sleep
from typing import Protocol

from rolecall.engine.follower import Follower
from rolecall.engine.snapshot import Snapshot
from rolecall.storage.snapshot.file import SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.format import SnapshotPosition
from rolecall.storage.snapshot.moment import Moment, read_boot_id

PAUSE_SECONDS = 0.001
"""Twice the time that it takes to encode a frame of a hundred roles."""

REST_FACTOR = 20
"""After a write, the saver rests this many times its duration: writing takes at most about a twentieth of the time."""


class SavedState(Protocol):
    """A state that is saved. A state of another `generation` differs, even at the same revision."""

    @property
    def snapshot(self) -> Snapshot:
        """Return the roles."""
        ...

    @property
    def generation(self) -> int:
        """Return how often the whole state was exchanged."""
        ...

    def position(self) -> SnapshotPosition:
        """Return what identifies the state as it is now."""
        ...

    def staleness(self) -> int | None:
        """Return an upper bound of the age of the state, in microseconds; None: it is not known."""
        ...


class StoredState:
    """The state of a follower, as it is saved. `token_key` returns the key of the store that is followed."""

    def __init__(self, follower: Follower, token_key: Callable[[], bytes]) -> None:
        self._follower, self._token_key = follower, token_key
        self.snapshot, self.staleness = follower.snapshot, follower.staleness

    @property
    def generation(self) -> int:
        """Return how often the whole state was exchanged."""
        return self._follower.feed.generation

    def position(self) -> SnapshotPosition:
        """Return what identifies the state as it is now."""
        snapshot = self.snapshot
        return SnapshotPosition(
            incarnation=snapshot.incarnation,
            revision=snapshot.revision,
            hash=snapshot.hash,
            token_key=self._token_key(),
        )


class SnapshotSaver:
    """Saves a state to a file.

    `on_change` is called with the error when saving starts to fail, and with None when it succeeds again.
    """

    def __init__(
        self,
        file: SnapshotFile,
        state: SavedState,
        *,
        on_change: Callable[[SnapshotFileError | None], object],
    ) -> None:
        self._file, self._state, self._on_change = file, state, on_change
        self._boot_id = read_boot_id()
        self._written: tuple[int, int] | None = None
        self._not_before = -inf
        self._deadline, self._updating = inf, asyncio.Lock()
        self.saved = self.errors = 0
        self.failing = False

    async def run(self, seconds: float) -> None:
        """Update the file now, and then at this interval, until cancelled."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="snapshot-file")
        try:
            while True:
                await self._update(thread)
                await asyncio.sleep(seconds)
        finally:
            self._deadline = -inf
            thread.shutdown(wait=False)

    async def finish(self, seconds: float) -> None:
        """Update the file for the last time, if that takes no longer than `seconds`."""
        self._deadline = monotonic() + seconds
        with ThreadPoolExecutor(1, thread_name_prefix="snapshot-file") as thread:
            await self._update(thread, rests=False)

    async def _update(self, thread: ThreadPoolExecutor, *, rests: bool = True) -> None:
        try:
            async with self._updating:
                # Looked at only now: an earlier writing, which has just ended, began another rest.
                if not rests:
                    self._not_before = -inf
                await self.update(thread)
        except SnapshotFileError as error:
            self.errors += 1
            self._set_failing(error)
        else:
            self._set_failing(None)

    async def update(self, thread: ThreadPoolExecutor) -> None:
        """Update the file once; raise `SnapshotFileError`."""
        snapshot, loop = self._state.snapshot, asyncio.get_running_loop()
        staleness = self._state.staleness()
        # The store has not confirmed a restored state yet: saving it would make it appear fresh.
        if snapshot.restored or staleness is None:
            return
        position = self._state.position()
        seen = Moment.now(self._boot_id).before(staleness)
        state = (self._state.generation, snapshot.revision)
        if state == self._written:
            await loop.run_in_executor(thread, self._file.touch, position, seen)
        elif monotonic() >= self._not_before:
            roles, began = (version.role for version in snapshot.versions()), monotonic()
            await loop.run_in_executor(thread, partial(self._file.write, position, roles, seen, pause=self._pause))
            self._written, self._not_before = state, monotonic() + REST_FACTOR * (monotonic() - began)
            self.saved += 1

    def _pause(self) -> None:
        """Let other threads run; abort the writing once the server stops, which keeps the previous file."""
        if monotonic() > self._deadline:
            raise SnapshotFileError(
                "the server stopped before its snapshot file was written; the previous file remains"
            )
        sleep(PAUSE_SECONDS)

    def _set_failing(self, error: SnapshotFileError | None) -> None:
        if (error is not None) != self.failing:
            self.failing = error is not None
            self._on_change(error)
