from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from rolecall.roles.errors import InvalidTokenError, UnknownIncarnationError
from rolecall.roles.role import Revision
from rolecall.roles.tokens import Tokens

KEY = bytes(range(32))
TOKENS = Tokens(KEY, "this history")
REVISIONS = st.integers(0, 2**63 - 1).map(Revision)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
FILTERS = st.lists(TEXTS, max_size=3).map(tuple)
law = settings(derandomize=True, max_examples=100, deadline=None)


@law
@given(REVISIONS)
def test_a_consistency_token_is_read_back(revision: Revision) -> None:
    assert TOKENS.revision_of(TOKENS.consistency(revision)) == revision
    assert Tokens(KEY, "this history").consistency(revision) == TOKENS.consistency(revision)


@law
@given(TEXTS, FILTERS)
def test_a_page_token_is_read_back(cursor: str, bound: tuple[str, ...]) -> None:
    assert TOKENS.cursor_of(TOKENS.page(cursor, filter=bound), filter=bound) == cursor


@law
@given(st.data())
def test_no_mutation_of_a_token_is_accepted(data: st.DataObject) -> None:
    token = data.draw(st.sampled_from([TOKENS.consistency(Revision(7)), TOKENS.page("1/app", filter=("a",))]))
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    mutated = token[:start] + data.draw(st.text(max_size=6) | st.sampled_from(["=", "\n", "A", "_", "-"])) + token[end:]
    if mutated == token:
        return

    with pytest.raises(InvalidTokenError):
        TOKENS.revision_of(mutated)
    with pytest.raises(InvalidTokenError):
        TOKENS.cursor_of(mutated, filter=("a",))


def test_every_single_bit_counts() -> None:
    token = TOKENS.consistency(Revision(7))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    mutants = [token[:i] + c + token[i + 1 :] for i in range(len(token)) for c in alphabet if c != token[i]]

    for mutant in mutants:
        with pytest.raises(InvalidTokenError):
            TOKENS.revision_of(mutant)


@law
@given(st.text(max_size=100) | st.binary(max_size=100).map(lambda raw: raw.hex()))
def test_no_other_text_is_accepted(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        TOKENS.revision_of(text)
    with pytest.raises(InvalidTokenError):
        TOKENS.cursor_of(text, filter=())


def test_a_text_that_is_too_long_is_not_decoded() -> None:
    with pytest.raises(InvalidTokenError):
        TOKENS.revision_of("A" * 10_000_000)


def test_a_token_of_another_key_is_refused() -> None:
    other = Tokens(bytes(32), "this history")

    with pytest.raises(InvalidTokenError):
        TOKENS.revision_of(other.consistency(Revision(7)))


def test_a_token_of_another_history_is_refused_as_such() -> None:
    other = Tokens(KEY, "another history")

    with pytest.raises(UnknownIncarnationError):
        TOKENS.revision_of(other.consistency(Revision(7)))
    with pytest.raises(InvalidTokenError):
        TOKENS.cursor_of(other.page("x", filter=()), filter=())


def test_one_kind_of_token_is_not_accepted_as_the_other() -> None:
    with pytest.raises(InvalidTokenError) as page:
        TOKENS.cursor_of(TOKENS.consistency(Revision(7)), filter=())
    with pytest.raises(InvalidTokenError) as consistency:
        TOKENS.revision_of(TOKENS.page("12345678", filter=()))

    assert (page.value.kind, consistency.value.kind) == ("page_token", "consistency_token")


@pytest.mark.parametrize("other", [(), ("a",), ("ab", ""), ("", "ab"), ("b", "a"), ("a", "b", ""), ("A", "b")])
def test_a_page_token_is_valid_for_its_filter_only(other: tuple[str, ...]) -> None:
    token = TOKENS.page("cursor", filter=("a", "b"))

    with pytest.raises(InvalidTokenError):
        TOKENS.cursor_of(token, filter=other)


def test_a_token_has_url_safe_characters_only() -> None:
    assert TOKENS.consistency(Revision(2**40)).replace("-", "").replace("_", "").isalnum()


def test_tokens_of_earlier_versions_are_read() -> None:
    # Tokens outlive a restart and travel between replicas of two versions, so their bytes do not change without need.
    assert TOKENS.consistency(Revision(7)) == "Y9g-YsKsJV4PuR-GS5bTqmEAAAAAAAAAB1DBCoHWTQxVVmHKwFLJurA"
    assert TOKENS.page("1/app", filter=("a", "bc")) == "cNg-YsKsJV4PuR-GS5bTqmGwX-fohLVDqoKPJ4xdDWHZEvaC2JE"
