"""Every command that a text names exists, with each option that it has there, and is not hidden in a block that is not run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.docs.blocks import blocks_of, name_of
from tests.repository.tree import DOCS, ROOT, pages

REFERENCE = DOCS / "command-line.md"
NAMED = re.compile(r"`rolecall ([a-z][^`]*)`")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
FENCE = re.compile(r"^[ ]*```.*?^[ ]*```$", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"^(?:\$ \S|(?:rolecall|make|kubectl|helm|docker|buf|pip|curl|openssl) [a-z])", re.MULTILINE)
OTHER_FENCE = re.compile(r"^[ ]*(?:~~~|````).*", re.MULTILINE)
INDENTED = re.compile(r"^(?:[ ]{4,}|\t)\$ .*", re.MULTILINE)
# A pipeline in a table or a sentence: what comes before the next program.
END = re.compile(r" (?:\||&&|>) ")


def _options() -> Mapping[tuple[str, ...], frozenset[str]]:
    """Return the options of each command, by its words."""
    sections = REFERENCE.read_text().split("\n## rolecall")[1:]
    found = {}
    for section in sections:
        heading, _, text = section.partition("\n")
        found[tuple(heading.split())] = frozenset(FLAG.findall(text))
    return found


OPTIONS = _options()
PAGES = [
    page
    for page in [*pages(), *ROOT.glob("examples/**/README.md")]
    if page != REFERENCE and "node_modules" not in page.parts
]


def _command(words: list[str]) -> tuple[str, ...] | None:
    return next((tuple(words[:count]) for count in (2, 1) if tuple(words[:count]) in OPTIONS), None)


def _unknown(page: Path) -> Iterator[str]:
    for named in NAMED.findall(FENCE.sub("", page.read_text())):
        command = _command(END.split(named)[0].split())
        if command is None:
            yield named
        else:
            flags = set(FLAG.findall(END.split(named)[0]))
            yield from (f"{named}: {flag}" for flag in flags - OPTIONS[command])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    assert list(_unknown(page)) == []


def test_the_commands_are_read_from_the_reference() -> None:
    assert "--dry-run" in OPTIONS["apply",]
    assert len(OPTIONS) > 40
    assert _command(["callers", "check", "callers.yaml"]) == ("callers", "check")
    assert _command(["conquer"]) is None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_stand_in_blocks_that_are_run(page: Path) -> None:
    hidden = [
        f"{name_of(page)}:{block.line}"
        for block in blocks_of(page)
        if block.language != "console" and TYPED.search(block.text)
    ]

    assert hidden == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_block_is_written_in_a_way_that_is_not_found(page: Path) -> None:
    text = page.read_text()

    assert OTHER_FENCE.findall(text) == []
    assert INDENTED.findall(FENCE.sub("", text)) == []
