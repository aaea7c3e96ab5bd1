"""How findings that are accepted, and differences of callers files, are printed."""

from __future__ import annotations

import datetime as dt
import sys

import pytest

from rolecall.callers.comparison import CallersComparison, RightsChange
from rolecall.cli.callers import diff
from rolecall.cli.linting.configuration import Suppression
from rolecall.cli.linting.judging import SuppressedProblem
from rolecall.cli.problems.problem import Location, Problem
from rolecall.cli.problems.reports import list_suppressed, report_hint, report_problems, report_suppressed
from rolecall.cli.text.terminal import console
from tests.cli.conftest import show_colours
from tests.cli.test_terminal_answers import styled

FOUND = Problem(
    location=Location("a-long-name-of-a-policy.json", 2, 3), message="every user\x07", severity="warning", reason="open-network",
    finding=True,
)  # fmt: skip


def accepted(until: dt.date | None = None) -> SuppressedProblem:
    why = Suppression(
        finding="open-network", reason="looked at\nby two", location=Location(".rolecall-lint.yaml", 5, 6), path="**", role="", until=until
    )  # fmt: skip
    return SuppressedProblem(problem=FOUND, suppression=why)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    show_colours(monkeypatch, columns=30)


@pytest.mark.usefixtures("terminal")
def test_what_is_accepted_is_dim_with_its_reason_in_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    list_suppressed([accepted(), accepted(dt.date(2199, 12, 31))], console(sys.stdout))

    found = "\x1b[2ma-long-name-of-a-policy.json:2:3: suppressed warning: every user\\x07 [open-network]\x1b[0m"
    assert capsys.readouterr().out.splitlines() == [
        found,
        "\x1b[2m  reason: looked at by two, .rolecall-lint.yaml:5:6\x1b[0m",
        found,
        "\x1b[2m  reason: looked at by two (until 2199-12-31), .rolecall-lint.yaml:5:6\x1b[0m",
    ]


def test_what_is_accepted_is_counted_and_listed_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    report_suppressed([accepted(), accepted()], listed=False)
    report_suppressed([], listed=True)
    brief = capsys.readouterr()
    report_suppressed([accepted()], listed=True)

    assert brief == ("", "2 suppressed\n")
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "a-long-name-of-a-policy.json", "  reason", "1 suppressed",
    ]  # fmt: skip


def test_a_suppression_is_recorded_with_its_reason_and_its_place() -> None:
    record = accepted(dt.date(2199, 12, 31)).record()

    assert record["suppression"] == {
        "reason": "looked at\nby two", "until": "2199-12-31", "file": ".rolecall-lint.yaml", "line": 5, "column": 6,
    }  # fmt: skip
    assert (record["reason"], record["file"], record["line"]) == ("open-network", "a-long-name-of-a-policy.json", 2)
    without = accepted().record()["suppression"]
    assert isinstance(without, dict)
    assert without["until"] == ""


@pytest.mark.parametrize(
    ("gains", "losses", "summary"),
    [
        (0, 0, "\x1b[32m0 gains, 0 losses\x1b[0m"),
        (0, 1, "\x1b[32m0 gains, 1 loss\x1b[0m"),
        (1, 0, "\x1b[31m1 gain, 0 losses\x1b[0m"),
        (2, 3, "\x1b[31m2 gains, 3 losses\x1b[0m"),
    ],
)
@pytest.mark.usefixtures("terminal")
def test_a_difference_of_callers_files_ends_with_its_sum(
    capsys: pytest.CaptureFixture[str], gains: int, losses: int, summary: str
) -> None:
    change = RightsChange(caller="a", what="may", action="x:Y", resource="r")

    diff._show(CallersComparison(gains=(change,) * gains, losses=(change,) * losses))

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == summary
    assert len(lines) == (1 if not gains + losses else 3 + gains + losses)


@pytest.mark.usefixtures("terminal")
def test_problems_and_what_to_do_are_printed_in_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    where = [FOUND.location, *(Location(f"{name}-long-name-of-a-policy.json", 4, 5) for name in "ab")]
    why, hint = "a reason that needs more than a line", "correct what is written there"
    severities = ("error", "warning", "note")
    problems = [
        Problem(
            location=at, message=why, severity=severity, reason="MASKED_ACCOUNT_ID", hint=hint, changes_meaning=True
        )
        for severity in severities
        for at in where
    ]

    report_problems(problems)
    report_hint(hint)

    lines = [
        line
        for severity, style in zip(severities, ("1;31", "1;33", "1;36"), strict=True)
        for line in (
            f"<1>{where[0]}: </><{style}>{severity}: </>{why}<2> [MASKED_ACCOUNT_ID]</>",
            f"  <1>also at: </>4:5, {where[2]}",
            f"  <1;36>help: </>{hint} (this can allow more than what is written)",
        )
    ]
    assert styled(capsys.readouterr().err) == [*lines, f"  <1;36>help: </>{hint}"]
