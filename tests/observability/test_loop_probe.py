"""The lag of the event loop, measured with a clock that the test moves."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace

import pytest

from rolecall.observability.loop_probe import LoopProbe


class Clock:
    """A loop whose sleeps take as long as they should, and some more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *late: float) -> None:
        self.now, self.late, self.sweeps, self.slept = 1_000.0, list(late), 0, list[float]()
        monkeypatch.setattr("rolecall.observability.loop_probe.monotonic", lambda: self.now)
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: SimpleNamespace(time=lambda: self.now))
        monkeypatch.setattr(asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        if not self.late:
            raise asyncio.CancelledError
        self.slept.append(seconds)
        self.now += seconds + self.late.pop(0)

    def sweep(self) -> None:
        self.sweeps += 1


async def run(probe: LoopProbe, clock: Clock) -> None:
    with suppress(asyncio.CancelledError):
        await probe.run(clock.sweep)


async def test_the_lag_is_the_largest_delay_and_each_probe_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        clock = Clock(patch, 0.5, 2.0, 0.0, -0.125)
        probe = LoopProbe()
        await run(probe, clock)

    assert probe.lag_seconds == 2.0
    assert (clock.sweeps, clock.slept) == (4, [0.25] * 4)


async def test_a_probe_that_is_early_has_no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        clock = Clock(patch, -0.125)
        probe = LoopProbe()
        await run(probe, clock)

    assert probe.lag_seconds == 0.0


async def test_a_lag_is_forgotten_after_sixty_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        probe = LoopProbe()
        await run(probe, Clock(patch, 2.0, *[0.0] * 59))
        after_fifteen_seconds = probe.lag_seconds
        await run(probe, Clock(patch, 0.0))

    assert (after_fifteen_seconds, probe.lag_seconds) == (2.0, 0.0)


async def test_a_loop_that_has_not_run_for_more_than_thirty_seconds_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        clock = Clock(patch, 0.0)
        probe = LoopProbe()
        found = []
        for now in (1_030.0, 1_030.25):
            clock.now = now
            found.append(probe.stuck)
        await run(probe, clock)
        found.append(probe.stuck)

    assert found == [False, True, False]
