from __future__ import annotations

import asyncio
from itertools import pairwise

from grpc_health.v1 import health_pb2 as pb

from rolecall.engine.pace import AT_ONCE, Pace
from rolecall.transport.services.health import Health


async def test_a_change_is_reported_to_many_watchers_a_few_at_a_time() -> None:
    health, reports, seen = Health(["s"]), 0, list[int]()

    async def watch() -> None:
        nonlocal reports
        async for _ in health.Watch(pb.HealthCheckRequest(service="s"), None):
            reports += 1

    tasks = [asyncio.create_task(watch()) for _ in range(500)]
    while reports < 500:  # noqa: ASYNC110
        await asyncio.sleep(0)
    # All of them wait for a change.
    await asyncio.sleep(0)
    health.set("s", serving=True)
    async with asyncio.timeout(20):
        while reports < 1_000:
            seen.append(reports)
            await asyncio.sleep(0)

    assert max(after - before for before, after in pairwise(seen)) <= AT_ONCE
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_a_watcher_waits_for_the_next_change_and_looks_once_for_each() -> None:
    health, looked, reports = Health(["s", "other"]), 0, list[int]()

    class Turns(Pace):
        async def turn(self) -> None:
            nonlocal looked
            looked += 1
            await asyncio.sleep(0)

    async def watch() -> None:
        async for answer in health.Watch(pb.HealthCheckRequest(service="s"), None):
            reports.append(answer.status)

    health._pace = Turns()
    watching, counts = asyncio.create_task(watch()), list[int]()
    for change in (None, "s", None, "other", "s"):
        if change:
            health.set(change, serving=True)
        for _ in range(20):
            await asyncio.sleep(0)
        counts.append(looked)
    watching.cancel()
    await asyncio.wait([watching])

    assert counts == [0, 1, 1, 2, 3]
    assert reports == [pb.HealthCheckResponse.NOT_SERVING, pb.HealthCheckResponse.SERVING]
