"""Every command in the README and the documentation runs as it stands, and prints what the page shows.

Run this module to count them.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import Block, Command, blocks_of, name_of, pages_with_commands
from tests.docs.shell import Ran, Terminal, matches
from tests.docs.stages import STAGES, Stage
from tests.postgres import PostgresServer
from tests.repository.tree import ROOT

PAGES = pages_with_commands()
FAILURE = re.compile(r"✗|^error: |^no$", re.MULTILINE)


def is_run_here(block: Block) -> bool:
    return block.language == "console" and block.mark is None


RUN_HERE = [page for page in PAGES if any(is_run_here(block) for block in blocks_of(page))]


@pytest.fixture
def directory() -> Iterator[Path]:
    """Give a directory with a short name, since that of a Unix socket has a limit."""
    directory = Path(tempfile.mkdtemp(prefix="page-")).resolve()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.long
@pytest.mark.parametrize("page", RUN_HERE, ids=name_of)
def test_every_command_of_a_page_does_what_the_page_shows(
    page: Path, directory: Path, request: pytest.FixtureRequest
) -> None:
    def database() -> str:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server.create_database()

    terminal = Stage(directory, database).open(STAGES.get(name_of(page), ()))

    try:
        wrong = list(_faults(page, terminal))
    finally:
        terminal.close()

    assert not wrong, "\n\n".join(wrong)


def _faults(page: Path, terminal: Terminal) -> Iterator[str]:
    for block in blocks_of(page):
        if block.mark == "file":
            path = terminal.at / block.about
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(terminal.as_in_the_terminal(block.text))
        elif is_run_here(block):
            for command in block.commands:
                ran = terminal.run(command.text, shown=command.shown)
                if problem := _problem(command, ran):
                    yield f"{name_of(page)}:{command.line}: {problem}\n$ {command.text}\n{ran.output}"


def _problem(command: Command, ran: Ran) -> str:
    # A command fails only where the page shows that it does.
    accepted = {1, 2, 3} if FAILURE.search(command.shown) else {None, 0}
    if ran.code not in accepted:
        return f"ended with {ran.code}"
    if command.shown and not matches(command.shown, ran.output):
        return "printed something else than the page shows"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_session_that_is_not_run_says_why(page: Path) -> None:
    blocks = [block for block in blocks_of(page) if block.language == "console" and block.mark is not None]

    for block in blocks:
        if block.mark == "run by":
            assert Path(ROOT, block.about.partition("::")[0]).is_file(), block.about
        else:
            assert len(block.about) > 10, f"{name_of(page)}:{block.line}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_session_has_commands(page: Path) -> None:
    sessions = [block for block in blocks_of(page) if is_run_here(block)]

    assert [block.line for block in sessions if not block.commands] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_file_of_a_page_is_named_above_it(page: Path) -> None:
    lines = page.read_text().splitlines()

    unnamed = [
        block.about
        for block in blocks_of(page)
        if block.mark == "file"
        and not any(f"`{block.about}`" in line for line in lines[max(0, block.line - 5) : block.line - 1])
    ]

    assert unnamed == []


def test_commands_are_found_with_their_output_and_lines() -> None:
    block = Block(line=7, language="console", text="$ one \\\n    --more\nout\n$ two # x\n", mark=None, about="")

    assert block.commands == [Command(8, "one \\\n    --more", "out"), Command(11, "two # x", "")]


def test_dots_ids_and_times_of_a_page_stand_for_any() -> None:
    shown = "at 2026-01-31T08:00:00Z\n...\nid 4f7962ed-8324-4152-8d10-8c130d791495 done"

    assert matches(shown, "at 2027-02-01T09:10:11Z\nmore\nlines\nid 00000000-8324-4152-8d10-8c130d791495 done  \n")
    assert not matches(shown, "at noon\nmore\nid 00000000-8324-4152-8d10-8c130d791495 done")
    assert not matches("one", "one two")


def _count() -> None:
    blocks = [block for page in PAGES for block in blocks_of(page) if block.language == "console"]
    for words, chosen in (
        ("run here", [block for block in blocks if block.mark is None]),
        ("run by another test", [block for block in blocks if block.mark == "run by"]),
        ("not run", [block for block in blocks if block.mark == "not run"]),
    ):
        commands = sum(len(block.commands) for block in chosen)
        print(f"{words}: {commands} commands in {len(chosen)} blocks")
    for page in PAGES:
        for block in blocks_of(page):
            if block.language == "console" and block.mark == "not run":
                print(f"  {name_of(page)}:{block.line}: {block.about}")


if __name__ == "__main__":
    _count()
