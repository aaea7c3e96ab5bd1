"""The README begins with what its readers need, and nothing is installed from where it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import blocks_of, name_of
from tests.repository.tree import DOCS, ROOT, pages

README = ROOT / "README.md"
BROKEN = ROOT / "examples/policies/github-oidc-broken.json"
# What follows an installer up to the end of the command.
INSTALLED = re.compile(r"(?:pip install|npm install|go get|cargo add|gem install) +([^`\n#]+)")
OURS = re.compile(r"rolecall")


def test_the_first_paragraph_spells_out_what_ram_is() -> None:
    first = README.read_text().split("\n\n")[1]

    assert "RAM (Resource Access Management)" in first


def test_the_policy_in_the_readme_is_the_example_that_it_names() -> None:
    shown = next(block.text for block in blocks_of(README) if block.language == "json")

    assert shown == BROKEN.read_text()


def from_an_index(text: str) -> list[str]:
    """Return our packages that a text installs from an index: anybody may have published another under that name."""
    named = [word.strip("'\"") for line in INSTALLED.findall(text) for word in line.split()]
    return [word for word in named if OURS.search(word) and not word.startswith(("./", "../", "/"))]


@pytest.mark.parametrize("page", [*pages(), *ROOT.glob("examples/*/README.md")], ids=name_of)
def test_our_packages_are_installed_from_a_directory(page: Path) -> None:
    assert from_an_index(page.read_text()) == []


def test_no_message_asks_to_install_our_packages_from_an_index() -> None:
    sources = [path for folder in ("service", "clients/python") for path in ROOT.joinpath(folder).rglob("*.py")]

    assert [name_of(path) for path in sources if from_an_index(path.read_text())] == []


def test_every_page_of_documentation_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text()
    others = {path.relative_to(DOCS).as_posix() for path in [*DOCS.glob("*.md"), *DOCS.glob("tutorials/*.md")]} - {
        "README.md"
    }

    assert set(re.findall(r"\]\(([\w/-]+\.md)\)", index)) - {"adr/README.md"} == others
