from __future__ import annotations

import time

import pytest

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.clock import now_micros


def test_the_wall_clock_is_read_in_whole_microseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123_456_999)

    assert now_micros() == 1_700_000_000_123_456


def test_the_age_of_the_state_is_measured_in_whole_microseconds_on_a_clock_that_never_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "clock_gettime_ns", {time.CLOCK_BOOTTIME: 7_000_123_456_999}.__getitem__)

    assert boottime_micros() == 7_000_123_456
