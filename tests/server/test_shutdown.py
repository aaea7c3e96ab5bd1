"""A server stops in order: not ready, a delay, calls in progress, the snapshot file; at once when a second signal arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from rolecall.server.background import cancel, run_with_restarts
from rolecall.server.server import RolecallServer
from rolecall.server.shutdown import StopSignal, wait_until_done_or_set
from tests.server.serving import for_ever, idle_server, log_lines, logger


async def test_the_first_request_stops_in_order_and_the_second_at_once() -> None:
    stopping = StopSignal()
    assert (stopping.requested.is_set(), stopping.forced.is_set()) == (False, False)

    stopping.request()
    assert (stopping.requested.is_set(), stopping.forced.is_set()) == (True, False)

    stopping.request()
    assert (stopping.requested.is_set(), stopping.forced.is_set()) == (True, True)


async def test_a_delay_passes_or_is_cut_short_by_a_forced_stop() -> None:
    stopping = StopSignal()
    await stopping.sleep_unless_forced(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stopping.sleep_unless_forced(3_600), timeout=0.05)

    stopping.forced.set()

    async with asyncio.timeout(30):
        await stopping.sleep_unless_forced(3_600)


async def test_a_task_that_is_done_ends_the_wait_and_an_event_leaves_the_task_running() -> None:
    never, event = asyncio.Event(), asyncio.Event()
    done, running = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(for_ever())
    event.set()

    async with asyncio.timeout(30):
        await wait_until_done_or_set(done, never)
        await wait_until_done_or_set(running, event)

    await asyncio.sleep(0)

    assert done.done()
    assert asyncio.all_tasks() - {asyncio.current_task()} == {running}
    await cancel(running)
    assert running.cancelled()


class Steps:
    """Notes what a draining server does, in order."""

    def __init__(self, server: RolecallServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[object] = []
        self.grace_ends = asyncio.Event()
        self.server = server
        monkeypatch.setattr(server.grpc_server, "stop", self.stop)
        monkeypatch.setattr(server.replica, "save_snapshot", self.save)

    async def stop(self, grace: float) -> None:
        self.taken.append(("stop", grace, self.server.health.not_ready()))
        if grace:
            await self.grace_ends.wait()
        else:
            self.grace_ends.set()

    async def save(self) -> None:
        self.taken.append("save")


class NotedStop(StopSignal):
    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self.steps = steps

    async def sleep_unless_forced(self, seconds: float) -> None:
        self.steps.taken.append(("sleep", seconds, self.steps.server.health.not_ready()))


@pytest.fixture
async def steps() -> AsyncIterator[Steps]:
    async with idle_server(drain_delay_seconds=7, drain_grace_seconds=9) as server:
        server.health.start()
        with pytest.MonkeyPatch.context() as patch:
            yield Steps(server, patch)


STOPPING = ["the server is stopping"]


async def test_a_server_drains_with_the_delay_and_the_grace_of_its_settings(steps: Steps) -> None:
    steps.grace_ends.set()

    await steps.server.drain(NotedStop(steps))

    assert steps.taken == [("sleep", 7.0, STOPPING), ("stop", 9.0, STOPPING), "save"]


async def test_a_forced_stop_ends_the_calls_in_progress(steps: Steps) -> None:
    stopping = NotedStop(steps)
    stopping.forced.set()

    async with asyncio.timeout(30):
        await steps.server.drain(stopping)

    assert steps.taken == [("sleep", 7.0, STOPPING), ("stop", 9.0, STOPPING), ("stop", 0, STOPPING), "save"]


async def test_background_work_is_restarted_after_an_error_and_after_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    log, events = logger(), list[object]()

    async def work() -> None:
        events.append("work")
        if events.count("work") == 1:
            raise ZeroDivisionError("logged whole")

    async def sleep(seconds: float) -> None:
        events.append(seconds)
        if len(events) == 4:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with suppress(asyncio.CancelledError):
        await run_with_restarts(work, log.logger)

    assert events == ["work", 1.0, "work", 1.0]
    (line,) = log_lines(log.stream)
    assert (line["event"], line["level"]) == ("background_work_failed", "error")
    assert "ZeroDivisionError: logged whole" in line["exception"]
