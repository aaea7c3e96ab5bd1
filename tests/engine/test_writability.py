"""Whether a store can write: what writes and trials say of it, and how often it is tried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from rolecall.engine import writability as module
from rolecall.engine.writability import Writability
from rolecall.roles.errors import RoleError, StoreUnavailableError, StoreUnsupportedError

FULL = StoreUnavailableError("the disk is full")


class Trials:
    """A store that is tried: each trial ends with the next of `results`, the last of them for good."""

    def __init__(self) -> None:
        self.results: list[RoleError | None] = [None]
        self.count = 0
        self.changes: list[RoleError | None] = []
        self.writability = Writability(self._try, on_change=self.changes.append)

    async def _try(self) -> None:
        self.count += 1
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if result is not None:
            raise result

    async def until(self, failing: bool) -> None:
        async with asyncio.timeout(20):
            while self.writability.failing is not failing:  # noqa: ASYNC110  (the state is what is tested)
                await asyncio.sleep(0.001)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the pauses take no time, and return them."""
    taken: list[float] = []
    original = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds >= module.FIRST_PAUSE_SECONDS:
            taken.append(seconds)
        await original(0)

    monkeypatch.setattr("rolecall.engine.writability.asyncio.sleep", sleep)
    return taken


@pytest.fixture
async def trials() -> AsyncIterator[Trials]:
    trials = Trials()
    task = asyncio.create_task(trials.writability.run())
    yield trials
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_store_that_writes_is_never_tried(trials: Trials, pauses: list[float]) -> None:
    trials.writability.note(None)
    await asyncio.sleep(0.01)

    assert (trials.writability.failing, trials.count, trials.changes, pauses) == (False, 0, [], [])


async def test_after_a_failed_write_the_store_is_tried_until_it_writes(trials: Trials, pauses: list[float]) -> None:
    trials.results = [FULL, StoreUnsupportedError("too new"), FULL, None]

    trials.writability.note(FULL)
    trials.writability.note(FULL)
    assert trials.writability.failing
    await trials.until(failing=False)

    assert trials.count == 4
    assert trials.changes == [FULL, None]
    assert pauses == [1, 2, 4, 8]


async def test_a_write_that_succeeds_ends_the_trials(trials: Trials, pauses: list[float]) -> None:
    trials.writability.note(FULL)
    trials.writability.note(None)
    await asyncio.sleep(0.01)

    assert (trials.writability.failing, trials.count, trials.changes) == (False, 0, [FULL, None])


async def test_a_trial_that_succeeds_where_writes_fail_is_repeated_more_and_more_seldom(
    trials: Trials, pauses: list[float]
) -> None:
    for _ in range(7):
        trials.writability.note(FULL)
        await trials.until(failing=False)
    trials.writability.note(None)
    trials.writability.note(FULL)
    await trials.until(failing=False)

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 1]
