"""The documentation is consistent with the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.repository.tree import DOCS, ROOT, SOURCES, pages, texts

LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|`|\$ )make ([a-z][a-z-]*)", re.MULTILINE)
FAULT_REASON = re.compile(r'(?:code_pb2\.\w+|"\w+"), "([A-Z][A-Z_]+)"|reason="([A-Z][A-Z_]+)"')

CAPITALS = re.compile(r'"([A-Z]+_[A-Z_]+)"')
ENUM_VALUES = {"EXPLICIT_DENY", "IMPLICIT_DENY", "NOT_EVALUATED", "ROOT_NOT_ALLOWED"}

# In parts, so that this file does not contain them.
MACHINE_WORDS = ["/work" + "/", "/tmp" + "/w/", "/root" + "/", "pypi" + ".org", "files.python" + "hosted"]


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {anchor(heading) for heading in HEADING.findall(CODE_BLOCK.sub("", page.read_text()))}


def targets_of_make() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_has_a_target(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if not link.startswith(("https://", "http://"))]

    broken = []
    for link in links:
        name, _, fragment = link.partition("#")
        target = (page.parent / name) if name else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_command_of_a_page_exists(page: Path) -> None:
    commands = set(COMMAND.findall(page.read_text()))

    assert commands <= targets_of_make()


def test_the_readme_names_make_run_and_make_test() -> None:
    commands = COMMAND.findall((ROOT / "README.md").read_text())

    assert {"run", "test"} <= set(commands)


def test_every_target_of_make_is_described_in_its_help() -> None:
    described = set(re.findall(r"^([a-z][a-z-]*):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert described == targets_of_make()


def test_every_decision_about_the_architecture_is_listed() -> None:
    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (DOCS / "adr/README.md").read_text()))

    assert listed == {page.name for page in (DOCS / "adr").glob("[0-9]*.md")}


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(page.name[:4]) for page in (DOCS / "adr").glob("[0-9]*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


def test_every_reason_that_the_server_returns_is_documented() -> None:
    faults = (SOURCES / "transport/error_mapping.py").read_text()
    given = {one or other for one, other in FAULT_REASON.findall(faults)}
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", (DOCS / "errors.md").read_text()))

    assert len(given) > 20
    assert given - documented == set()


@pytest.mark.parametrize("layer", ["policy", "roles", "engine"])
def test_every_reason_of_a_violation_is_documented(layer: str) -> None:
    texts = [path.read_text() for path in (SOURCES / layer).rglob("*.py") if path.stem != "__init__"]
    reasons = {text for source in texts for text in CAPITALS.findall(source)} - ENUM_VALUES
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", (DOCS / "errors.md").read_text()))

    assert reasons
    assert reasons - documented == set()


@pytest.mark.parametrize("word", MACHINE_WORDS)
def test_no_file_names_a_development_machine_or_package_index(word: str) -> None:
    found = [str(path.relative_to(ROOT)) for path, text in texts() if word in text]

    assert found == []
