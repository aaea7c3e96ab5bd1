"""Wall-clock time in the unit of the whole service: microseconds since the epoch."""

from __future__ import annotations

import time


def now_micros() -> int:
    """Return the current time: microseconds since the epoch."""
    return time.time_ns() // 1_000
