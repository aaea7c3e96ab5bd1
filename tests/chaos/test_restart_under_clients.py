"""Two replicas that are restarted one after the other lose no call of either client, in any of the ways to ask."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient, RolecallError, query
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.chaos.asking import fully_consistent
from tests.chaos.environment import running_environment
from tests.chaos.isolation import isolate_connections
from tests.chaos.test_rolling_restart import created, restart_in_turn
from tests.engine.world import ALICE

pytestmark = pytest.mark.long

ASKED = query(ALICE, "app")
BATCH = [ASKED] * 20

WAYS = ["check", "batch", "stream", "write", "watch"]


@dataclass
class Seen:
    """What the callers saw: the processes that answered, how many answers there were of each way, and the errors."""

    ended: Event = field(default_factory=Event)
    processes: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def answered(self, way: str, decision: d.Decision | None = None) -> None:
        self.answers[way] += 1
        if decision is not None:
            assert decision.allowed
            self.processes.add(decision.decision_id.partition("-")[0])

    def failed(self, way: str, error: RolecallError) -> None:
        self.errors[f"{way}: {error.code} {error}"] += 1


def test_a_rolling_restart_of_two_replicas_is_seen_by_neither_client(tmp_path: Path, postgres_binaries: Path) -> None:
    isolate_connections()
    here, there = Seen(), Seen()
    with running_environment(2, tmp_path) as environment:
        consistency = created(environment)
        for replica in environment.replicas:
            fully_consistent(replica)  # a stream has no consistency: from now on both replicas have the role
        with RolecallClient(environment.target) as client, ThreadPoolExecutor(len(WAYS) + 1) as pool:
            asking = Threads(client, consistency, here).start(pool)
            asking.append(pool.submit(asyncio.run, Loop(environment.target, consistency, there).run()))
            try:
                restart_in_turn(environment, here.processes, there.processes)
            finally:
                here.ended.set()
                there.ended.set()
            for one in asking:
                one.result()

    for seen in (here, there):
        assert seen.errors == Counter()
        assert all(seen.answers[way] > 0 for way in WAYS)
        assert len(seen.processes) == 4  # both before the restarts, and both after them


_numbers = itertools.count()


def next_write() -> r.UpdateRoleRequest:
    return r.UpdateRoleRequest(role="written", description=f"write {next(_numbers)}")


@dataclass
class Threads:
    """Ask in every way with one client, each way on a thread of its own."""

    client: RolecallClient
    consistency: d.Consistency
    seen: Seen

    def start(self, pool: ThreadPoolExecutor) -> list[Future[None]]:
        return [pool.submit(self._noting, way) for way in WAYS]

    def _noting(self, way: str) -> None:
        try:
            getattr(self, way)()
        except RolecallError as error:
            self.seen.failed(way, error)

    def check(self) -> None:
        while not self.seen.ended.is_set():
            self.seen.answered("check", self.client.check(ASKED, consistency=self.consistency).decision)

    def batch(self) -> None:
        while not self.seen.ended.is_set():
            answer = self.client.batch_check(BATCH, consistency=self.consistency)
            self.seen.answered("batch", answer.results[-1].decision)

    def stream(self) -> None:
        for answer in self.client.stream(iter(self._queries()), in_flight=4):
            self.seen.answered("stream", answer.decision)

    def write(self) -> None:
        while not self.seen.ended.is_set():
            self.client.update_role(next_write())
            self.seen.answered("write")

    def watch(self) -> None:
        for _ in self.client.watch_roles():
            self.seen.answered("watch")
            if self.seen.ended.is_set():
                return

    def _queries(self) -> Iterator[d.AssumeRoleQuery]:
        while not self.seen.ended.is_set():
            yield ASKED


@dataclass
class Loop:
    """Ask in every way with one asynchronous client, each way in a task of its own."""

    target: str
    consistency: d.Consistency
    seen: Seen

    async def run(self) -> None:
        async with AsyncRolecallClient(self.target) as client:
            await asyncio.gather(*(self._noting(way, client) for way in WAYS))

    async def _noting(self, way: str, client: AsyncRolecallClient) -> None:
        try:
            await getattr(self, way)(client)
        except RolecallError as error:
            self.seen.failed(way, error)

    async def check(self, client: AsyncRolecallClient) -> None:
        while not self.seen.ended.is_set():
            # Several at once, so that they travel as batches.
            answers = await asyncio.gather(*(client.check(ASKED, consistency=self.consistency) for _ in range(8)))
            for answer in answers:
                self.seen.answered("check", answer.decision)

    async def batch(self, client: AsyncRolecallClient) -> None:
        while not self.seen.ended.is_set():
            answer = await client.batch_check(BATCH, consistency=self.consistency)
            self.seen.answered("batch", answer.results[-1].decision)

    async def stream(self, client: AsyncRolecallClient) -> None:
        async for answer in client.stream(self._queries(), in_flight=4):
            self.seen.answered("stream", answer.decision)

    async def write(self, client: AsyncRolecallClient) -> None:
        while not self.seen.ended.is_set():
            await client.update_role(next_write())
            self.seen.answered("write")

    async def watch(self, client: AsyncRolecallClient) -> None:
        async for _ in client.watch_roles():
            self.seen.answered("watch")
            if self.seen.ended.is_set():
                return

    async def _queries(self) -> AsyncIterator[d.AssumeRoleQuery]:
        while not self.seen.ended.is_set():
            yield ASKED
