"""Many watches at once over real channels: all receive every change in order, and those that leave free everything."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from rolecall.engine.feed import Feed
from rolecall.roles.role import Revision
from rolecall_client.v1 import role_pb2, watch_pb2_grpc
from tests.server.serving import DOCUMENT, Served, until
from tests.transport.watching import Watching, watch, watchers

pytestmark = pytest.mark.long

PAGE_BYTES = 4_096
STREAMS_A_CONNECTION = 800


async def stubs(service: Served, count: int) -> AsyncIterator[Any]:
    """Give stubs with a connection each: one connection has at most a thousand streams."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(service.server.bound.address, options=options))
            for _ in range(count)
        ]
        yield [watch_pb2_grpc.WatchServiceStub(channel) for channel in channels]


@pytest.fixture
async def connections(service: Served) -> AsyncIterator[list[Any]]:
    async for made in stubs(service, 3):
        yield made


async def opened(service: Served, connections: list[Any], count: int) -> list[Watching]:
    """Open watches and read the first checkpoint of each. gRPC refuses calls when more than a thousand wait to be accepted."""
    made = list[Watching]()
    while len(made) < count:
        numbers = range(len(made), min(len(made) + 250, count))
        wave = [watch(service, stub=connections[number // STREAMS_A_CONNECTION]) for number in numbers]
        await asyncio.gather(*(watching.up_to(0) for watching in wave))
        made += wave
    return made


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


async def test_two_thousand_watches_receive_a_change(service: Served, connections: list[Any]) -> None:
    watchings = await opened(service, connections, 2_000)
    under_way = watchers(service)

    await service.create("app")
    await asyncio.gather(*(watching.up_to(1) for watching in watchings))

    assert under_way == 2_000
    assert {tuple(watching.names()) for watching in watchings} == {((1, role_pb2.CHANGE_KIND_CREATED, "app"),)}


async def test_calls_are_answered_while_thousands_of_watches_receive_a_change(
    service: Served, connections: list[Any]
) -> None:
    watchings = await opened(service, connections, 1_500)

    await service.create("app")
    role = await service.roles.GetRole(role_pb2.GetRoleRequest(role="app"), timeout=10)
    await asyncio.gather(*(watching.up_to(1) for watching in watchings))

    assert role.role.role_name == "app"
    assert len(service.server.grpc_server.limits.calls.calls) == 0


async def test_thousands_of_watches_that_come_and_leave_free_everything(
    service: Served, connections: list[Any]
) -> None:
    async def wave() -> None:
        watchings = await opened(service, connections, 600)
        # Some leave at once, and some while a change is being sent.
        creating = asyncio.create_task(service.create(f"r{service.server.replica.snapshot.revision}"))
        for watching in watchings:
            watching.stream.cancel()
        await creating
        await until(lambda: not watchers(service))

    await wave()
    before = resident_bytes()
    for _ in range(6):
        await wave()
    grown = resident_bytes() - before

    state, server = service.server.replica, service.server.grpc_server
    assert (watchers(service), state.follower.feed.waiting) == (0, 0)
    assert [len(concurrency.calls) for concurrency in server.concurrency_limits] == [0] * 7
    assert grown < 32 * 1024 * 1024
    assert sum(service.stats("WatchRoles").handled) == 4_200


class Log:
    """Writes roles, and returns every change as the store has it."""

    def __init__(self, service: Served, chance: random.Random) -> None:
        self._service, self._chance = service, chance
        self.revisions: list[int] = []

    async def write(self, number: int) -> None:
        if number % 7:
            await self._service.create(f"single-{number}")
            return
        await self._service.roles.ApplyRoles(self._upload(number))

    async def _upload(self, number: int) -> AsyncIterator[role_pb2.ApplyRolesRequest]:
        declared = [
            role_pb2.RoleDeclaration(
                role_name=f"shared-{n}", description=str(number), assume_role_policy_document=DOCUMENT
            )
            for n in self._chance.sample(range(40), 20)
        ]
        yield role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions())
        yield role_pb2.ApplyRolesRequest(roles=role_pb2.RoleChunk(roles=declared))

    def truth(self) -> list[tuple[int, str, str]]:
        """Return every change as the store has it."""
        commits = self._service.server.replica.repository.commits(after=Revision(0), limit=10_000)
        return [
            (commit.revision, change.kind.value, change.role.role_name)
            for commit in commits
            for change in commit.changes
        ]


async def follow(service: Served, chance: random.Random, last: int) -> list[tuple[int, str, str]]:
    """Watch to the end, leaving and resuming at random; return every change as it arrived."""
    arrived, token = list[tuple[int, str, str]](), ""
    while True:
        watching, stay = watch(service, token), chance.randint(1, 200)
        while stay or watching.checkpoint.token in {"", token}:
            stay -= stay > 0
            await watching.read()
            if watching.checkpoint.revision >= last:
                break
        # The changes after the last checkpoint are sent a second time.
        whole = [name for name in watching.names() if name[0] <= watching.checkpoint.revision]
        arrived += [
            (rev, role_pb2.ChangeKind.Name(kind).removeprefix("CHANGE_KIND_"), name) for rev, kind, name in whole
        ]
        token = watching.checkpoint.token
        watching.stream.cancel()
        if watching.checkpoint.revision >= last:
            return arrived


@pytest.mark.parametrize("feed_changes", [10, 10_000])
async def test_watches_that_leave_and_resume_at_random_receive_every_change_once_and_in_order(
    service: Served, feed_changes: int
) -> None:
    chance, writes = random.Random(feed_changes), 500
    log = Log(service, chance)
    service.server.replica.follower.feed = Feed(max_changes=feed_changes)
    followers = [asyncio.create_task(follow(service, random.Random(n), writes)) for n in range(5)]
    # All of them wait for changes before the first write.
    await until(lambda: service.server.replica.follower.feed.waiting == len(followers))

    for number in range(writes):
        await log.write(number)
    arrived = await asyncio.gather(*followers)

    truth = log.truth()
    assert truth[-1][0] == writes
    assert all(each == truth for each in arrived)
