"""Whom a trust policy names, in statements of either effect: the values of the condition keys of writes.

The document may break rules of the language, since the right to write it is judged before it is checked. What cannot be read
is taken for a document that trusts every kind of principal, which no right with a condition on these keys allows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.principal import PRINCIPAL_TYPES, principal_of_document

MAX_DOCUMENT_CHARACTERS = 1_048_576
"""A longer document is not read: the limits of documents refuse it in any case, or its author needs a right without these keys."""


@dataclass(frozen=True, slots=True)
class TrustedNames:
    """The principal types, the services as written, and the accounts that one or more documents name."""

    types: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()

    def __or__(self, other: TrustedNames) -> TrustedNames:
        """Return the names of both."""
        return TrustedNames(self.types | other.types, self.services | other.services, self.accounts | other.accounts)


_UNREADABLE = frozenset({"unreadable"})
UNREADABLE = TrustedNames(frozenset(PRINCIPAL_TYPES), _UNREADABLE, _UNREADABLE)
"""The names of a document that cannot be read."""


def trusted_names(document: str) -> TrustedNames:
    """Return the names of a document; `UNREADABLE` if any of them cannot be read."""
    if len(document) > MAX_DOCUMENT_CHARACTERS:
        return UNREADABLE
    try:
        entries = list(_entries(json.loads(document)))
        return TrustedNames(
            # An empty array counts as its type, although it names nobody.
            types=frozenset(kind for kind, _ in entries),
            services=frozenset(name for kind, names in entries if kind == "Service" for name in names),
            accounts=frozenset(filter(None, (_account(kind, name) for kind, names in entries for name in names))),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, InvalidPrincipalError):
        return UNREADABLE


def _entries(policy: Any) -> Iterator[tuple[str, tuple[str, ...]]]:  # noqa: ANN401  (what JSON spells, of any form)
    """Yield each principal type of each statement, with the names below it."""
    for statement in policy["Statement"]:
        for kind, names in statement["Principal"].items():
            if kind not in PRINCIPAL_TYPES:
                raise ValueError(kind)
            yield kind, (names,) if isinstance(names, str) else tuple(names)


def _account(kind: str, name: str) -> str:
    return principal_of_document(kind, name).account
