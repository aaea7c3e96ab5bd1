"""The clock by which the age of a state is told."""

from __future__ import annotations

import sys
import time

# Where a system has no such clock, the one that goes on while a process is stopped, but not while the machine sleeps.
_CLOCK = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC


def boottime_micros() -> int:
    """Return microseconds that only go forward, and go on while the machine sleeps or this process is stopped."""
    return time.clock_gettime_ns(_CLOCK) // 1_000
