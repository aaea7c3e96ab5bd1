"""The canonical spelling of a document."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from rolecall.policy.canonical import canonical_text
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.limits import Limits

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc/~\u00e9"), inner),
    max_leaves=10,
)


def test_members_are_sorted_and_blanks_removed() -> None:
    text = ' {"b": [ true, null, "\\u00e9" ],\n "a": {"\\u00e9": 1.50, "c": -2E+3} } '

    assert canonical_text(text) == '{"a":{"c":-2E+3,"\u00e9":1.50},"b":[true,null,"\u00e9"]}'


@given(VALUES)
def test_the_canonical_spelling_has_the_same_value_and_is_canonical(value: object) -> None:
    limits = Limits(max_document_bytes=10**6)

    canonical = canonical_text(json.dumps(value, indent=2), limits=limits)

    assert json.loads(canonical) == value
    assert canonical_text(canonical, limits=limits) == canonical


@pytest.mark.parametrize("text", ["", "{", '{"a": 1, "a": 1}', '["\\ud800"]', "[" * 40])
def test_what_has_no_canonical_spelling_is_refused(text: str) -> None:
    with pytest.raises(InvalidPolicyError):
        canonical_text(text)
