"""The replica of an agent: roles as a watch of the followed server sends them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from structlog.typing import FilteringBoundLogger

from rolecall.config.agent_settings import AgentConfig
from rolecall.config.options import decision_options
from rolecall.engine.boottime import boottime_micros
from rolecall.engine.clock import now_micros
from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.followed_freshness import FollowedFreshness
from rolecall.engine.followed_state import FollowedState
from rolecall.engine.large_documents import LargeDocuments
from rolecall.engine.long_answers import LongAnswers
from rolecall.engine.turns import Turns
from rolecall.server.agent.following import FollowedRoles
from rolecall.server.agent.saved_state import SavedFollowedState, followed_by, restore_followed, snapshot_file
from rolecall.server.agent.upstream import RECONNECT_SECONDS, Upstream
from rolecall.server.background import BackgroundWork
from rolecall.storage.snapshot.file import SnapshotFileError
from rolecall.storage.snapshot.saver import SnapshotSaver
from rolecall.transport.codecs.decision import encode_decision
from rolecall_client.async_following import AsyncFollowing
from rolecall_client.v1 import watch_pb2 as w

FINAL_SNAPSHOT_SECONDS = 3.0
FIRST_MESSAGE_SECONDS = 5.0
REFUSED_SECONDS = 30.0
"""After this time a watch that was refused is tried again: an operator may have given the agent its right."""


class AgentReplica:
    """The roles that an agent follows, and everything that keeps them up to date."""

    def __init__(self, config: AgentConfig, upstream: Upstream, log: FilteringBoundLogger) -> None:
        self.upstream, self._config, self._log = upstream, config, log
        self.followed = FollowedState(config.account)
        self.snapshot = self.followed.snapshot
        self.freshness = FollowedFreshness(self.followed, max_staleness_seconds=config.max_staleness_seconds)
        # A thread of its own: what is parsed shares the interpreter with the event loop.
        self.parsing = ThreadPoolExecutor(1, thread_name_prefix="policy-parser")
        self.point = DecisionPoint(self.snapshot, decision_options(config), now_micros, encode=encode_decision)
        self.answers = LongAnswers(self.point, Turns(), LargeDocuments(self.point, self.parsing))
        self.roles = FollowedRoles(self.followed, log)
        self.file = snapshot_file(config)
        self.saver = self._snapshot_saver()

    @property
    def startup_status(self) -> str:
        """Return why the state is not loaded."""
        return f"the state is not loaded: the followed server has not sent it: {self.roles.error or 'not yet'}"

    def staleness(self) -> int | None:
        """Return an upper bound of the age of the state, in microseconds; None: it is not known."""
        return self.followed.age(boottime_micros())

    def administered(self) -> bool:
        """Return False: roles are read and written on the followed server."""
        return False

    async def load(self) -> None:
        """Return when there is a state: that of the followed server, or while it is away that of a valid snapshot file.

        `following` brings the former about.
        """
        await self.roles.answered.wait()
        if not self.roles.whole.is_set() and await self.restore():
            return
        await self.roles.whole.wait()

    async def restore(self) -> bool:
        """Load the state from the snapshot file; return whether that was possible."""
        if self.file is None:
            return False
        limit, began = round(self._config.max_staleness_seconds * 1_000_000), boottime_micros()
        work = partial(restore_followed, self.file, followed_by(self._config), max_age=limit)
        try:
            restored = await asyncio.get_running_loop().run_in_executor(None, work)
        except SnapshotFileError as error:
            self._log.warning("not_restored", error=str(error))
            return False
        if restored.warning:
            self._log.warning("snapshot_file", error=restored.warning)
        # The followed server may have answered meanwhile. Its state is never older.
        if not self.roles.whole.is_set():
            # Measured from `began`, so that the time that reading took counts towards the staleness.
            self.followed.restore(restored.snapshot, restored.token, age=restored.age, now=began)
            self._log.warning("restored", revision=self.snapshot.revision, age_seconds=restored.age / 1_000_000)
        return True

    def background_work(self) -> list[BackgroundWork]:
        """Return what keeps the snapshot file in step with the state."""
        return [partial(self.saver.run, self._config.snapshot_seconds)] if self.saver else []

    async def save_snapshot(self) -> None:
        """Write the snapshot file a last time, before the process ends."""
        if self.saver:
            await self.saver.finish(FINAL_SNAPSHOT_SECONDS)

    async def close(self) -> None:
        """End the watch, and close the connections."""
        self.parsing.shutdown(wait=False, cancel_futures=True)
        await self.upstream.close()

    async def follow(self) -> None:
        """Keep the state up to date until cancelled. A watch that was refused is tried again."""
        request = w.WatchRolesRequest(account_ids=self._config.account, include_initial_state=True)
        following = AsyncFollowing(
            self.roles,
            self.upstream.open_watch,
            request,
            timeout=FIRST_MESSAGE_SECONDS,
            refused_pause=REFUSED_SECONDS,
            longest_pause=RECONNECT_SECONDS,
        )
        following.start()
        try:
            await following.wait()
        finally:
            await following.close()

    def _snapshot_saver(self) -> SnapshotSaver | None:
        if self.file is None:
            return None
        state = SavedFollowedState(self.followed, followed_by(self._config))
        return SnapshotSaver(self.file, state, on_change=self._log_snapshot_file)

    def _log_snapshot_file(self, error: SnapshotFileError | None) -> None:
        if error is None:
            self._log.info("snapshot_file_written")
        else:
            self._log.error("snapshot_file", error=str(error))
