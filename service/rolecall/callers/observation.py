"""The observe period: what rights would deny is counted and reported, and allowed, until a date."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TypeAlias

from rolecall.callers.credential import Credential

MAX_OBSERVE_DAYS = 30
MAX_REPORTED_DENIALS = 1_000
MAX_COUNTED_ACTIONS = 200

OTHER_ACTIONS = "other"

OnDenial: TypeAlias = Callable[[str, str, str], object]
"""Gets a caller, an action and a resource that would be denied."""


class ObservePeriod:
    """Until the time `until`, in microseconds, denials are noted instead of enforced.

    `denials` counts them by action. `on_denial` gets the first of each caller and action, for 1,000 of these together, so
    that a busy caller does not fill the log.
    """

    def __init__(self, until: int, on_denial: OnDenial) -> None:
        self.until = until
        self.denials: dict[str, int] = {}
        self._on_denial = on_denial
        self._counting = Lock()
        self._reported: set[tuple[str, str]] = set()

    def note(self, credential: Credential, action: str, resource: str) -> None:
        """Count a denial, and report it if it is the first of this caller and action."""
        # Rights of a write are judged on the writer's thread.
        with self._counting:
            counted = action if action in self.denials or len(self.denials) < MAX_COUNTED_ACTIONS else OTHER_ACTIONS
            self.denials[counted] = self.denials.get(counted, 0) + 1
            first = (credential.identity, action)
            if first in self._reported or len(self._reported) >= MAX_REPORTED_DENIALS:
                return
            self._reported.add(first)
        self._on_denial(credential.identity, action, resource)
