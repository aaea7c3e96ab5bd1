from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from rolecall.policy.readers import read_date
from rolecall.policy.wording import advised, listed, printable, quoted, rfc3339

NEW_YEAR = 1_767_225_600_000_000


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        pytest.param("plain é 😀", "plain é 😀", id="printable"),
        pytest.param("", "", id="empty"),
        pytest.param("a\nb\tc", "a\\nb\\tc", id="line-end-and-tab"),
        pytest.param("\x1b[2J", "\\x1b[2J", id="terminal-control"),
        pytest.param("\x85", "\\x85", id="c1-control"),
        pytest.param("\u202e", "\\u202e", id="bidi-mark"),
        pytest.param("\ud800", "\\ud800", id="lone-surrogate"),
        pytest.param("\U000e0001", "\\U000e0001", id="beyond-16-bits"),
    ],
)
def test_characters_that_do_not_print_become_escapes(text: str, escaped: str) -> None:
    assert printable(text) == escaped


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_every_text_can_be_printed(text: str) -> None:
    assert printable(text).isprintable()


def test_a_quoted_text_is_printable_and_in_backticks() -> None:
    assert quoted("a\nb") == "`a\\nb`"


def test_a_text_of_96_characters_is_quoted_whole() -> None:
    text = "a" * 64 + "b" * 32

    assert quoted(text) == f"`{text}`"


def test_of_a_longer_text_the_first_64_and_the_last_32_characters_are_quoted() -> None:
    text = "a" * 64 + "-" + "b" * 32

    assert quoted(text) == f"`{'a' * 64}...{'b' * 32}`"


def test_a_list_names_the_last_text_after_its_word() -> None:
    assert listed(["a"]) == "`a`"
    assert listed(["a", "b"]) == "`a` or `b`"
    assert listed(["a", "b", "c"]) == "`a`, `b` or `c`"
    assert listed(["a", "b", "c"], last="and") == "`a`, `b` and `c`"


def test_a_suggestion_is_added_unless_the_message_has_it() -> None:
    assert advised("wrong", "right") == "wrong; write `right`"
    assert advised("wrong, write `right`", "right") == "wrong, write `right`"
    assert advised("wrong, not right", "right") == "wrong, not right; write `right`"
    assert advised("wrong", "") == "wrong"


@pytest.mark.parametrize(
    ("micros", "short", "full"),
    [
        pytest.param(NEW_YEAR, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", id="whole-second"),
        pytest.param(NEW_YEAR + 1, "2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000001Z", id="a-microsecond"),
        pytest.param(NEW_YEAR + 500_000, "2026-01-01T00:00:00.500000Z", "2026-01-01T00:00:00.500000Z", id="half"),
        pytest.param(-1, "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", id="before-1970"),
    ],
)
def test_a_time_is_written_in_utc(micros: int, short: str, full: str) -> None:
    assert rfc3339(micros) == short
    assert rfc3339(micros, timespec="microseconds") == full


@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_a_written_time_reads_as_itself(micros: int) -> None:
    assert read_date(rfc3339(micros)) == micros
