"""Sampling of the decision log."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """The share of allows and of denies that is logged, from 0 to 1. `chance` returns numbers in [0, 1)."""

    allow: float
    deny: float
    chance: Callable[[], float] = random.random

    def share(self, *, allowed: bool) -> float:
        """Return the share of the decisions with this outcome that is logged."""
        return self.allow if allowed else self.deny

    def keeps(self, *, allowed: bool) -> bool:
        """Return whether to log the next decision with this outcome."""
        # Not every n-th decision: with a periodic client that would log the same request every time, or never.
        share = self.share(allowed=allowed)
        return share >= 1.0 or self.chance() < share
