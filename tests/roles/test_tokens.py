from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

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


def test_a_token_has_at_most_1024_characters() -> None:
    fits, too_long = (TOKENS.page("x" * length, filter=()) for length in (735, 736))

    assert (len(fits), len(too_long)) == (1_024, 1_026)
    assert TOKENS.cursor_of(fits, filter=()) == "x" * 735
    with pytest.raises(InvalidTokenError):
        TOKENS.cursor_of(too_long, filter=())


@pytest.mark.parametrize("length", [*range(8), 31, 32, 33, 63, 64, 65, 500])
def test_the_cursor_of_a_page_token_is_not_shown_whatever_its_length(length: int) -> None:
    cursor = "a" * length

    shown = urlsafe_b64decode(TOKENS.page(cursor, filter=()) + "==")[17:-16]

    assert len(shown) == length
    assert shown.count(b"a") <= 1 + length // 16
    assert length < 40 or shown[:32] != shown[32:64]


def test_a_consistency_token_with_a_payload_of_another_length_is_refused() -> None:
    for payload in (b"", bytes(7), bytes(9)):
        body = b"c" + TOKENS._history + payload
        sealed = body + TOKENS._mac(body, b"")
        token = urlsafe_b64encode(sealed).decode().rstrip("=")
        with pytest.raises(InvalidTokenError) as caught:
            TOKENS.revision_of(token, "start_token")
        assert caught.value.kind == "start_token"


def test_the_errors_of_a_token_name_its_field_and_what_to_do() -> None:
    other = Tokens(KEY, "another history").consistency(Revision(7))
    messages = list[tuple[str, str]]()

    with pytest.raises(UnknownIncarnationError, match=r"^`start_token` comes from another history of the store; "):
        TOKENS.revision_of(other, "start_token")
    for read in (
        lambda: TOKENS.revision_of("x"),
        lambda: TOKENS.revision_of("x", "start_token"),
        lambda: TOKENS.cursor_of("x", filter=()),
    ):
        with pytest.raises(InvalidTokenError) as caught:
            read()
        messages.append((caught.value.kind, str(caught.value)))

    begin = "was not issued by this store for this request;"
    assert messages == [
        ("consistency_token", f"`consistency_token` {begin} read without it"),
        ("start_token", f"`start_token` {begin} read without it"),
        ("page_token", f"`page_token` {begin} start the list again without it"),
    ]


def test_the_tokens_of_sixteen_revisions_are_remembered_and_those_of_a_history_end_with_it() -> None:
    tokens = Tokens(KEY, "this history")
    before = tokens.consistency(Revision(7))

    tokens.adopt(bytes(32), "another history")

    assert tokens.consistency(Revision(7)) == Tokens(bytes(32), "another history").consistency(Revision(7)) != before
    assert tokens._memoised.cache_parameters()["maxsize"] == 16


def test_tokens_of_earlier_versions_are_read() -> None:
    # Tokens outlive a restart and travel between replicas of two versions, so their bytes do not change without need.
    assert TOKENS.consistency(Revision(7)) == "Y9g-YsKsJV4PuR-GS5bTqmEAAAAAAAAAB1DBCoHWTQxVVmHKwFLJurA"
    assert TOKENS.page("1/app", filter=("a", "bc")) == "cNg-YsKsJV4PuR-GS5bTqmGwX-fohLVDqoKPJ4xdDWHZEvaC2JE"
