"""How much a replica does at a time, and what it waits for when it is closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.upstream import Upstream
from rolecall.server.replica import Replica
from tests.agent.serving import agent_config
from tests.server.serving import config, logger, until
from tests.server.test_replica import Store


class Work:
    """Work that ends when it is let, and how often it began and ended."""

    def __init__(self) -> None:
        self.end, self.begun, self.ended = threading.Event(), 0, 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.begun += 1
        self.end.wait(5)
        with self._lock:
            self.ended += 1

    async def begin(self, pool: ThreadPoolExecutor, count: int, at_once: int) -> int:
        """Give a pool so much work, wait until as much as expected has begun, and return what waits."""
        for _ in range(count):
            pool.submit(self)
        await until(lambda: self.begun == at_once)
        threads: Any = pool
        return int(threads._work_queue.qsize())


@pytest.fixture
async def work() -> AsyncIterator[Work]:
    made = Work()
    yield made
    made.end.set()


@pytest.fixture
async def replica() -> AsyncIterator[Replica]:
    made = Replica(config(), Store(), logger().logger)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("name", "at_once"), [("writing", 1), ("reading", 4), ("_polling", 2), ("parsing", 1), ("validating", 1)]
)
async def test_a_replica_writes_and_parses_one_by_one_reads_four_at_a_time_and_polls_beside_them(
    replica: Replica, work: Work, name: str, at_once: int
) -> None:
    waiting = await work.begin(getattr(replica, name), 6, at_once)

    others = [pool for pool in ("writing", "reading", "_polling", "parsing", "validating") if pool != name]
    for other in others:
        await asyncio.wrap_future(getattr(replica, other).submit(int))
    begun = work.begun
    work.end.set()
    assert (waiting, begun) == (6 - at_once, at_once)


@pytest.mark.parametrize("name", ["parsing", "validating"])
async def test_a_replica_that_is_closed_waits_for_no_document(replica: Replica, work: Work, name: str) -> None:
    await work.begin(getattr(replica, name), 3, 1)

    await replica.close()

    ended = work.ended
    work.end.set()
    await asyncio.to_thread(getattr(replica, name).shutdown)
    assert (ended, work.begun, work.ended) == (0, 1, 1)


async def test_an_agent_that_is_closed_waits_for_no_document(work: Work) -> None:
    settings, log = agent_config("127.0.0.1:1"), logger().logger
    agent = AgentReplica(settings, Upstream(settings, log), log)
    await work.begin(agent.parsing, 3, 1)

    await agent.close()

    ended = work.ended
    work.end.set()
    await asyncio.to_thread(agent.parsing.shutdown)
    assert (ended, work.begun, work.ended) == (0, 1, 1)


@pytest.mark.parametrize("name", ["writing", "reading", "_polling"])
async def test_a_replica_that_is_closed_waits_for_what_uses_its_store(work: Work, name: str) -> None:
    replica = Replica(config(), Store(), logger().logger)
    await work.begin(getattr(replica, name), 1, 1)

    closing = asyncio.create_task(replica.close())
    for _ in range(20):
        await asyncio.sleep(0)
    closed_early = closing.done()
    work.end.set()
    await closing

    assert not closed_early
    assert work.ended == 1
