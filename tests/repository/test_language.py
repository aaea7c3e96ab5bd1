"""The language of the project stays plain, and a name has one meaning."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tests.repository.symbols import class_names
from tests.repository.tree import ROOT, SOURCES, texts

DIALECT = re.compile(r"\b(tell|tells|told|whoever|anew)\b", re.IGNORECASE)
PLACES = ["service", "clients", "protos", "docs", "helm", "bench", "examples"]

QUOTATIONS = {
    ".tell()": "a method of the files of the standard library",
}
"""Texts that may contain such a word, each with the reason."""

ONE_MEANING = {
    "Severity": "the same severities: the command line imports the linter only when a command runs",
}
"""Names that two public classes share, each with the reason why there are two of one meaning."""


def dialect_in(text: str) -> list[str]:
    for quotation in QUOTATIONS:
        text = text.replace(quotation, "")
    return [line.strip() for line in text.splitlines() if DIALECT.search(line)]


@pytest.mark.parametrize("place", PLACES)
def test_the_language_is_plain(place: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path, text in texts(ROOT / place)
        if path.suffix != ".svg"
        for line in dialect_in(text)
    ]

    assert found == []


@pytest.mark.parametrize(
    "text", ["# Tell whether it is", "x = told()", "Whoever asks\nwaits", "read anew", "tell(1)", "# .tell() tells"]
)
def test_a_word_of_the_dialect_is_found(text: str) -> None:
    assert len(dialect_in(text)) == 1


@pytest.mark.parametrize("text", ["size = file.tell()", "a retold story", "foretells"])
def test_a_quotation_or_another_word_is_not_found(text: str) -> None:
    assert dialect_in(text) == []


def test_no_two_public_classes_share_a_name() -> None:
    modules: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SOURCES.rglob("*.py")):
        for name in class_names(path):
            modules[name].append(str(path.relative_to(SOURCES)))

    shared = {name: paths for name, paths in modules.items() if len(paths) > 1 and not name.startswith("_")}

    assert {name: paths for name, paths in shared.items() if name not in ONE_MEANING} == {}
    assert set(ONE_MEANING) <= set(shared)
