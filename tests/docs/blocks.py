"""The fenced blocks of a page that a reader types or writes to a file.

A comment before a block, after which blank lines may stand, says what is special about it:

* `<!-- file: PATH -->`: the block is the content of a file.
* `<!-- not run: REASON -->`: the commands are not run, and why.
* `<!-- run by TEST -->`: another test runs the commands.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.repository.tree import DOCS, ROOT

_BLOCK = re.compile(
    r"(?:^[ ]*<!-- (?P<mark>file|not run|run by):? (?P<about>.+?) -->\n+)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Command:
    """What a reader types, and what the page shows after it; empty if it shows nothing."""

    line: int
    text: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block, with the comment before it: its word, and the rest."""

    line: int
    language: str
    text: str
    mark: str | None
    about: str

    @property
    def commands(self) -> list[Command]:
        """Return the commands of a session, each with the output that follows it."""
        found: list[Command] = []
        typed: list[str] = []
        shown: list[str] = []
        began = self.line
        continued = False
        for number, line in enumerate([*self.text.splitlines(), "$ "], self.line + 1):
            if line.startswith("$ ") and not continued:
                if typed:
                    found.append(Command(began, "\n".join(typed), "\n".join(shown)))
                typed, shown, began = [line[2:]], [], number
            elif continued:
                typed.append(line)
            else:
                shown.append(line)
            continued = line.endswith("\\") if line.startswith("$ ") or continued else False
        return found


def pages_with_commands() -> list[Path]:
    """Return the README and every page of documentation that has a session."""
    readmes = [*ROOT.glob("examples/**/README.md"), *ROOT.glob("clients/*/README.md"), *ROOT.glob("helm/*/README.md")]
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(page for page in readmes if "node_modules" not in page.parts)]
    return sorted(page for page in pages if any(block.language == "console" for block in blocks_of(page)))


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page in order."""
    text = page.read_text()
    for match in _BLOCK.finditer(text):
        yield Block(
            line=text.count("\n", 0, match.start("indent")) + 1,
            language=match["language"],
            text=textwrap.dedent(match["text"]),
            mark=match["mark"],
            about=match["about"] or "",
        )


def name_of(page: Path) -> str:
    """Return the path of a page in the repository."""
    return str(page.relative_to(ROOT))
