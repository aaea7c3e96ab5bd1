"""The reverse index: which roles name a principal. Asked by lists, never by checks.

It may lead to too many roles while a large write is taken up, never to too few: whoever asks it decides on the role as it is.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import repeat

from rolecall.engine.reverse.sorted_keys import SortedKeys
from rolecall.policy.compiler import match_form
from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.principal import Principal, PrincipalKind, principal_of_document

# Measured; `python -m bench.scale` shows the memory that they stand for. The keys are the snapshot's own and cost nothing here.
BYTES_A_POSTING = 9
BYTES_A_PRINCIPAL = 600

_decoder = json.JSONDecoder()
_SPACE = " \t\n\r"


class ReverseIndex:
    """Leads from principals to the keys of the roles whose Allow statements name them."""

    def __init__(self) -> None:
        self._postings: dict[Principal, SortedKeys] = {}
        self._count = 0

    @classmethod
    def of(cls, unsorted: UnsortedIndex) -> ReverseIndex:
        """Return the index of what was gathered, which is used up."""
        index = cls()
        index._count = unsorted.count
        while unsorted.postings:
            principal, keys = unsorted.postings.popitem()
            keys.sort()
            index._postings[principal] = SortedKeys(keys)
        return index

    def add(self, key: str, principals: Iterable[Principal]) -> None:
        """Lead from `principals` to a role; what leads there already stays."""
        for principal in principals:
            posting = self._postings.get(principal)
            if posting is None:
                posting = self._postings[principal] = SortedKeys()
            self._count += posting.add(key)

    def discard(self, key: str, principals: Iterable[Principal]) -> None:
        """Lead no longer from `principals` to a role."""
        for principal in principals:
            posting = self._postings.get(principal)
            if posting is None:
                continue
            self._count -= posting.discard(key)
            if not posting:
                del self._postings[principal]

    def roles_naming(self, principal: Principal, *, after: str, limit: int) -> list[str]:
        """Return, in order and once each, the first `limit` keys above `after` of the roles that may trust `principal`."""
        lists = [posting.above(after, limit) for posting in map(self._postings.get, asking_forms(principal)) if posting]
        return lists[0] if len(lists) == 1 else sorted({key for keys in lists for key in keys})[:limit]

    @property
    def estimated_bytes(self) -> int:
        """Return about how much memory the index takes beyond the roles and their keys."""
        return BYTES_A_POSTING * self._count + BYTES_A_PRINCIPAL * len(self._postings)

    def __len__(self) -> int:
        return self._count


class UnsortedIndex:
    """What an index is made of when many roles are taken up at once. Each role is added once."""

    def __init__(self) -> None:
        self.postings: defaultdict[Principal, list[str]] = defaultdict(list)
        self.count = 0

    def add(self, key: str, principals: Collection[Principal]) -> None:
        """Take up a role."""
        self.count += len(principals)
        for principal in principals:
            self.postings[principal].append(key)


@lru_cache(maxsize=4_096)
def named_principals(document: str) -> frozenset[Principal]:
    """Return the forms under which the Allow statements of a stored document are found.

    The document was found valid when it was written, so this reads only what it needs: a full parse of a million documents
    would be most of the time of a start. Many roles have the same one, so the last few are remembered. A document that cannot be
    read trusts nobody here; a check of it is an error.
    """
    named = list[Principal]()
    try:
        policy, _ = _decoder.raw_decode(document.lstrip(_SPACE))
        for statement in policy["Statement"]:
            if statement["Effect"] == "Allow":
                for kind, texts in statement["Principal"].items():
                    named += map(_index_form_of, repeat(kind), (texts,) if isinstance(texts, str) else texts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidPrincipalError):
        return frozenset()
    return frozenset(named)


def index_form(principal: Principal) -> Principal:
    """Return the form under which a principal of a document is found.

    A service is found under its name alone: whether it acts for the right account depends on the role.
    """
    if principal.kind is PrincipalKind.SERVICE:
        return principal._replace(account="")
    return match_form(principal)


@lru_cache(maxsize=65_536)
def _index_form_of(kind: str, text: str) -> Principal:
    return index_form(principal_of_document(kind, text))


def asking_forms(principal: Principal) -> tuple[Principal, ...]:
    """Return the forms under which roles that may trust the asking `principal` are found."""
    if principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE):
        return index_form(principal), Principal(PrincipalKind.ROOT, principal.account, "")
    return () if principal.kind is PrincipalKind.ROOT else (index_form(principal),)
