"""Which decisions are recorded when not all are."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """The share of allows and of denies that is kept, from 0 to 1. `chance` gives numbers in [0, 1).

    By chance and not every n-th: callers that ask in a rhythm would have the same question kept, or lost, every time.
    """

    allow: float = 1.0
    deny: float = 1.0
    chance: Callable[[], float] = random.random

    def share(self, *, allowed: bool) -> float:
        """Return the share that is kept of the decisions with an outcome."""
        return self.allow if allowed else self.deny

    def keeps(self, *, allowed: bool) -> bool:
        """Tell whether to keep the next decision with an outcome."""
        share = self.allow if allowed else self.deny
        return share >= 1.0 or self.chance() < share
