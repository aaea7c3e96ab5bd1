"""Which principals a stored trust policy names, read without a full parse."""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import repeat

from rolecall.policy.compiler import match_form
from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.principal import Principal, PrincipalKind, principal_of_document

SHORT_CHARACTERS, SHORT_DOCUMENTS = 1_024, 256
LONG_CHARACTERS, LONG_DOCUMENTS = 16_384, 16
"""The documents whose principals are memoised, by their length: with it, a number of documents is a limit on their memory."""

_MEMOISED_PRINCIPALS = 8_192

_decoder = json.JSONDecoder()
_SPACE = " \t\n\r"


def named_principals(document: str) -> frozenset[Principal]:
    """Return the principals that the Allow statements of a valid document name, each in its `index_form`. Memoised.

    A document that cannot be read names no principal; a check of its role fails with an error.
    """
    if len(document) <= SHORT_CHARACTERS:
        return of_short(document)
    return of_long(document) if len(document) <= LONG_CHARACTERS else _read(document)


def _read(document: str) -> frozenset[Principal]:
    # Every document was validated when it was written. A full parse of a million documents would take most of a start, so only
    # the names of the principals are read here.
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


of_short = lru_cache(maxsize=SHORT_DOCUMENTS)(_read)
of_long = lru_cache(maxsize=LONG_DOCUMENTS)(_read)


def index_form(principal: Principal) -> Principal:
    """Return the form under which an index stores a principal of a document.

    A service is stored under its name alone: whether it acts for the right account depends on the role.
    """
    if principal.kind is PrincipalKind.SERVICE:
        return principal._replace(account="")
    return match_form(principal)


def lookup_forms(principal: Principal) -> tuple[Principal, ...]:
    """Return the forms under which an index stores the roles that may trust `principal`, which makes a request."""
    if principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE):
        return index_form(principal), Principal(PrincipalKind.ROOT, principal.account, "")
    return () if principal.kind is PrincipalKind.ROOT else (index_form(principal),)


@lru_cache(maxsize=_MEMOISED_PRINCIPALS)
def _index_form_of(kind: str, text: str) -> Principal:
    return index_form(principal_of_document(kind, text))
