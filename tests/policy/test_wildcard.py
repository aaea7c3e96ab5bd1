"""The patterns of the `...Like` operators: what they mean, and that they cannot be made slow."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, strategies as st

from rolecall.policy.wildcard import CharacterPlaces, compile_pattern, matches_any


def matches(pattern: str, text: str) -> bool:
    return matches_any([compile_pattern(pattern)])(text)


def greedy(pattern: str, text: str) -> bool:
    """Match by going back to the latest star: another algorithm, to compare with."""
    p = t = 0
    star, resume = -1, 0
    while t < len(text):
        if p < len(pattern) and pattern[p] == "*":
            star, resume = p, t
            p += 1
        elif p < len(pattern) and pattern[p] in ("?", text[t]):
            p, t = p + 1, t + 1
        elif star >= 0:
            resume += 1
            p, t = star + 1, resume
        else:
            return False
    return not pattern[p:].strip("*")


@given(st.text("ab*?.[", max_size=10), st.text("ab*?.[\n", max_size=14))
def test_both_algorithms_agree(pattern: str, text: str) -> None:
    assert matches(pattern, text) == greedy(pattern, text)


def test_both_algorithms_agree_on_every_pattern_of_small_pieces() -> None:
    texts = ["".join(text) for length in range(7) for text in product("ab", repeat=length)]

    differing = [
        (pattern, text)
        for pattern in map("*".join, product(["", "a", "?b", "a?b"], repeat=4))
        for match in [matches_any([compile_pattern(pattern)])]
        for text in texts
        if match(text) != greedy(pattern, text)
    ]

    assert differing == []


@given(st.lists(st.text("ab*?\x01é世", max_size=6), max_size=4), st.text("ab\x01é世", max_size=12))
def test_several_patterns_match_a_text_when_one_of_them_does(patterns: list[str], text: str) -> None:
    any_matches = matches_any([compile_pattern(pattern) for pattern in patterns])

    assert any_matches(text) == any(greedy(pattern, text) for pattern in patterns)


@given(st.text("a1?\x01é世\ud7ff", max_size=40), st.sampled_from("a1?\x01é世\ud7ff"))
def test_the_places_of_a_character_are_its_indexes(text: str, character: str) -> None:
    places = CharacterPlaces(text)[character]

    assert [index for index in range(len(text)) if places >> index & 1] == [
        index for index, found in enumerate(text) if found == character
    ]
    assert places < 1 << len(text)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        pytest.param("", "", True, id="empty"),
        pytest.param("", "a", False, id="empty-is-not-any"),
        pytest.param("*", "", True, id="star-takes-nothing"),
        pytest.param("**", "anything", True, id="two-stars"),
        pytest.param("a*a", "a", False, id="ends-do-not-overlap"),
        pytest.param("a*b*a", "aba", True, id="pieces-touch"),
        pytest.param("a*ba*a", "aba", False, id="piece-and-end-do-not-overlap"),
        pytest.param("*b", "ab", True, id="end"),
        pytest.param("b*", "ab", False, id="start"),
        pytest.param("a?c", "abc", True, id="one-character"),
        pytest.param("a?c", "ac", False, id="one-character-is-needed"),
        pytest.param("?", "\U0001f600", True, id="one-code-point-beyond-the-basic-plane"),
        pytest.param("?", "\n", True, id="a-line-feed-is-a-character"),
        pytest.param("*?b?*", "aabaa", True, id="question-marks-in-the-middle"),
        pytest.param("*?b?*", "ba", False, id="question-marks-need-characters"),
        pytest.param("*?b*", "ab", True, id="a-piece-fills-the-whole-text"),
        pytest.param("*b???*", "ab", False, id="a-piece-needs-more-characters-than-there-are"),
        pytest.param("*a?*", "a", False, id="a-piece-needs-one-more-character"),
        pytest.param("*a???*", "ab", False, id="a-piece-is-longer-than-the-text-by-two"),
        pytest.param("a*??*", "ab", False, id="question-marks-need-as-many-characters"),
        pytest.param("a*??*", "abc", True, id="question-marks-take-as-many-characters"),
        pytest.param("*a?b?c*", "ab", False, id="a-piece-of-several-parts-needs-more-characters"),
        pytest.param("a*?b*c", "abbc", True, id="a-piece-fills-the-room-between-the-ends"),
        pytest.param("a*?b*c", "abc", False, id="a-piece-needs-room-between-the-ends"),
        pytest.param("*a?b*b", "axb", False, id="a-piece-of-several-parts-and-the-end-do-not-overlap"),
        pytest.param("*a?b*b", "axbb", True, id="a-piece-of-several-parts-and-the-end-touch"),
        pytest.param("x", "x\n", False, id="whole-text"),  # row 13 of the faults
        pytest.param("[a-z]", "b", False, id="class-is-literal"),  # row 22 of the faults
        pytest.param("[a-z]", "[a-z]", True, id="class-matches-itself"),  # row 22 of the faults
        pytest.param("[!x]*", "[!x]y", True, id="negated-class-is-literal"),  # row 22 of the faults
        pytest.param("a.c?", "abcd", False, id="point-is-literal"),
        pytest.param("\\*", "\\anything", True, id="backslash-is-literal"),
        pytest.param("${x}", "${x}", True, id="variable-is-literal"),
        pytest.param("Repo*", "repo:a", False, id="case-counts"),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


def test_a_pattern_of_many_stars_is_matched_in_bounded_time() -> None:  # row 21 of the faults
    assert not matches("a*" * 25 + "b", "a" * 60)
    assert not matches("*?a" * 16 + "b", "a" * 4_000)


def test_the_places_of_a_character_are_computed_once_for_all_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    places_of = CharacterPlaces._places

    def counted(self: CharacterPlaces, character: str) -> int:
        computed.append(character)
        return places_of(self, character)

    monkeypatch.setattr(CharacterPlaces, "_places", counted)

    assert not matches_any([compile_pattern(f"*a?b{n}*") for n in range(10)])("ab" * 50)

    assert sorted(computed) == ["a", "b"]


def test_a_frequent_character_of_a_long_text_is_not_searched_place_by_place() -> None:
    searched: list[int] = []

    class Counted(str):
        __slots__ = ()

        def find(self, text: str, start: Any = 0, end: Any = None) -> int:
            searched.append(start)
            return super().find(text, start, end)

    places = CharacterPlaces(Counted("a" * 6_400))["a"]

    assert places == (1 << 6_400) - 1
    assert len(searched) < 200
