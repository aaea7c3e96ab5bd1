"""The answers to questions about rights, remembered within limits of entries and of bytes."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import NamedTuple, TypeAlias

from rolecall.callers.caller import FOREVER

MAX_REMEMBERED_RIGHTS = 20_000
MAX_REMEMBERED_RIGHTS_BYTES = 8 * 1024 * 1024

_ENTRY_BYTES = 420

RightsKey: TypeAlias = "tuple[object, ...]"
"""The rights that answer, by identity; the action, the resource, and the values of the access that the policies read."""


class RememberedRight(NamedTuple):
    """An answer, and until when it is valid, in microseconds since the epoch."""

    allowed: bool
    valid_until: int
    weight: int


DENIED = RememberedRight(allowed=False, valid_until=FOREVER, weight=0)
"""The answer to a caller without policies, which is not stored."""


class RememberedRights:
    """Answers by everything that they depend on. The one that was stored first is dropped first. For any thread."""

    def __init__(self, max_entries: int = MAX_REMEMBERED_RIGHTS, max_bytes: int = MAX_REMEMBERED_RIGHTS_BYTES) -> None:
        self._entries: OrderedDict[RightsKey, RememberedRight] = OrderedDict()
        self._max_entries, self._max_bytes = max_entries, max_bytes
        # One operation of the interpreter, so it needs no lock.
        self.get = self._entries.get
        self._changing = Lock()
        self.bytes = 0

    def put(self, key: RightsKey, texts: int, *, allowed: bool, valid_until: int) -> RememberedRight:
        """Return an answer after remembering it in place of an earlier one; `texts` is the length of what is in the key."""
        right = RememberedRight(allowed, valid_until, _ENTRY_BYTES + texts)
        with self._changing:
            self._store(key, right)
        return right

    def _store(self, key: RightsKey, right: RememberedRight) -> None:
        entries, weight = self._entries, right.weight
        if (earlier := entries.pop(key, None)) is not None:
            self.bytes -= earlier.weight
        if weight > self._max_bytes:
            return
        while len(entries) >= self._max_entries or self.bytes + weight > self._max_bytes:
            self.bytes -= entries.popitem(last=False)[1].weight
        entries[key] = right
        self.bytes += weight

    def __len__(self) -> int:
        return len(self._entries)
