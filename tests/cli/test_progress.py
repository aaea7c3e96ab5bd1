"""Progress on a terminal: shown for long work, on standard error, and never into a pipe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rolecall.cli.commands import apply, export
from rolecall.cli.options.store_options import counted, counting
from rolecall_client.v1.role_pb2 import ListRolesResponse, Role
from tests.cli.case_files import VALID
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def terminal(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Give the command line as on a terminal."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
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
