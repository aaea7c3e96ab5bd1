"""What a server follows and decides upon: the store, its roles in memory, and the way from the one to the other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeAlias

from structlog.typing import FilteringBoundLogger

from rolecall.config.settings import Config
from rolecall.engine.boottime import boottime_micros
from rolecall.engine.clock import now_micros
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.follower import Follower, Reload
from rolecall.engine.polling import Polling
from rolecall.engine.reconciler import Reconciler
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.engine.writer import RoleWriter
from rolecall.observability.metered_writer import MeteredWriter
from rolecall.roles.errors import RoleError, StoreUnavailableError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.tokens import Tokens
from rolecall.storage.snapshot.file import SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.key import read_key
from rolecall.storage.snapshot.restore import restore_snapshot
from rolecall.storage.snapshot.saver import SnapshotSaver

LAST_SNAPSHOT_SECONDS = 3.0
READING_THREADS = 4
POLLING_THREADS = 2
ROLES_BETWEEN_LINES = 100_000
JITTER = 0.1
FIRST_RETRY_SECONDS, MOST_RETRY_SECONDS = 0.2, 5.0


Work: TypeAlias = Callable[[], Coroutine[object, object, None]]
"""Something that runs beside the calls until it is cancelled."""


class Replica:
    """What is followed and decided upon: the store, its roles in memory, and the way from the one to the other.

    Before `load` or `restore_snapshot` it holds nothing, and its tokens are nobody's.
    """

    def __init__(self, config: Config, repository: RoleRepository, log: FilteringBoundLogger) -> None:
        self.repository, self._config, self._log = repository, config, log
        self.tokens, self._token_key = Tokens(b"", ""), b""
        self.snapshot = Snapshot()
        self.writing = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self.reading = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="store-reader")
        # Of its own: reads that wait for a database that is gone must not keep the polls from finding it again.
        self._polling = ThreadPoolExecutor(POLLING_THREADS, thread_name_prefix="store-follower")
        self.follower = Follower(
            repository, self.snapshot, self._polling, on_rename=self._adopt, on_reload=self._tell_of_reload
        )
        self.role_writer = RoleWriter(self.follower, writing=self.writing, reading=self.reading)
        self.writer = MeteredWriter(self.role_writer)
        self.polling = Polling(
            self.follower, seconds=config.poll_seconds, jitter=_jitter, on_change=self._tell_of_store
        )
        self.reconciler = Reconciler(self.follower, repository, self._polling, on_mismatch=self._tell_of_mismatch)
        self.file = _snapshot_file(config)
        self.keeper = self._keeper()
        self.waiting_because = "the state is not loaded"
        options = DecisionOptions(
            cache_entries=config.cache_entries,
            compiled_policies=config.compiled_policies,
            source_identity_needs_allow=config.source_identity_needs_allow,
        )
        self.point = DecisionPoint(self.snapshot, options, now_micros)

    async def load(self) -> None:
        """Read every role into memory; raise `StoreUnavailableError`. Large stores tell how far it is."""

        def progress(loaded: int, total: int) -> None:
            if loaded % ROLES_BETWEEN_LINES == 0 and loaded < total:
                loop.call_soon_threadsafe(partial(self._log.info, "loading", roles=loaded, of=total))

        loop, began = asyncio.get_running_loop(), boottime_micros()
        loaded = await loop.run_in_executor(self.reading, partial(load_snapshot, self.repository, progress=progress))
        key = await loop.run_in_executor(self.reading, lambda: self.repository.token_key)
        self._adopt(key, loaded.incarnation)
        self.follower.start(loaded, began)

    async def load_patiently(self) -> None:
        """Read every role into memory as soon as the store can be reached; a store of this machine is not waited for.

        While it cannot be reached, a snapshot file that is genuine and young enough will do.
        """
        pause = FIRST_RETRY_SECONDS
        while True:
            try:
                return await self.load()
            except StoreUnavailableError as error:
                if self.repository.exclusive:
                    raise
                self.waiting_because = f"the state is not loaded: {error}"
                self._log.warning("store_unavailable", error=str(error), retry_seconds=pause)
            if await self.restore_snapshot():
                return None
            await asyncio.sleep(pause)
            pause = min(pause * 2, MOST_RETRY_SECONDS)

    async def restore_snapshot(self) -> bool:
        """Take the state from the snapshot file; tell whether that was possible."""
        if self.file is None:
            return False
        limit, began = round(self._config.max_staleness_seconds * 1_000_000), boottime_micros()
        work = partial(restore_snapshot, self.file, max_age=limit)
        try:
            restored = await asyncio.get_running_loop().run_in_executor(self.reading, work)
        except SnapshotFileError as error:
            self._log.warning("not_restored", error=str(error))
            return False
        if restored.warning:
            self._log.warning("snapshot_file", error=restored.warning)
        self._adopt(restored.token_key, restored.snapshot.incarnation)
        # The age is that of a moment after `began`: reading on from there, the state would seem younger than it is.
        self.follower.start(restored.snapshot, began - restored.age)
        self._log.warning("restored", revision=self.snapshot.revision, age_seconds=restored.age / 1_000_000)
        return True

    def following(self) -> list[Work]:
        """Return what keeps the state in step with the store, each to be run until cancelled."""
        work: list[Work] = [self.polling.run]
        if not self.repository.exclusive:
            work.append(self._listen)
        if self._config.reconcile_seconds:
            work.append(partial(self.reconciler.run, self._config.reconcile_seconds))
        if self.keeper:
            work.append(partial(self.keeper.run, self._config.snapshot_seconds))
        return work

    async def keep(self) -> None:
        """Keep what is known in the snapshot file, before the process ends."""
        if self.keeper:
            await self.keeper.finish(LAST_SNAPSHOT_SECONDS)

    async def close(self) -> None:
        """Let go of the store when what is being written is; what has not begun by then is refused."""
        await asyncio.to_thread(self.repository.close)
        await self.role_writer.drain()
        for threads in (self.writing, self.reading, self._polling):
            await asyncio.to_thread(threads.shutdown)

    async def _listen(self) -> None:
        hints = self.repository.notifications()
        if hints is not None:
            await self.polling.listen(hints)

    def _keeper(self) -> SnapshotSaver | None:
        if self.file is None:
            return None
        return SnapshotSaver(self.file, self.follower, token_key=lambda: self._token_key, on_change=self._tell_of_file)

    def _adopt(self, token_key: bytes, incarnation: str) -> None:
        self._token_key = token_key
        self.tokens.adopt(token_key, incarnation)

    def _tell_of_store(self, error: RoleError | None) -> None:
        if error is None:
            self._log.info("store_reached", revision=self.snapshot.revision)
        else:
            self._log.warning("store_lost", error=str(error), revision=self.snapshot.revision)

    def _tell_of_reload(self, reason: Reload) -> None:
        self._log.error("reloaded", reason=reason.value, revision=self.snapshot.revision)

    def _tell_of_mismatch(self, keys: Sequence[str]) -> None:
        self._log.error("state_mismatch", roles=list(keys), revision=self.snapshot.revision)

    def _tell_of_file(self, error: SnapshotFileError | None) -> None:
        if error is None:
            self._log.info("snapshot_file_written")
        else:
            self._log.error("snapshot_file", error=str(error))


def _snapshot_file(config: Config) -> SnapshotFile | None:
    if not config.snapshot_file:
        return None
    return SnapshotFile(Path(config.snapshot_file), read_key(Path(config.snapshot_key_file)))


def _jitter() -> float:
    return random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (it spreads load, it hides nothing)
