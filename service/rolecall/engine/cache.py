"""Everything that the decision path caches, with its limits. `docs/caching.md` says why no entry can be wrong.

1. Nothing is ever invalidated: a key holds all that its entry depends on, and a changed role is another `RoleVersion`.
2. Every cache has a limit in entries and one in bytes. An entry is weighed when it is cached (`engine/weights.py`), never
   when it is used. A decision or a request that is larger than the cache is not cached.
3. An entry keeps no `RoleVersion` in memory, with its document and its compiled policy: `DecidedRole` represents it.

For one event loop.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias
from weakref import ref

from rolecall.engine.decision import Answer, DecidedRole, Decision, ServedFrom
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.engine.weights import answer_bytes, decision_bytes, request_bytes
from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.principal import Principal

MAX_REQUESTS = 20_000
REQUEST_CACHE_BYTES = 48 * 1024 * 1024
MAX_QUERY_BYTES = 1_024
LAST_ANSWER_BYTES = 1_024
"""The room for a last answer that is weighed with each request; a larger answer is found in the `DecisionCache` only."""

RIGHTS_BYTES = 384
"""The memory of the rights of a few callers that are remembered with each request."""

MAX_DECISION_BYTES = 32 * 1024
"""Questions with longer values rarely recur, and each would displace many other decisions."""

Encode: TypeAlias = "Callable[[Decision], bytes]"
"""Returns the encoded form of a decision; that of none is empty."""


class RequestCache:
    """Requests by the bytes of their query, within limits of which the more recent half is never dropped."""

    def __init__(
        self,
        read: Callable[[bytes], AssumeRoleRequest],
        max_requests: int = MAX_REQUESTS,
        max_bytes: int = REQUEST_CACHE_BYTES,
    ) -> None:
        self._read = read
        self._generation_size, self._generation_bytes = max_requests // 2, max_bytes // 2
        self._recent: dict[bytes, AssumeRoleRequest] = {}
        self._older: dict[bytes, AssumeRoleRequest] = {}
        self._dropped: deque[dict[bytes, AssumeRoleRequest]] = deque()
        self._recent_bytes = 0
        self.bytes = 0

    def get(self, query: bytes) -> AssumeRoleRequest:
        """Return the request that a query spells; raise what reading it raises."""
        request = self._recent.get(query)
        if request is None:
            request = self._older.pop(query, None)
            if request is not None:
                self.bytes -= request.weight
                self._put(query, request, request.weight)
                return request
            request = self._read(query)
            # A token ends, and with it what it proved: it is verified each time, which is remembered apart.
            if len(query) <= MAX_QUERY_BYTES and request.expires_at is None:
                request.weight = weight = LAST_ANSWER_BYTES + RIGHTS_BYTES + request_bytes(query, request)
                self._put(query, request, weight)
        return request

    @property
    def recent(self) -> Callable[[bytes], AssumeRoleRequest | None]:
        """Return what finds a request that was used recently by its query, until a request is added."""
        return self._recent.get

    def clear(self) -> None:
        """Find none of the requests again: what they mean has changed. They are freed one by one, as others are added."""
        self._dropped.extend((self._older, self._recent))
        self._recent, self._older, self._recent_bytes = {}, {}, 0

    def _put(self, query: bytes, request: AssumeRoleRequest, weight: int) -> None:
        recent_bytes = self._recent_bytes + weight
        if recent_bytes > self._generation_bytes or len(self._recent) >= self._generation_size:
            if weight > self._generation_bytes:
                return
            self._dropped.append(self._older)
            self._older, self._recent, recent_bytes = self._recent, {}, weight
        if self._dropped:
            self._drop(weight)
        self._recent[query], self._recent_bytes = request, recent_bytes
        self.bytes += weight

    def _drop(self, weight: int) -> None:
        """Drop one request of those that are no longer found, or as many as it takes to make room for `weight`."""
        # Not all at once: to free a whole generation would delay every other call by milliseconds.
        while self._dropped:
            if not self._dropped[0]:
                self._dropped.popleft()
                continue
            _, request = self._dropped[0].popitem()
            self.bytes -= request.weight
            # Each request that is added drops one at least, so their number never grows here; their bytes may take more.
            if self.bytes + weight <= 2 * self._generation_bytes:
                break

    def __len__(self) -> int:
        return len(self._recent) + len(self._older) + sum(map(len, self._dropped))


class DecisionKey(NamedTuple):
    """Everything that a decision depends on except the time, compared field by field; the role by identity."""

    role: DecidedRole
    principal: Principal
    values: tuple[RequestedValues, ...]


_Entry: TypeAlias = "tuple[Answer, int, int]"
"""A cached answer, its weight, and that of the whole entry."""


class DecisionCache:
    """At most `max_entries` decisions and `max_bytes` (0: none) by their keys, and with each request its last answer.

    The decision that was not used for the longest time is dropped first. `encode` gives each decision its encoded form.
    """

    def __init__(self, max_entries: int, max_bytes: int, encode: Encode | None = None) -> None:
        self._entries: OrderedDict[DecisionKey, _Entry] = OrderedDict()
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._max_weight = min(MAX_DECISION_BYTES, max_bytes) if max_entries else 0
        self._encode: Encode = encode or (lambda _: b"")
        self.hits = self.misses = self.evictions = self.bytes = 0

    def last_answer(self, request: AssumeRoleRequest, version: RoleVersion | None, now: int) -> Answer | None:
        """Return the last answer of a request if it came from this version of the role and holds at `now`."""
        answer = request.last_answer
        # The same request and the same version, both compared by identity: the key of the cache without building it.
        if answer is None or version is None or request.last_role is not version.identity or not answer.holds_at(now):
            return None
        self.hits += 1
        return answer

    def last_answers(
        self, requests: Iterable[AssumeRoleRequest], versions: Iterable[RoleVersion | None], now: int
    ) -> list[Answer] | None:
        """Return the last answers of requests if `last_answer` has one for each."""
        # The path of the items of batches: a call for each would cost as much as the rest.
        found: list[Answer] = []
        for request, version in zip(requests, versions, strict=True):
            answer = request.last_answer
            if answer is None or version is None or request.last_role is not version.identity:
                return None
            if not (answer.decision.is_lasting or answer.holds_at(now)):
                return None
            found.append(answer)
        self.hits += len(found)
        return found

    def get(self, request: AssumeRoleRequest, key: DecisionKey, now: int) -> Answer | None:
        """Return the answer for the key of a request if it holds at `now`."""
        entry = self._entries.get(key)
        if entry is None or not entry[0].holds_at(now):
            return None
        self.hits += 1
        self._entries.move_to_end(key)
        _set_last_answer(request, key, entry)
        return entry[0]

    def put(self, request: AssumeRoleRequest, key: DecisionKey, decision: Decision) -> Answer:
        """Cache a decision in place of an earlier one with the same key, and return it as the answer that is given now."""
        # Counted here and not in `get`, after which a question may first have to wait for its turn.
        self.misses += 1
        evaluated = self.uncached(decision)
        request.last_answer = None
        answer_weight = answer_bytes(evaluated)
        weight = decision_bytes(key.principal, key.values, answer_weight)
        if weight <= self._max_weight:
            entry = (Answer(decision, ServedFrom.CACHED, evaluated.encoded), answer_weight, weight)
            self._store(key, entry)
            _set_last_answer(request, key, entry)
        return evaluated

    def uncached(self, decision: Decision) -> Answer:
        """Return a decision as an answer without caching it."""
        return Answer(decision, ServedFrom.EVALUATED, self._encode(decision))

    def _store(self, key: DecisionKey, entry: _Entry) -> None:
        entries, weight = self._entries, entry[2]
        if key in entries:
            self.bytes -= entries.pop(key)[2]
        while len(entries) >= self._max_entries or self.bytes + weight > self._max_bytes:
            _, (_, _, dropped) = entries.popitem(last=False)
            self.bytes -= dropped
            self.evictions += 1
        entries[key] = entry
        self.bytes += weight

    def __len__(self) -> int:
        return len(self._entries)


class CompiledPolicies:
    """The role versions whose policy is compiled, within limits; the oldest compiled form is dropped first.

    The form itself is an attribute of the version, so that using it costs no lookup, and it ends with the version. The newest
    one stays whatever its size.
    """

    def __init__(self, max_policies: int, max_bytes: int) -> None:
        self._weights: OrderedDict[ref[RoleVersion], int] = OrderedDict()
        self._max_policies, self._max_bytes = max_policies, max_bytes
        # A version can end on any thread: it is only noted there, which is atomic, and counted at the next `add`.
        self._ended: deque[ref[RoleVersion]] = deque()
        self.bytes = 0

    def add(self, version: RoleVersion, weight: int) -> None:
        """Take note of a version whose policy has just been compiled, and drop the compiled forms that it displaces."""
        while self._ended:
            self.bytes -= self._weights.pop(self._ended.popleft(), 0)
        while self._weights and (len(self._weights) >= self._max_policies or self.bytes + weight > self._max_bytes):
            self._drop_oldest()
        self._weights[ref(version, self._ended.append)] = weight
        self.bytes += weight

    def _drop_oldest(self) -> None:
        oldest, weight = self._weights.popitem(last=False)
        self.bytes -= weight
        if (version := oldest()) is not None:
            version.policy = None

    def __len__(self) -> int:
        return len(self._weights) - len(self._ended)


def _set_last_answer(request: AssumeRoleRequest, key: DecisionKey, entry: _Entry) -> None:
    answer, weight, _ = entry
    request.last_answer = answer if weight <= LAST_ANSWER_BYTES else None
    request.last_role = key.role
