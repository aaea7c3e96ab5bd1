"""How many calls a guard let pass and refused, by role and outcome."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from rolecall_client.guards.decision import GuardDecision, GuardOutcome


class GuardCounts:
    """Counts decisions. Safe to share between guards and threads.

    The roles are those of the maps, and empty text for calls without one, so the number of counters is limited by the maps.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, GuardOutcome]] = Counter()

    def add(self, decision: GuardDecision) -> None:
        """Count a decision."""
        with self._lock:
            self._counts[decision.role, decision.outcome] += 1

    def by_role(self) -> Mapping[tuple[str, GuardOutcome], int]:
        """Return the number of decisions so far of each role and outcome."""
        with self._lock:
            return dict(self._counts)

    def total(self, outcome: GuardOutcome) -> int:
        """Return the number of decisions so far with this outcome."""
        return sum(count for (_, found), count in self.by_role().items() if found is outcome)
