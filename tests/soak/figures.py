"""The figures of a run, as JSON has them, and how they are printed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.soak.answers import Mismatch

KEPT_MISMATCHES = 50


@dataclass(slots=True)
class StoreFigures:
    """What was done with one store."""

    rounds: int = 0
    revisions: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    cached: int = 0
    timed: int = 0
    changed_by_time: int = 0
    writes: Counter[str] = field(default_factory=Counter)
    lists: int = 0
    listed: Counter[str] = field(default_factory=Counter)
    watches: int = 0
    events: int = 0


@dataclass(slots=True)
class Figures:
    """What was done in a run, and what did not hold."""

    seed: int
    seconds: float = 0.0
    stores: dict[str, StoreFigures] = field(default_factory=dict)
    mismatches: list[Mismatch] = field(default_factory=list)
    count: int = 0

    def add(self, mismatch: Mismatch) -> None:
        """Count a mismatch; the first ones are kept whole."""
        self.count += 1
        if len(self.mismatches) < KEPT_MISMATCHES:
            self.mismatches.append(mismatch)

    @property
    def line(self) -> str:
        """Return one line of progress."""
        answers = sum(store.answers.total() for store in self.stores.values())
        events = sum(store.events for store in self.stores.values())
        writes = sum(store.writes.total() for store in self.stores.values())
        rounds = sum(store.rounds for store in self.stores.values())
        lists = sum(store.lists for store in self.stores.values())
        return (
            f"{self.seconds:.0f} s, {rounds} rounds: {answers:,} answers, {lists:,} lists, {writes:,} writes,"
            f" {events:,} events of watches, {self.count} mismatches"
        )

    def as_json(self) -> dict[str, Any]:
        """Return all figures."""
        return {
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "mismatches": self.count,
            "stores": {name: _of_store(store) for name, store in self.stores.items()},
            "first_mismatches": [
                {"store": m.store, "server": m.server, "way": m.way, "what": m.what, "case": m.case}
                for m in self.mismatches
            ],
        }


def _of_store(store: StoreFigures) -> dict[str, Any]:
    return {
        "rounds": store.rounds,
        "revisions": store.revisions,
        "answers": dict(store.answers.most_common()),
        "reasons": dict(store.reasons.most_common()),
        "refused_as_malformed": store.refused,
        "answered_from_a_cache": store.cached,
        "valid_for_a_time": store.timed,
        "questions_that_time_answered_otherwise": store.changed_by_time,
        "writes": dict(store.writes.most_common()),
        "lists": store.lists,
        "roles_listed": dict(store.listed.most_common()),
        "watches": store.watches,
        "events_of_watches": store.events,
    }
