"""The reverse index: which roles name a principal. Asked by lists, never by checks.

Postings are sorted lists of role keys, so that a page begins where the one before ended, whatever was written meanwhile.
"""

from __future__ import annotations

import heapq
import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from functools import lru_cache

from rolecall.policy.compiler import match_form
from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.principal import Principal, PrincipalKind, principal_of_document


class ReverseIndex:
    """Leads from principals to the keys of the roles whose Allow statements name them."""

    def __init__(self) -> None:
        self._postings: dict[Principal, list[str]] = {}

    def fill(self, named: Iterable[tuple[str, Iterable[Principal]]]) -> None:
        """Take up many roles at once: cheaper than one by one."""
        for key, principals in named:
            for principal in principals:
                self._postings.setdefault(principal, []).append(key)
        for posting in self._postings.values():
            posting.sort()

    def add(self, key: str, principals: Iterable[Principal]) -> None:
        """Take up a role."""
        for principal in principals:
            insort(self._postings.setdefault(principal, []), key)

    def discard(self, key: str, principals: Iterable[Principal]) -> None:
        """Let go of a role that was taken up with the same principals."""
        for principal in principals:
            posting = self._postings.get(principal, [])
            place = bisect_left(posting, key)
            if place < len(posting) and posting[place] == key:
                del posting[place]
            if not posting:
                self._postings.pop(principal, None)

    def roles_naming(self, principal: Principal, *, after: str) -> Iterator[str]:
        """Yield, in order and once each, the keys above `after` of the roles that may trust `principal`."""
        lists = [self._postings.get(form, []) for form in asking_forms(principal)]
        last = ""
        for key in heapq.merge(*(_from(posting, after) for posting in lists)):
            if key != last:
                last = key
                yield key

    def __len__(self) -> int:
        return sum(map(len, self._postings.values()))


def named_principals(document: str) -> frozenset[Principal]:
    """Return the forms under which the Allow statements of a stored document are found.

    The document was found valid when it was written, so this reads only what it needs: a full parse of a million documents
    would be most of the time of a start. A document that cannot be read trusts nobody here; a check of it is an error.
    """
    try:
        statements = json.loads(document)["Statement"]
        return frozenset(
            _index_form_of(kind, text)
            for statement in statements
            if statement["Effect"] == "Allow"
            for kind, texts in statement["Principal"].items()
            for text in ((texts,) if isinstance(texts, str) else texts)
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidPrincipalError):
        return frozenset()


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


def _from(posting: list[str], after: str) -> Iterator[str]:
    """Yield by place, looking the place up again after a write: the list may change while a page is made."""
    place = bisect_right(posting, after)
    while place < len(posting):
        key = posting[place]
        yield key
        place = place + 1 if place < len(posting) and posting[place] == key else bisect_right(posting, key)
