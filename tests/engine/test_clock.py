from __future__ import annotations

import time

import pytest

from rolecall.engine.clock import now_micros


def test_the_wall_clock_is_read_in_whole_microseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123_456_999)

    assert now_micros() == 1_700_000_000_123_456
