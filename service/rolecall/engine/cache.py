"""Everything that the decision path caches, with its limits. `docs/caching.md` says why no entry can be wrong.

Nothing is ever invalidated: a key holds all that its entry depends on, and a changed role is another `RoleVersion`.
For one event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from cachetools import LRUCache

from rolecall.engine.decision import Answer, Decision, ServedFrom
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.policy.compiler import CompiledPolicy, RequestedValues
from rolecall.policy.principal import Principal

MAX_REQUESTS = 20_000
MAX_QUERY_BYTES = 1_024
MAX_VALUE_CHARACTERS = 4_096
"""Of all values in a key together: with it, a limit on the number of decisions is a limit on their memory."""

Encode: TypeAlias = "Callable[[Decision], bytes]"
"""Returns the encoded form of a decision; that of none is empty."""


class RequestCache:
    """Requests by the bytes of their query, at most `max_requests`, of which the more recent half is never dropped."""

    def __init__(self, read: Callable[[bytes], AssumeRoleRequest], max_requests: int = MAX_REQUESTS) -> None:
        self._read, self._generation_size = read, max_requests // 2
        self._recent: dict[bytes, AssumeRoleRequest] = {}
        self._older: dict[bytes, AssumeRoleRequest] = {}
        self._dropped: dict[bytes, AssumeRoleRequest] = {}

    def get(self, query: bytes) -> AssumeRoleRequest:
        """Return the request that a query spells; raise what reading it raises."""
        request = self._recent.get(query)
        if request is None:
            request = self._older.pop(query, None) or self._read(query)
            if len(query) <= MAX_QUERY_BYTES:
                self._put(query, request)
        return request

    def _put(self, query: bytes, request: AssumeRoleRequest) -> None:
        if len(self._recent) >= self._generation_size:
            self._dropped, self._older, self._recent = self._older, self._recent, {}
        self._recent[query] = request
        # One at a time: to free a whole generation at once would delay every other call by milliseconds.
        if self._dropped:
            self._dropped.popitem()

    def __len__(self) -> int:
        return len(self._recent) + len(self._older) + len(self._dropped)


class DecisionKey(NamedTuple):
    """Everything that a decision depends on except the time, compared field by field."""

    version: RoleVersion
    principal: Principal
    values: tuple[RequestedValues, ...]


class _CountingLRU(LRUCache[DecisionKey, Answer]):
    """An LRU cache that counts evictions."""

    evictions = 0

    def popitem(self) -> tuple[DecisionKey, Answer]:
        self.evictions += 1
        return super().popitem()


class DecisionCache:
    """At most `max_entries` decisions (0: none) by their keys, and with each request the last answer that it had.

    `encode` gives each decision its encoded form when it is made.
    """

    def __init__(self, max_entries: int, encode: Encode | None = None) -> None:
        self._entries = _CountingLRU(max(1, max_entries))
        self._enabled = max_entries > 0
        self._encode: Encode = encode or (lambda _: b"")
        self.hits = self.misses = 0

    def last_answer(self, request: AssumeRoleRequest, version: RoleVersion | None, now: int) -> Answer | None:
        """Return the last answer of a request if it came from this version of the role and holds at `now`."""
        answer = request.last_answer
        # The same request and the same version, both compared by identity: the key of the cache without building it.
        if answer is None or request.last_version is not version or not answer.holds_at(now):
            return None
        self.hits += 1
        return answer

    def get(self, request: AssumeRoleRequest, key: DecisionKey, now: int) -> Answer | None:
        """Return the answer for the key of a request if it holds at `now`."""
        answer = self._entries.get(key)
        if answer is None or not answer.holds_at(now):
            self.misses += 1
            return None
        self.hits += 1
        request.last_answer, request.last_version = answer, key.version
        return answer

    def put(self, request: AssumeRoleRequest, key: DecisionKey, decision: Decision) -> Answer:
        """Cache a decision in place of an earlier one with the same key, and return it as the answer that is given now."""
        evaluated = self.uncached(decision)
        cached = None
        if self._enabled and _characters(key.values) <= MAX_VALUE_CHARACTERS:
            cached = self._entries[key] = Answer(decision, ServedFrom.CACHED, evaluated.encoded)
        request.last_answer, request.last_version = cached, key.version
        return evaluated

    def uncached(self, decision: Decision) -> Answer:
        """Return a decision as an answer without caching it."""
        return Answer(decision, ServedFrom.EVALUATED, self._encode(decision))

    @property
    def evictions(self) -> int:
        """Return how many decisions were dropped because the cache was full."""
        return self._entries.evictions

    def __len__(self) -> int:
        return len(self._entries)


class CompiledPolicies:
    """The role versions whose policy is compiled, at most `max_policies`; the oldest compiled form is dropped first.

    The form itself is an attribute of the version, so that using it costs no lookup.
    """

    def __init__(self, max_policies: int) -> None:
        self._versions: deque[RoleVersion] = deque()
        self._max = max(1, max_policies)

    def put(self, version: RoleVersion, policy: CompiledPolicy, derived: tuple[tuple[int, str], ...]) -> None:
        """Store the compiled policy of a version, which has none."""
        version.policy, version.derived = policy, derived
        self._versions.append(version)
        if len(self._versions) > self._max:
            self._versions.popleft().policy = None

    def __len__(self) -> int:
        return len(self._versions)


def _characters(values: tuple[RequestedValues, ...]) -> int:
    return sum(len(text) for texts in values if texts for text in texts)
