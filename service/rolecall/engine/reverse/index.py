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
BYTES_A_PRINCIPAL = 400


class ReverseIndex:
    """Maps principals to the keys of the roles whose Allow statements name them."""

    def __init__(self) -> None:
        # Most principals of a large store are in one role: the key alone takes half the memory of a list of one key.
        self._postings: dict[Principal, str | SortedKeys] = {}
        self._count = 0

    @classmethod
    def of(cls, unsorted: UnsortedIndex) -> ReverseIndex:
        """Return the index of the collected roles; `unsorted` is empty afterwards."""
        index = cls()
        index._count = unsorted.count
        while unsorted.postings:
            principal, keys = unsorted.postings.popitem()
            keys.sort()
            index._postings[principal] = keys[0] if len(keys) == 1 else SortedKeys(keys)
        return index

    def add(self, key: str, principals: Iterable[Principal]) -> None:
        """Add a role under `principals`, in addition to those that it has already."""
        for principal in principals:
            posting = self._postings.get(principal)
            if posting is None:
                self._postings[principal] = key
                self._count += 1
            elif isinstance(posting, SortedKeys):
                self._count += posting.add(key)
            elif posting != key:
                self._postings[principal] = SortedKeys(sorted((posting, key)))
                self._count += 1

    def discard(self, key: str, principals: Iterable[Principal]) -> None:
        """Remove a role under `principals`."""
        for principal in principals:
            posting = self._postings.get(principal)
            if isinstance(posting, SortedKeys):
                self._count -= posting.discard(key)
            elif posting == key:
                self._count -= 1
            if posting == key or not posting:
                self._postings.pop(principal, None)

    def roles_naming(self, principal: Principal, *, after: str, limit: int) -> list[str]:
        """Return, in order and once each, the first `limit` keys above `after` of the roles that may trust `principal`."""
        found = [self._above(form, after, limit) for form in lookup_forms(principal)]
        return found[0] if len(found) == 1 else sorted({key for keys in found for key in keys})[:limit]

    def _above(self, form: Principal, after: str, limit: int) -> list[str]:
        posting = self._postings.get(form)
        if isinstance(posting, SortedKeys):
            return posting.above(after, limit)
        return [posting] if posting is not None and posting > after else []

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
