"""The exit codes are those of the page of the command line."""

from __future__ import annotations

import re

import pytest

from rolecall.cli import failure
from rolecall.cli.command_table import PURPOSE
from tests.repository.tree import DOCS


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("OK", "done or allowed"),
        ("DENIED", "denied, or a check failed"),
        ("FAILED", "error"),
        ("NO_ROLE", "denied, since there is no such role"),
        ("CHANGES", "a dry run found changes"),
        ("INTERRUPTED", "Ctrl-C"),
        ("PIPE_CLOSED", "the reader of the output has closed the pipe"),
        ("TERMINATED", "SIGTERM"),
    ],
)
def test_a_code_is_the_documented_one(name: str, words: str) -> None:
    page = (DOCS / "command-line.md").read_text().partition("Exit codes: ")[2].partition("\n## ")[0]

    assert re.findall(rf"\b(\d+) {words}", page) == [str(getattr(failure, name))]


def test_the_help_of_the_program_has_the_codes_that_answer_a_question() -> None:
    listed = re.findall(r"\b(\d) ", PURPOSE.partition("Exit codes: ")[2])

    names = ("OK", "DENIED", "FAILED", "NO_ROLE", "CHANGES")
    assert listed == [str(getattr(failure, name)) for name in names]


def test_an_error_has_a_message_and_a_hint_that_may_be_empty() -> None:
    error = failure.CommandError("it failed")

    assert (str(error), error.message, error.hint) == ("it failed", "it failed", "")
    assert failure.CommandError("it failed", hint="try again").hint == "try again"
