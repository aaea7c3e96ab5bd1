"""What is said of two texts that differ in one thing, which is hard to see."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from rolecall.policy.explaining.one_difference import one_difference
from tests.policy.strategies import laws

ISSUER = "https://token.example.com"


@pytest.mark.parametrize(
    ("key", "expected", "actual", "said"),
    [
        ("oidc:sub", "Repo:a", "repo:A", "they differ in case alone"),
        ("oidc:sub", "abc ", "abc", "they differ in white space alone: the expected value ends with it"),
        ("oidc:sub", "abc", "\tabc", "they differ in white space alone: the value that was sent begins with it"),
        ("oidc:sub", "ab", "a b", "they differ in white space alone: the value that was sent has it"),
        (
            "oidc:sub",
            "a\u200bb",
            "ab",
            "they differ in an invisible character alone, U+200B (zero width space): the expected value has it",
        ),
        (
            "oidc:sub",
            "ab",
            "ab\x00",
            "they differ in an invisible character alone, U+0000 (a control character): the value that was sent has it",
        ),
        (
            "oidc:sub",
            "p\u0430y",
            "pay",
            (
                "they differ in a character that looks the same: U+0430 (cyrillic small letter a) is expected, "
                "U+0061 (latin small letter a) was sent"
            ),
        ),
        (
            "oidc:iss",
            f"{ISSUER}/",
            ISSUER,
            "they differ in the `/` at the end alone, without which issuers are usually written: the expected value has it",
        ),
        ("app:x", "a/b", "a/b/", "they differ in the `/` at the end alone: the value that was sent has it"),
        (
            "oidc:aud",
            "https://sts.aliyuncs.com",
            "sts.aliyuncs.com",
            "they differ in the scheme alone, which audiences rarely have: the expected value has one",
        ),
        ("oidc:iss", "token.example.com", ISSUER, "they differ in the scheme alone: the value that was sent has one"),
        (
            "oidc:iss",
            ISSUER.replace("https", "http"),
            ISSUER,
            "they differ in the scheme alone: `http://` is expected, `https://` was sent",
        ),
        ("oidc:sub", "repo:a/b", "repo:a/b:ref:x", "the value that was sent continues with `:ref:x`"),
        ("oidc:sub", "repo:a/b:ref:x", "repo:a/b", "the expected one continues with `:ref:x`"),
        ("oidc:sub", "repo:a/b", "repo:a/c", ""),
        ("oidc:sub", "A b", "a  c", ""),
        ("oidc:sub", "abc", "abcd", ""),
        ("oidc:sub", "a/b", "a/b~", ""),
        ("oidc:sub", "a/b~", "a/b", ""),
        ("oidc:sub", " abc", "abc", "they differ in white space alone: the expected value begins with it"),
        ("oidc:sub", "abc", "abc\n", "they differ in white space alone: the value that was sent ends with it"),
        ("oidc:sub", "a b", "ab", "they differ in white space alone: the expected value has it"),
        (
            "oidc:sub",
            "a\u200bb",
            "ab\u200b",
            "they differ in an invisible character alone, U+200B (zero width space): the expected value has it",
        ),
    ],
)
def test_the_one_difference_is_said(key: str, expected: str, actual: str, said: str) -> None:
    assert one_difference(key, expected, actual) == said


texts = st.text(st.sampled_from("aA \u200b\u0430/:.\x00-\u2010"), max_size=8)


@laws
@given(texts, texts)
def test_every_sentence_prints_and_different_texts_never_raise(expected: str, actual: str) -> None:
    if expected != actual:
        assert one_difference("oidc:iss", expected, actual).isprintable()
