"""The language of the project stays plain."""

from __future__ import annotations

import re

import pytest

from tests.repository.tree import ROOT, texts

DIALECT = re.compile(r"\b(tell|tells|told|whoever|anew)\b", re.IGNORECASE)
PLACES = ["clients", "protos", "docs", "helm", "bench", "examples"]

QUOTATIONS: dict[str, str] = {}
"""Lines, without the space around them, that may have such a word, each with the reason."""


def dialect_in(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if DIALECT.search(line) and line.strip() not in QUOTATIONS]


@pytest.mark.parametrize("place", PLACES)
def test_the_language_is_plain(place: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path, text in texts(ROOT / place)
        if path.suffix != ".svg"
        for line in dialect_in(text)
    ]

    assert found == []


@pytest.mark.parametrize("text", ["# Tell whether it is", "x = told()", "Whoever asks\nwaits", "read anew"])
def test_a_word_of_the_dialect_is_found(text: str) -> None:
    assert len(dialect_in(text)) == 1
