"""The schedule of faults, from a seed: all kinds occur in a random order before any occurs again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.chaos.environment import Environment
from tests.chaos.faults import KINDS, Kind
from tests.chaos.record import Record, boottime

PAUSE_SECONDS = (0.5, 2.0)
SECOND_FAULT_PROBABILITY = 0.3
"""The probability that a second fault is injected during the first."""


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that was injected: its name, and when it began and ended, on the boot-time clock."""

    name: str
    began: float
    ended: float


class Injector:
    """Injects faults into an environment, one after the other, sometimes two at a time."""

    def __init__(
        self,
        environment: Environment,
        record: Record,
        *,
        random: Random,
        report: Callable[[str], object],
        only: Sequence[str] = (),
        pace: float = 1.0,
    ) -> None:
        self._environment, self._record = environment, record
        self._kinds = [kind for kind in KINDS if kind.name in (only or [kind.name]) and self._is_possible_here(kind)]
        self._random, self._report, self._pace = random, report, pace
        self._order = self._shuffled_kinds()
        self.injected: list[Injected] = []

    def run(self, seconds: float, most: int) -> None:
        """Inject faults for `seconds`, and at most `most`; the last one is over when this returns."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and len(self.injected) < most:
            time.sleep(self._random.uniform(*PAUSE_SECONDS) * self._pace)
            self._inject([next(self._order)])

    def counts(self) -> Counter[str]:
        """Return how many faults of each kind there were."""
        return Counter(fault.name for fault in self.injected)

    def _inject(self, kinds: Sequence[Kind]) -> None:
        """Inject the last of `kinds`, and perhaps another with a different target during it."""
        kind, began = kinds[-1], boottime()
        self._report(f"{'  ' * len(kinds)}{kind.name}")
        self._record.fault = " and ".join(one.name for one in kinds)
        with kind.fault(self._environment, self._random):
            time.sleep(self._random.uniform(*kind.seconds) * self._pace)
            if len(kinds) == 1 and self._random.random() < SECOND_FAULT_PROBABILITY:
                self._inject_within(kind)
        self.injected.append(Injected(kind.name, began, boottime()))

    def _inject_within(self, first: Kind) -> None:
        others = [kind for kind in self._kinds if "all" not in (kind.target, first.target)]
        others = [kind for kind in others if kind.target != first.target and self._is_possible_now(kind)]
        if others:
            self._inject([first, self._random.choice(others)])

    def _is_possible_now(self, kind: Kind) -> bool:
        """Return whether a fault can begin now: its target must be running."""
        return kind.target != "database" or self._environment.database.server.running

    def _is_possible_here(self, kind: Kind) -> bool:
        """Return whether a fault is possible on this machine."""
        return kind.name != "full disk of the database" or self._environment.database.has_small_disk

    def _shuffled_kinds(self) -> Iterator[Kind]:
        yield from self._kinds
        while True:
            yield from self._random.sample(self._kinds, len(self._kinds))
