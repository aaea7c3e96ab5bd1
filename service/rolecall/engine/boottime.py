"""The clock that measures the age of the state."""

from __future__ import annotations

import sys
import time

# Elsewhere the monotonic clock, which continues while the process is stopped, but not while the machine sleeps.
_CLOCK = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC


def boottime_micros() -> int:
    """Return microseconds on a clock that cannot be set, and that continues while the process is stopped or the machine sleeps."""
    return time.clock_gettime_ns(_CLOCK) // 1_000
