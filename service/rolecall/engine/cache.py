"""Remembered decisions and compiled policies, both bounded.

A key is everything that a decision depends on: the version of the role (an object, equal only to itself), the principal, and
the values of the condition keys that the policy reads. A changed role is another object, so there is nothing to invalidate.
Time is not in the key: a decision that depends on it serves only inside its interval. See `docs/adr`.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from cachetools import LRUCache

from rolecall.engine.decision import Answer, Decision, ServedFrom
from rolecall.engine.snapshot import RoleVersion
from rolecall.policy.compiler import RequestedValues
from rolecall.policy.principal import Principal

MAX_KEPT_CHARACTERS = 4_096
"""Decisions on longer values are not remembered, so that a bounded number of entries is a bounded amount of memory."""


class DecisionKey(NamedTuple):
    """Everything that a decision depends on but time, compared field by field."""

    version: RoleVersion
    principal: Principal
    values: tuple[RequestedValues, ...]


class _CountingLRU(LRUCache[DecisionKey, Answer]):
    """An LRU cache that counts what it drops for want of room."""

    evictions = 0

    def popitem(self) -> tuple[DecisionKey, Answer]:
        self.evictions += 1
        return super().popitem()


class DecisionCache:
    """Remembers at most `max_entries` decisions, forgetting the least recently used. With 0 entries it remembers nothing."""

    def __init__(self, max_entries: int) -> None:
        self._entries = _CountingLRU(max(1, max_entries))
        self._enabled = max_entries > 0
        self.hits = 0
        self.misses = 0

    def get(self, key: DecisionKey, now: int) -> Answer | None:
        """Return the answer for `key` if it stands at `now`."""
        try:
            answer = self._entries[key]
        except KeyError:
            self.misses += 1
            return None
        if not answer.stands_at(now):
            self.misses += 1
            return None
        self.hits += 1
        return answer

    def put(self, key: DecisionKey, decision: Decision) -> Answer | None:
        """Remember a decision, in place of an earlier one for the same key; return how it will be answered from now on."""
        if not self._enabled or _characters(key.values) > MAX_KEPT_CHARACTERS:
            return None
        answer = self._entries[key] = Answer(decision, ServedFrom.CACHED)
        return answer

    @property
    def evictions(self) -> int:
        """Return how many decisions were dropped for want of room."""
        return self._entries.evictions

    def __len__(self) -> int:
        return len(self._entries)


def _characters(values: tuple[RequestedValues, ...]) -> int:
    return sum(len(text) for texts in values if texts for text in texts)


class CompiledForms:
    """Holds at most `max_forms` role versions in compiled form, letting the oldest form go first.

    The form itself hangs on the version, so that using one costs nothing here.
    """

    def __init__(self, max_forms: int) -> None:
        self._versions: deque[RoleVersion] = deque()
        self._max = max(1, max_forms)

    def keep(self, version: RoleVersion) -> None:
        """Count a version that was compiled just now, and drop the oldest form if there are too many."""
        self._versions.append(version)
        if len(self._versions) > self._max:
            self._versions.popleft().policy = None

    def __len__(self) -> int:
        return len(self._versions)
