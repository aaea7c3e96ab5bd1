"""Retention: what is pruned, how often, and what is logged of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest

from rolecall.roles.errors import StoreUnavailableError
from rolecall.server import retention as module
from rolecall.server.retention import Retention
from tests.server.serving import config, idle_server, log_lines, logger

NOW = 1_700_000_000_000_000
DAY = 86_400_000_000


async def test_history_and_requests_older_than_the_days_are_pruned_except_for_the_newest_revisions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, Any]] = []

    def prune(**given: Any) -> int:
        asked.append(given)
        return 5

    monkeypatch.setattr(module, "now_micros", lambda: NOW)
    async with idle_server(retention_days=7, retention_revisions=11) as server:
        monkeypatch.setattr(server.replica.repository, "prune", prune)

        assert server.retention.prune() == 5

    oldest = NOW - 7 * DAY
    assert asked == [{"keep_after": oldest, "keep_revisions": 11, "forget_requests_before": oldest}]


async def test_each_hour_what_was_removed_is_logged_and_an_outage_too(monkeypatch: pytest.MonkeyPatch) -> None:
    log, pauses, outcomes = logger(), list[float](), [3, 0, StoreUnavailableError("gone"), 1]

    def prune() -> int:
        outcome = outcomes[len(pauses)]
        if isinstance(outcome, Exception):
            raise outcome
        return cast("int", outcome)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == len(outcomes):
            raise asyncio.CancelledError

    async with idle_server() as server:
        retention = Retention(server.replica, config(), log.logger)
        monkeypatch.setattr(retention, "prune", prune)
        with monkeypatch.context() as patched, suppress(asyncio.CancelledError):
            patched.setattr(asyncio, "sleep", sleep)
            await retention.run()

    assert pauses == [3_600.0] * 4
    assert log_lines(log.stream) == [
        {"event": "retention", "level": "info", "forgotten_revisions": 3},
        {"event": "retention", "level": "warning", "error": "gone"},
        {"event": "retention", "level": "info", "forgotten_revisions": 1},
    ]
