"""Which fault strikes when: one seeded source deals the kinds like cards, so that all come before any comes again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.chaos.environment import Stage
from tests.chaos.faults import KINDS, Kind
from tests.chaos.record import Record, boottime

PAUSE_SECONDS = (0.5, 2.0)
TOGETHER = 0.3
"""How often a second fault strikes while the first is on."""


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that was: its name, and from when to when, on the boot-time clock."""

    name: str
    began: float
    ended: float


class Injector:
    """Deals faults to a stage, one after the other, some of them two at a time."""

    def __init__(
        self,
        stage: Stage,
        record: Record,
        *,
        random: Random,
        tell: Callable[[str], object],
        only: Sequence[str] = (),
        pace: float = 1.0,
    ) -> None:
        self._stage, self._record = stage, record
        self._kinds = [kind for kind in KINDS if kind.name in (only or [kind.name]) and self._can(kind)]
        self._random, self._tell, self._pace = random, tell, pace
        self._cards = self._dealt()
        self.injected: list[Injected] = []

    def run(self, seconds: float, most: int) -> None:
        """Deal faults for so long, and at most so many; the last one is over when this returns."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and len(self.injected) < most:
            time.sleep(self._random.uniform(*PAUSE_SECONDS) * self._pace)
            self._strike([next(self._cards)])

    def counts(self) -> Counter[str]:
        """Return how many faults of each kind there were."""
        return Counter(fault.name for fault in self.injected)

    def _strike(self, kinds: Sequence[Kind]) -> None:
        """Let the last of `kinds` begin, and perhaps another of a different sort within it."""
        kind, began = kinds[-1], boottime()
        self._tell(f"{'  ' * len(kinds)}{kind.name}")
        self._record.fault = " and ".join(one.name for one in kinds)
        with kind.fault(self._stage, self._random):
            time.sleep(self._random.uniform(*kind.seconds) * self._pace)
            if len(kinds) == 1 and self._random.random() < TOGETHER:
                self._strike_within(kind)
        self.injected.append(Injected(kind.name, began, boottime()))

    def _strike_within(self, first: Kind) -> None:
        others = [kind for kind in self._kinds if "all" not in (kind.strikes, first.strikes)]
        others = [kind for kind in others if kind.strikes != first.strikes and self._possible(kind)]
        if others:
            self._strike([first, self._random.choice(others)])

    def _possible(self, kind: Kind) -> bool:
        """Tell whether a fault can begin now: what it begins with must be there."""
        return kind.strikes != "database" or self._stage.database.server.running

    def _can(self, kind: Kind) -> bool:
        """Tell whether a fault is possible on this machine."""
        return kind.name != "full disk of the database" or self._stage.database.has_small_disk

    def _dealt(self) -> Iterator[Kind]:
        yield from self._kinds
        while True:
            yield from self._random.sample(self._kinds, len(self._kinds))
