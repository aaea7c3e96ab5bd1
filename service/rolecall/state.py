"""What a server follows and decides upon: the store, its roles in memory, and the way from the one to the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from rolecall.config import Config
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.follower import Follower, load_snapshot
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.writer import RoleWriter
from rolecall.observability.metered_writer import MeteredWriter
from rolecall.roles.repository import RoleRepository
from rolecall.roles.tokens import Tokens

READING_THREADS = 4
ROLES_BETWEEN_LINES = 100_000


class State:
    """What is followed and decided upon: the store, its roles in memory, and the way from the one to the other."""

    def __init__(self, config: Config, repository: RoleRepository) -> None:
        self.repository = repository
        self.incarnation = repository.head().incarnation
        self.tokens = Tokens(repository.token_key, self.incarnation)
        self.snapshot = Snapshot()
        self.writing = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self.reading = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="store-reader")
        self.follower = Follower(repository, self.snapshot, self.reading)
        self.role_writer = RoleWriter(self.follower, writing=self.writing, reading=self.reading)
        self.writer = MeteredWriter(self.role_writer)
        options = DecisionOptions(
            cache_entries=config.cache_entries,
            compiled_policies=config.compiled_policies,
            source_identity_needs_allow=config.source_identity_needs_allow,
        )
        self.point = DecisionPoint(self.snapshot, options, now_micros)

    async def load(self, tell: Callable[[int, int], object]) -> None:
        """Read every role into memory. At every hundred thousandth `tell` gets how many are loaded, and how many there are."""

        def progress(loaded: int, total: int) -> None:
            if loaded % ROLES_BETWEEN_LINES == 0 and loaded < total:
                loop.call_soon_threadsafe(tell, loaded, total)

        loop = asyncio.get_running_loop()
        load = partial(load_snapshot, self.repository, progress=progress)
        self.snapshot.replace(await loop.run_in_executor(self.reading, load))

    async def close(self) -> None:
        """Finish what is being written and let go of the store."""
        await self.role_writer.drain()
        self.writing.shutdown()
        self.reading.shutdown()
        self.repository.close()


def now_micros() -> int:
    """Return the time: microseconds since the epoch."""
    return time.time_ns() // 1_000
