"""The reverse index: from principals to the roles that name them. Lists use it, checks do not.

While a large commit is applied it may return too many roles, never too few; a list decides on each role as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from rolecall.engine.reverse.sorted_keys import SortedKeys
from rolecall.policy.named_principals import lookup_forms
from rolecall.policy.principal import Principal

# Measured with `python -m bench.scale`. The keys are shared with the snapshot and cost nothing here.
BYTES_A_POSTING = 9
BYTES_A_PRINCIPAL = 600


class ReverseIndex:
    """Maps principals to the keys of the roles whose Allow statements name them."""

    def __init__(self) -> None:
        self._postings: dict[Principal, SortedKeys] = {}
        self._count = 0

    @classmethod
    def of(cls, unsorted: UnsortedIndex) -> ReverseIndex:
        """Return the index of the collected roles; `unsorted` is empty afterwards."""
        index = cls()
        index._count = unsorted.count
        while unsorted.postings:
            principal, keys = unsorted.postings.popitem()
            keys.sort()
            index._postings[principal] = SortedKeys(keys)
        return index

    def add(self, key: str, principals: Iterable[Principal]) -> None:
        """Add a role under `principals`, in addition to those that it has already."""
        for principal in principals:
            posting = self._postings.get(principal)
            if posting is None:
                posting = self._postings[principal] = SortedKeys()
            self._count += posting.add(key)

    def discard(self, key: str, principals: Iterable[Principal]) -> None:
        """Remove a role under `principals`."""
        for principal in principals:
            posting = self._postings.get(principal)
            if posting is None:
                continue
            self._count -= posting.discard(key)
            if not posting:
                del self._postings[principal]

    def roles_naming(self, principal: Principal, *, after: str, limit: int) -> list[str]:
        """Return, in order and once each, the first `limit` keys above `after` of the roles that may trust `principal`."""
        lists = [posting.above(after, limit) for posting in map(self._postings.get, lookup_forms(principal)) if posting]
        return lists[0] if len(lists) == 1 else sorted({key for keys in lists for key in keys})[:limit]

    @property
    def estimated_bytes(self) -> int:
        """Return the approximate memory of the index, without the roles and their keys."""
        return BYTES_A_POSTING * self._count + BYTES_A_PRINCIPAL * len(self._postings)

    def __len__(self) -> int:
        return self._count


class UnsortedIndex:
    """Collects roles for a new index, sorted at the end. Each role is added once."""

    def __init__(self) -> None:
        self.postings: defaultdict[Principal, list[str]] = defaultdict(list)
        self.count = 0

    def add(self, key: str, principals: Collection[Principal]) -> None:
        """Add a role."""
        self.count += len(principals)
        for principal in principals:
            self.postings[principal].append(key)
