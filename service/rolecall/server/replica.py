"""The replica of a store in memory: loaded or restored at the start, then kept in step with the store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from rolecall.config.options import decision_options
from rolecall.config.settings import Config
from rolecall.engine.boottime import boottime_micros
from rolecall.engine.clock import now_micros
from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.follower import Follower, Reload
from rolecall.engine.large_documents import LargeDocuments
from rolecall.engine.long_answers import LongAnswers
from rolecall.engine.polling import Polling
from rolecall.engine.reconciler import Reconciler
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.engine.turns import Turns
from rolecall.engine.writability import Writability
from rolecall.engine.writer import RoleWriter
from rolecall.observability.metered_writer import MeteredWriter
from rolecall.roles.errors import AlteredRolesError, RoleError, StoreUnavailableError
from rolecall.roles.repository import RoleRepository
from rolecall.roles.tokens import Tokens
from rolecall.server.background import BackgroundWork
from rolecall.storage.snapshot.file import SnapshotFile, SnapshotFileError
from rolecall.storage.snapshot.key import read_key
from rolecall.storage.snapshot.restore import restore_snapshot
from rolecall.storage.snapshot.saver import SnapshotSaver, StoredState
from rolecall.transport.codecs.decision import encode_decision

FINAL_SNAPSHOT_SECONDS = 3.0
READING_THREADS = 4
POLLING_THREADS = 2
ROLES_PER_PROGRESS_LINE = 100_000
JITTER = 0.1
FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.2, 5.0
ALTERED_RETRY_SECONDS = 60.0


class Replica:
    """The roles of a store in memory, and everything that keeps them in step with it.

    Empty, with tokens that match no store, until `load` or `restore_snapshot` succeeds. `startup_status` says why it is not loaded.
    """

    def __init__(self, config: Config, repository: RoleRepository, log: FilteringBoundLogger) -> None:
        self.repository, self._config, self._log = repository, config, log
        self.tokens, self._token_key = Tokens(b"", ""), b""
        self.snapshot = Snapshot()
        self.writing = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self.reading = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="store-reader")
        # Not `reading`: reads that wait for an unreachable database must not delay the polls that detect its return.
        self._polling = ThreadPoolExecutor(POLLING_THREADS, thread_name_prefix="store-follower")
        # One thread each: what is parsed shares the interpreter with the event loop.
        self.parsing = ThreadPoolExecutor(1, thread_name_prefix="policy-parser")
        self.validating = ThreadPoolExecutor(1, thread_name_prefix="policy-validator")
        self.follower = Follower(
            repository,
            self.snapshot,
            self._polling,
            on_rename=self._adopt,
            on_reload=self._log_reload,
            on_altered=self._log_altered,
        )
        self.writability = Writability(self._try_write, on_change=self._log_writability)
        self.role_writer = RoleWriter(
            self.follower, writing=self.writing, reading=self.reading, on_outcome=self.writability.note
        )
        self.writer = MeteredWriter(self.role_writer)
        self.polling = Polling(
            self.follower, seconds=config.poll_seconds, jitter=_jitter, on_change=self._log_store_change
        )
        self.reconciler = Reconciler(self.follower, repository, self._polling, on_mismatch=self._log_mismatch)
        self.file = _snapshot_file(config)
        self.saver = self._snapshot_saver()
        self.startup_status = "the state is not loaded"
        self.point = DecisionPoint(self.snapshot, decision_options(config), now_micros, encode=encode_decision)
        self.answers = LongAnswers(self.point, Turns(), LargeDocuments(self.point, self.parsing))

    async def load(self) -> None:
        """Read every role into memory, and log the progress for large stores; raise `StoreUnavailableError`."""

        def progress(loaded: int, total: int) -> None:
            if loaded % ROLES_PER_PROGRESS_LINE == 0 and loaded < total:
                loop.call_soon_threadsafe(partial(self._log.info, "loading", roles=loaded, of=total))

        loop, began = asyncio.get_running_loop(), boottime_micros()
        loaded = await loop.run_in_executor(self.reading, partial(load_snapshot, self.repository, progress=progress))
        key = await loop.run_in_executor(self.reading, lambda: self.repository.token_key)
        self._adopt(key, loaded.incarnation)
        self.follower.set_altered("")
        self.follower.start(loaded, began)

    async def load_with_retry(self) -> None:
        """Read every role into memory; retry while the store is unreachable, or restore a valid snapshot file instead.

        A store on this machine is not retried: raise `StoreUnavailableError`.
        """
        pause = FIRST_RETRY_SECONDS
        while True:
            try:
                return await self.load()
            except StoreUnavailableError as error:
                if self.repository.exclusive:
                    raise
                self.startup_status = f"the state is not loaded: {error}"
                if isinstance(error, AlteredRolesError):
                    # The next load would find the same, and reads every role.
                    self.follower.set_altered(str(error))
                    pause = ALTERED_RETRY_SECONDS
                self._log.warning("store_unavailable", error=str(error), retry_seconds=pause)
            if await self.restore_snapshot():
                return None
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_RETRY_SECONDS)

    async def restore_snapshot(self) -> bool:
        """Load the state from the snapshot file; return whether that was possible."""
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
        # Measured from `began`, so that the time that reading took counts towards the staleness.
        self.follower.start(restored.snapshot, began - restored.age)
        self._log.warning("restored", revision=self.snapshot.revision, age_seconds=restored.age / 1_000_000)
        return True

    def staleness(self) -> int:
        """Return an upper bound of the age of the state, in microseconds."""
        return self.follower.staleness()

    def administered(self) -> bool:
        """Return whether the store is reachable, can write, and has no roles that no server wrote."""
        return not (self.polling.counts.failing or self.writability.failing or self.follower.altered)

    def background_work(self) -> list[BackgroundWork]:
        """Return what keeps the state in step with the store, and the snapshot file with the state."""
        work: list[BackgroundWork] = [self.polling.run, self.writability.run]
        if not self.repository.exclusive:
            work.append(self._listen)
        if self._config.reconcile_seconds:
            work.append(partial(self.reconciler.run, self._config.reconcile_seconds))
        if self.saver:
            work.append(partial(self.saver.run, self._config.snapshot_seconds))
        return work

    async def save_snapshot(self) -> None:
        """Write the snapshot file a last time, before the process ends."""
        if self.saver:
            await self.saver.finish(FINAL_SNAPSHOT_SECONDS)

    async def close(self) -> None:
        """Close the store after the write in progress; writes that have not begun are refused."""
        await asyncio.to_thread(self.repository.close)
        await self.role_writer.drain()
        for threads in (self.writing, self.reading, self._polling):
            await asyncio.to_thread(threads.shutdown)
        for threads in (self.parsing, self.validating):
            threads.shutdown(wait=False, cancel_futures=True)

    async def _listen(self) -> None:
        hints = self.repository.notifications()
        if hints is not None:
            await self.polling.listen(hints)

    async def _try_write(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self.writing, self.repository.try_write)

    def _snapshot_saver(self) -> SnapshotSaver | None:
        if self.file is None:
            return None
        state = StoredState(self.follower, lambda: self._token_key)
        return SnapshotSaver(self.file, state, on_change=self._log_snapshot_file)

    def _adopt(self, token_key: bytes, incarnation: str) -> None:
        self._token_key = token_key
        self.tokens.adopt(token_key, incarnation)

    def _log_store_change(self, error: RoleError | None) -> None:
        if error is None:
            self._log.info("store_reached", revision=self.snapshot.revision)
        else:
            self._log.warning("store_lost", error=str(error), revision=self.snapshot.revision)

    def _log_writability(self, error: RoleError | None) -> None:
        if error is None:
            self._log.info("store_writable", revision=self.snapshot.revision)
        else:
            self._log.error("store_unwritable", error=str(error), revision=self.snapshot.revision)

    def _log_reload(self, reason: Reload) -> None:
        self._log.error("reloaded", reason=reason.value, revision=self.snapshot.revision)

    def _log_altered(self, problem: str) -> None:
        if problem:
            self._log.error("store_altered", error=problem, revision=self.snapshot.revision)
        else:
            self._log.info("store_proven", revision=self.snapshot.revision)

    def _log_mismatch(self, keys: Sequence[str]) -> None:
        self._log.error("state_mismatch", roles=list(keys), revision=self.snapshot.revision)

    def _log_snapshot_file(self, error: SnapshotFileError | None) -> None:
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
