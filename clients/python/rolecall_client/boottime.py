"""The clock that measures how old an answer is."""

from __future__ import annotations

import sys
import time

# Elsewhere the monotonic clock, which stands still while the machine sleeps.
_CLOCK = time.CLOCK_BOOTTIME if sys.platform == "linux" else getattr(time, "CLOCK_MONOTONIC", None)


def boottime() -> float:
    """Return seconds on a clock that cannot be set, and that continues while the machine sleeps where that is possible."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)
