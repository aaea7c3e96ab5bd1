"""The replica of an agent: roles as a watch of the followed server sends them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

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
from rolecall.server.agent.upstream import Upstream
from rolecall.server.background import BackgroundWork
from rolecall.transport.codecs.decision import encode_decision
from rolecall_client.async_following import AsyncFollowing
from rolecall_client.v1 import watch_pb2 as w

FIRST_MESSAGE_SECONDS = 5.0
REFUSED_SECONDS = 30.0
"""After this time a watch that was refused is tried again: an operator may have given the agent its right."""


class AgentReplica:
    """The roles that an agent follows, and everything that keeps them up to date."""

    def __init__(self, config: AgentConfig, upstream: Upstream, log: FilteringBoundLogger) -> None:
        self.upstream, self._config = upstream, config
        self.followed = FollowedState(config.account)
        self.snapshot = self.followed.snapshot
        self.freshness = FollowedFreshness(self.followed, max_staleness_seconds=config.max_staleness_seconds)
        # A thread of its own: what is parsed shares the interpreter with the event loop.
        self.parsing = ThreadPoolExecutor(1, thread_name_prefix="policy-parser")
        self.point = DecisionPoint(self.snapshot, decision_options(config), now_micros, encode=encode_decision)
        self.answers = LongAnswers(self.point, Turns(), LargeDocuments(self.point, self.parsing))
        self.roles = FollowedRoles(self.followed, log)
        self.startup_status = "the state is not loaded: the followed server has not sent it yet"

    def staleness(self) -> int | None:
        """Return an upper bound of the age of the state, in microseconds; None: it is not known."""
        return self.followed.age(boottime_micros())

    def administered(self) -> bool:
        """Return False: roles are read and written on the followed server."""
        return False

    async def load(self) -> None:
        """Return when the state is whole; `background_work` brings that about."""
        await self.roles.whole.wait()

    def background_work(self) -> list[BackgroundWork]:
        """Return what keeps the state up to date."""
        return [self._follow]

    async def save_snapshot(self) -> None:
        """Do nothing: the state is read again from the followed server."""

    async def close(self) -> None:
        """End the watch, and close the connections."""
        self.parsing.shutdown(wait=False, cancel_futures=True)
        await self.upstream.close()

    async def _follow(self) -> None:
        """Follow until cancelled. A watch that was refused is tried again."""
        request = w.WatchRolesRequest(account_ids=self._config.account, include_initial_state=True)
        while True:
            self.roles.refused.clear()
            following = AsyncFollowing(self.roles, self.upstream.open_watch, request, timeout=FIRST_MESSAGE_SECONDS)
            following.start()
            try:
                await self.roles.refused.wait()
            finally:
                await following.close()
            await asyncio.sleep(REFUSED_SECONDS)
