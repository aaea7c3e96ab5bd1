"""The decision log while it is read: what is printed when, what follows a rotation, and how much of a long line is stored."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from rolecall.cli.decision_log import files
from rolecall.cli.decision_log.files import LogLine, log_lines
from tests.cli.conftest import CommandLine
from tests.cli.serving import ACCOUNT
from tests.cli.test_decisions import ALICE, BOB, LINES, ids, line


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "decisions.log"
    path.write_text("".join(LINES))
    return path


def buffered_streams(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """Let both streams of the program go into one file, in which only what is flushed arrives."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="utf-8"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(written, encoding="utf-8", write_through=True))
    return written


def log_of(monkeypatch: pytest.MonkeyPatch, *steps: str | None, after: io.BytesIO) -> list[str]:
    """Let the program follow a log of these lines; None is its end for now. Return what is printed before each step."""
    seen: list[str] = []

    def followed(name: str, *, follow: bool) -> Iterator[LogLine | None]:
        assert (name, follow) == ("a.log", True)
        for number, step in enumerate(steps, start=1):
            seen.append(after.getvalue().decode())
            yield None if step is None else LogLine("a.log", number, step.encode())
        seen.append(after.getvalue().decode())

    monkeypatch.setattr("rolecall.cli.commands.decisions.log_lines", followed)
    return seen


def test_followed_decisions_are_printed_at_the_end_of_the_log_and_then_each_at_the_next_end(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = buffered_streams(monkeypatch)
    one, two, three, four = (line(number) for number in (1, 2, 3, 4))
    seen = log_of(monkeypatch, one, two, None, three, None, four, None, None, after=printed)

    rolecall("decisions", "a.log", "--follow", "-o", "json", "--limit", "1")

    existing, later, last = two, two + three, two + three + four
    assert seen == ["", "", "", existing, existing, later, later, last, last]


def test_decisions_stand_before_the_report_of_a_later_line(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = buffered_streams(monkeypatch)
    log_of(monkeypatch, line(1), None, line(2), "x", None, after=printed)

    rolecall("decisions", "a.log", "-f", "-o", "json")

    first, second, report, total = printed.getvalue().decode().splitlines()
    assert [json.loads(text)["decision_id"] for text in (first, second)] == ["d-1", "d-2"]
    assert (report, total) == ("a.log:4:1: warning: the line is not JSON", "skipped: 1 line is not a decision")


def test_a_log_without_its_newest_file_is_followed_until_there_is_one(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "POLL_SECONDS", 0)
    lines = log_lines(str(log), follow=True)
    while next(lines) is not None:
        pass
    older = log.rename(log.with_name(f"{log.name}.1"))

    with older.open("a") as file:
        file.write(line(5))
    found = [one and json.loads(one.data)["decision_id"] for one in (next(lines) for _ in range(3))]
    log.write_text(line(6))
    found += [one and json.loads(one.data)["decision_id"] for one in (next(lines) for _ in range(2))]

    assert found == ["d-5", None, None, "d-6", None]


def test_the_files_that_are_not_read_further_are_closed(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "POLL_SECONDS", 0)
    every: list[files._Reader] = []

    class Recorded(files._Reader):
        def __init__(self, name: str, file: BinaryIO) -> None:
            super().__init__(name, file)
            every.append(self)

    monkeypatch.setattr(files, "_Reader", Recorded)
    log.with_name(f"{log.name}.3").hardlink_to(log)
    log.with_name(f"{log.name}.2").write_text(line(5))
    lines = log_lines(str(log), follow=True)
    while next(lines) is not None:
        pass

    log.rename(log.with_name(f"{log.name}.1"))
    log.write_text(line(6))
    while (one := next(lines)) is None or one.data != line(6).encode():
        pass

    assert len(every) > 3
    assert [Path(reader.name).name for reader in every if not reader.file.closed] == [log.name]


def test_only_a_part_of_a_line_that_is_too_long_is_stored(log: Path) -> None:
    log.write_bytes(b"x" * 5_000_000 + b"\n" + line(1).encode() + b"y" * 5_000_000)

    found = [(one.number, len(one.data)) for one in log_lines(str(log), follow=False) if one]

    assert found == [(1, 2 * 1024 * 1024 + 1), (2, len(line(1))), (3, 2 * 1024 * 1024 + 1)]


@pytest.mark.parametrize(
    "spelling", ["DECISION_REASON_IMPLICIT_DENY", "decision-reason-implicit-deny", "Implicit-Deny"]
)
def test_a_reason_may_be_spelt_as_in_the_contract(rolecall: CommandLine, log: Path, spelling: str) -> None:
    assert ids(rolecall("decisions", str(log), "-o", "json", "--reason", spelling).out) == ["d-2"]


def test_decisions_on_an_identity_provider_are_found_by_its_arn(rolecall: CommandLine, log: Path) -> None:
    provider = f"acs:ram::{ACCOUNT}:saml-provider/corp"
    log.write_text(line(1, who=provider) + line(2, who=ALICE) + line(3, who=BOB))

    assert ids(rolecall("decisions", str(log), "-o", "json", "--as", provider).out) == ["d-1"]


def test_an_arn_without_a_name_finds_the_decisions_on_it_alone(rolecall: CommandLine, log: Path) -> None:
    log.write_text(line(1, role="") + line(2))

    assert ids(rolecall("decisions", str(log), "-o", "json", "--role", f"acs:ram::{ACCOUNT}:role/").out) == ["d-1"]


@pytest.mark.parametrize(
    ("flag", "value", "noun", "hint"),
    [
        (
            "--reason", "NO", "a reason",
            "the reasons are ALLOW, EXPLICIT_DENY, IMPLICIT_DENY, ROLE_NOT_FOUND, ROOT_NOT_ALLOWED",
        ),
        (
            "--since", "yesterday", "a time",
            "give a time such as 2026-01-31T08:00:00Z, or an age such as 90s, 15m, 2h or 7d",
        ),
    ],
)  # fmt: skip
def test_an_unreadable_filter_is_reported_with_what_it_may_be(
    rolecall: CommandLine, log: Path, flag: str, value: str, noun: str, hint: str
) -> None:
    outcome = rolecall("decisions", str(log), flag, value)

    assert outcome == (2, "", f"error: {flag} `{value}` is not {noun}\n  help: {hint}\n")
