"""No suggestion widens trust: who follows one to the letter trusts nobody whom the document, read as it may have been meant, did not.

`ROLECALL_SUGGESTION_DOCUMENTS` is how many random documents are tried, `ROLECALL_SUGGESTION_SEED` selects them.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from hypothesis import given, reject, settings, strategies as st

from tests.oracle import cases as drawn
from tests.policy.mistakes import MISTAKES, OverlapError, charitable
from tests.policy.strategies import policies, requests
from tests.policy.suggestions import corrected, edited, violations_of
from tests.vectors.product import Evaluator

Json = dict[str, Any]

NOBODY: Json = {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"RAM": []}}
DOCUMENTS = int(os.environ.get("ROLECALL_SUGGESTION_DOCUMENTS", "3000"))
SEED = int(os.environ.get("ROLECALL_SUGGESTION_SEED", "20261129"))


class Readings:
    """A document by the letter, and read charitably."""

    def __init__(self, document: Json) -> None:
        self._letter, self._charitable = Evaluator(document), Evaluator(charitable(document))

    def require_no_less(self, followed: Readings, request: Json) -> None:
        """Require that a document to which a suggestion led allows a request only if this one does."""
        letter, meant = self._letter.decide(request)["allowed"], self._charitable.decide(request)["allowed"]
        # A pattern elsewhere, which nobody has corrected yet, denies nothing by the letter: before and after.
        assert letter or meant or not followed._letter.decide(request)["allowed"]
        assert meant or not followed._charitable.decide(request)["allowed"]

    def require_no_less_by_the_letter(self, followed: Readings, request: Json) -> None:
        """Require the same of both documents as they stand."""
        assert self._letter.decide(request)["allowed"] or not followed._letter.decide(request)["allowed"]


def check_mistake(document: Json, place: int, name: str, asked: list[Json]) -> bool:
    """Require that following every suggestion widens nothing; return whether it led to a valid document."""
    index = place % len(document["Statement"])
    written, meant = MISTAKES[name](copy.deepcopy(document["Statement"][index]))
    mistaken = _with(document, index, written)
    if not violations_of(mistaken):
        check_findings(mistaken, asked)
        return True
    result = corrected(mistaken)
    if result is None:
        return False
    intended, followed = Readings(_with(document, index, meant or NOBODY)), Readings(result)
    for request in asked:
        intended.require_no_less(followed, request)
    return True


def check_findings(document: Json, asked: list[Json]) -> None:
    """Require that no change of a finding widens anything."""
    before = Readings(document)
    for finding, changed in edited(document):
        after = Readings(changed)
        for request in asked:
            before.require_no_less(after, request)
            if not finding.changes_meaning:
                before.require_no_less_by_the_letter(after, request)


def _with(document: Json, index: int, statement: Json) -> Json:
    statements = list(document["Statement"])
    statements[index] = statement
    return document | {"Statement": statements}


@contextmanager
def readable() -> Iterator[None]:
    """Reject a document that cannot be read charitably as one document."""
    try:
        yield
    except OverlapError:
        reject()


asked = st.lists(requests, min_size=3, max_size=8)
mistakes = st.sampled_from(sorted(MISTAKES))


@pytest.mark.long
@settings(deadline=None, max_examples=100)
@given(policies, st.integers(0, 3), mistakes, asked)
def test_the_suggestions_of_violations_never_widen(document: Json, place: int, name: str, asked: list[Json]) -> None:
    with readable():
        check_mistake(document, place, name, asked)


@pytest.mark.long
@settings(deadline=None, max_examples=100)
@given(policies, asked)
def test_the_changes_of_findings_never_widen(document: Json, asked: list[Json]) -> None:
    with readable():
        check_findings(document, asked)


@pytest.mark.long
def test_of_many_documents_no_suggestion_and_no_change_widens() -> None:
    random, led, skipped = Random(SEED), 0, 0
    for _ in range(DOCUMENTS):
        document, questions = drawn.policy(random), [drawn.request(random) for _ in range(4)]
        try:
            check_findings(document, questions)
            led += check_mistake(document, random.randrange(5), random.choice(sorted(MISTAKES)), questions)
        except OverlapError:
            skipped += 1

    assert led > DOCUMENTS // 3
    assert skipped < DOCUMENTS // 10


PLAIN: Json = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ["acs:ram::123456789012:user/bob"]}}
LEAD_NOWHERE = (
    "nobody",
    "NotPrincipal",
    "NotAction",
    "effect NotAllow",
    "effect Disallow",
    "action ecs",
    "action sts:Tag",
)


@pytest.mark.parametrize("name", sorted(MISTAKES))
def test_a_mistake_is_one_and_its_suggestions_lead_to_what_was_meant_or_nowhere(name: str) -> None:
    written, meant = MISTAKES[name](copy.deepcopy(PLAIN))
    document = {"Version": "1", "Statement": [written]}

    result = corrected(document)

    if name.startswith(LEAD_NOWHERE) or name in ("operator NotStringEquals", "operator StringEqualsNot"):
        assert violations_of(document)
        assert result is None
    elif name.startswith("key "):
        ((finding, changed),) = edited(document)
        assert changed["Statement"] == [meant]
        assert finding.changes_meaning
    else:
        assert result is not None
        assert result["Statement"] == [meant] or _same_principals(result["Statement"][0], meant)


def _same_principals(one: Json, other: Json | None) -> bool:
    return other is not None and {k: v for k, v in one["Principal"].items() if v} == {
        k: v for k, v in other["Principal"].items() if v
    }
