"""The answers in a cache, with what finds and drops them, within limits of number and bytes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from rolecall_client.answer_keys import AlikeKey, Sizes

ENTRY_BYTES, ALIKE_BYTES = 850, 1_000
"""The memory of an entry beside its texts in all the tables that have it, and what it has more if the query has a context."""

KEY_BYTES, VALUE_BYTES = 300, 90
"""The memory of one condition key, and of one value, beside its text, which takes up to four bytes a character."""

MAX_ENTRY_BYTES = 64 * 1024
"""Queries with long values rarely recur, and each would displace many others."""


@dataclass(slots=True, eq=False, kw_only=True)
class Entry:
    """A cached answer. Times are those of `boottime`.

    `known_at` is when the state that decided was current, at the earliest; `valid_to` is when time may change the decision.
    `watched` is whether the watch covers the account of the role.
    """

    key: bytes
    role: str
    response: bytes
    revision: int
    known_at: float
    ends_at: float
    valid_to: float | None
    watched: bool
    alike: AlikeKey | None = None
    sizes: Sizes | None = None
    weight: int = 0


class Entries:
    """At most `max_entries` answers and `max_bytes`; the one that was not used for the longest time is dropped first."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._by_key: OrderedDict[bytes, Entry] = OrderedDict()
        self._alike: dict[AlikeKey, Entry] = {}
        self._vary: dict[bytes, dict[tuple[str, ...], int]] = {}
        self._by_role: dict[str, dict[bytes, Entry]] = {}
        self.bytes = 0
        self.get = self._by_key.get
        self.used = self._by_key.move_to_end

    def __len__(self) -> int:
        return len(self._by_key)

    def vary_keys(self, bare: bytes) -> list[tuple[str, ...]]:
        """Return the sets of keys that policies read for which answers to queries with this bare form are cached."""
        return list(self._vary.get(bare, ()))

    def alike(self, key: AlikeKey) -> Entry | None:
        """Return an answer that an alike query has."""
        return self._alike.get(key)

    def of_role(self, role: str) -> list[Entry]:
        """Return the answers about a role of this name, of any account."""
        return list(self._by_role.get(role, {}).values())

    def put(self, entry: Entry) -> None:
        """Cache an answer in place of an earlier one, unless it is too large."""
        if known := self._by_key.get(entry.key):
            self.remove(known)
        entry.weight = weight = _weight(entry)
        if weight > min(self._max_bytes, MAX_ENTRY_BYTES) or not self._max_entries:
            return
        while self.bytes + weight > self._max_bytes or len(self._by_key) >= self._max_entries:
            self.remove(next(iter(self._by_key.values())))
        self.bytes += weight
        self._by_key[entry.key] = entry
        self._by_role.setdefault(entry.role, {})[entry.key] = entry
        if entry.alike is not None:
            self._add_alike(entry, entry.alike)

    def remove(self, entry: Entry) -> None:
        """Drop an answer."""
        del self._by_key[entry.key]
        self.bytes -= entry.weight
        of_role = self._by_role[entry.role]
        del of_role[entry.key]
        if not of_role:
            del self._by_role[entry.role]
        if entry.alike is not None:
            self._remove_alike(entry, entry.alike)

    def clear(self) -> None:
        """Drop every answer."""
        self._by_key.clear()
        self._alike.clear()
        self._vary.clear()
        self._by_role.clear()
        self.bytes = 0

    def _add_alike(self, entry: Entry, alike: AlikeKey) -> None:
        self._alike[alike] = entry
        counts = self._vary.setdefault(alike.bare, {})
        counts[alike.vary_keys] = counts.get(alike.vary_keys, 0) + 1

    def _remove_alike(self, entry: Entry, alike: AlikeKey) -> None:
        if self._alike.get(alike) is entry:
            del self._alike[alike]
        counts = self._vary[alike.bare]
        counts[alike.vary_keys] -= 1
        if not counts[alike.vary_keys]:
            del counts[alike.vary_keys]
        if not counts:
            del self._vary[alike.bare]


def _weight(entry: Entry) -> int:
    weight = ENTRY_BYTES + len(entry.key) + len(entry.response) + 4 * len(entry.role)
    if (alike := entry.alike) is not None:
        weight += ALIKE_BYTES + len(alike.bare)
        weight += sum(KEY_BYTES + 4 * len(name) for name in (*alike.names, *alike.vary_keys))
        weight += sum(VALUE_BYTES + 4 * len(value) for values in alike.values for value in values)
    return weight
