"""Progress on a terminal: shown for long work, on standard error, and never into a pipe."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Self

import pytest
from rich.console import Console
from rich.progress import TextColumn

from rolecall.cli.commands import apply, export
from rolecall.cli.options.store_options import counted, counting
from rolecall_client.v1.role_pb2 import ListRolesResponse, Role
from tests.cli.case_files import VALID
from tests.cli.conftest import CommandLine, show_colours
from tests.cli.recording import recording

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def terminal(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Give the command line as on a terminal."""
    show_colours(monkeypatch, columns=200)
    return rolecall


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def declare(number: int) -> str:
    roles = "".join(f"  - {{name: r{n}, trust_policy_json: '{VALID}'}}\n" for n in range(number))
    Path("r.yaml").write_text(f"apiVersion: rolecall/v1\nroles:\n{roles}")
    return "r.yaml"


def seen(err: str) -> str:
    return CONTROL.sub("", err)


def test_an_apply_of_many_roles_shows_how_many_are_sent(terminal: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "PROGRESS_MIN_ROLES", 5)
    monkeypatch.setattr(apply, "ROLES_PER_UPDATE", 2)
    with recording() as (address, calls):
        outcome = terminal("apply", "-f", declare(5), "--address", address)

    assert outcome.code == 0
    assert "applying" in seen(outcome.err)
    assert "5/5" in seen(outcome.err)
    assert calls[-1].text.count("role_name") == 5


def test_an_apply_of_few_roles_shows_no_progress(terminal: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "PROGRESS_MIN_ROLES", 5)
    with recording() as (address, calls):
        outcome = terminal("apply", "-f", declare(4), "--address", address)

    assert (outcome.code, outcome.err, calls[-1].text.count("role_name")) == (0, "", 4)


def test_into_a_pipe_an_apply_shows_no_progress(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "PROGRESS_MIN_ROLES", 5)
    with recording() as (address, calls):
        outcome = rolecall("apply", "-f", declare(5), "--address", address)

    assert (outcome.code, outcome.err, calls[-1].text.count("role_name")) == (0, "", 5)


ROLES = ListRolesResponse(roles=[Role(role_name=f"r{n}", assume_role_policy_document="{}") for n in range(4)])


def test_an_export_to_a_file_shows_how_many_roles_it_has(
    terminal: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROLES_PER_UPDATE", 2)
    with recording(ListRoles=ROLES) as (address, _):
        outcome = terminal("export", "--address", address)

    assert "exporting" in seen(outcome.err)
    assert "4 roles" in seen(outcome.err)
    assert outcome.out.count("name: r") == 4
    assert "\x1b" not in outcome.out


def test_an_export_to_the_terminal_shows_only_the_roles(terminal: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with recording(ListRoles=ROLES) as (address, _):
        outcome = terminal("export", "--address", address)

    assert (outcome.err, outcome.out.count("name: r")) == ("", 4)


class Bar:
    """Stands in for a progress bar, and records what it is asked to show."""

    made: list[Bar]

    def __init__(self, *columns: object, console: Console, **options: object) -> None:
        self.columns, self.stream, self.options = columns, console.file, options
        self.shown: list[object] = []
        self.made.append(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def add_task(self, description: str, total: int | None) -> int:
        self.shown.append((description, total))
        return 7

    def update(self, task: int, **fields: object) -> None:
        assert task == 7
        self.shown.append(fields)


def texts(bar: Bar) -> list[str]:
    """Return what the columns of text show."""
    return [column.text_format for column in bar.columns if type(column) is TextColumn]


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[Bar]:
    """Return the progress bars that are shown."""
    monkeypatch.setattr(Bar, "made", [], raising=False)
    monkeypatch.setattr("rich.progress.Progress", Bar)
    return Bar.made


def test_an_export_counts_every_hundred_roles(terminal: CommandLine, bars: list[Bar]) -> None:
    roles = ListRolesResponse(roles=[Role(role_name=f"r{n}", assume_role_policy_document="{}") for n in range(205)])
    with recording(ListRoles=roles) as (address, _):
        terminal("export", "--address", address)

    (bar,) = bars
    assert bar.shown == [("exporting", None), {"completed": 100}, {"completed": 200}]
    assert bar.options == {"transient": True, "redirect_stdout": False}
    assert len(bar.columns) == 4
    assert texts(bar) == ["exporting", "{task.completed:,} roles"]


def test_an_apply_of_two_hundred_roles_counts_every_hundred(terminal: CommandLine, bars: list[Bar]) -> None:
    with recording() as (address, _):
        terminal("apply", "-f", declare(199), "--address", address)
        assert bars == []
        terminal("apply", "-f", declare(200), "--address", address)

    (bar,) = bars
    assert bar.shown == [
        ("sending", 200), {"completed": 100}, {"completed": 200}, {"description": "applying", "completed": 200},
    ]  # fmt: skip
    assert bar.options == {"transient": True}
    assert len(bar.columns) == 4
    assert texts(bar) == ["{task.description}"]


def test_work_on_a_store_counts_all_that_is_done(
    terminal: CommandLine, bars: list[Bar], capsys: pytest.CaptureFixture[str]
) -> None:
    with counting("copying", "rows") as report:
        report(5)
        report(9)

    (bar,) = bars
    assert bar.shown == [("copying", None), {"completed": 5}, {"completed": 9}]
    columns: list[Any] = list(bar.columns)
    assert [type(column).__name__ for column in columns] == [
        "TextColumn",
        "BarColumn",
        "TextColumn",
        "TimeElapsedColumn",
    ]
    assert [columns[0].text_format, columns[2].text_format] == ["copying", "{task.completed:,} rows"]
    assert (bar.stream, bar.options) == (sys.stderr, {"transient": True})
    assert capsys.readouterr() == ("", "")
    assert terminal("version").code == 0


def test_each_command_on_a_store_says_what_it_does(
    terminal: CommandLine, bars: list[Bar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLECALL_STORE", "sqlite:///a.db")
    terminal("migrate")

    for words in (
        ["backup", "x"],
        ["restore", "x", "--store=sqlite:///b.db"],
        ["store", "copy", "sqlite:///a.db", "sqlite:///c.db"],
        ["audit", "verify"],
    ):
        assert terminal(*words).code == 0

    done = "{task.completed:,} rows"
    assert [(bar.shown[0], texts(bar)) for bar in bars] == [
        (("writing", None), ["writing", done]),
        (("checking", None), ["checking", done]),
        (("restoring", None), ["restoring", done]),
        (("copying", None), ["copying", done]),
        (("verifying", None), ["verifying", "{task.completed:,} commits and roles"]),
    ]


def test_tests_of_two_hundred_cases_show_progress_that_disappears(
    terminal: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked: list[tuple[int, dict[str, object]]] = []

    def track(cases: list[object], *, console: Console, **options: object) -> list[object]:
        tracked.append((len(cases), options))
        assert console.file is sys.stderr
        return cases

    monkeypatch.setattr("rich.progress.track", track)
    cases = "  - {name: NAME, as: 'acs:ram::1:user/a', role: r0, expect: ALLOW}\n"
    declare(1)
    for number in (199, 200):
        listed = "".join(cases.replace("NAME", f"c{each}") for each in range(number))
        Path("cases.yaml").write_text(f"apiVersion: rolecall/v1\ncases:\n{listed}")
        terminal("test", "cases.yaml", "r.yaml")

    assert tracked == [(200, {"description": "testing", "transient": True})]


def test_work_on_a_store_shows_what_is_counted(terminal: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    with counting("copying", "rows") as report:
        report(1_234)

    assert "copying" in seen(capsys.readouterr().err)
    assert terminal("version").code == 0


def test_into_a_pipe_nothing_is_counted(rolecall: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    with counting("copying", "rows") as report:
        report(1_234)

    assert capsys.readouterr() == ("", "")
    assert rolecall("version").code == 0


@pytest.mark.parametrize(("number", "text"), [(0, "0 roles"), (1, "1 role"), (2, "2 roles"), (2_000, "2,000 roles")])
def test_a_number_has_its_noun(number: int, text: str) -> None:
    assert counted(number, "role") == text


def test_into_a_pipe_an_export_shows_no_progress(rolecall: CommandLine) -> None:
    with recording(ListRoles=ROLES) as (address, _):
        outcome = rolecall("export", "--address", address)

    assert (outcome.err, outcome.out.count("name: r")) == ("", 4)
