"""How a command line is run: by the overview, by a command that it fits, or by Typer; and what is said of one that is wrong."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import pytest
import typer

from rolecall.cli import entry, typer_commands
from rolecall.cli.failure import CommandError
from rolecall.cli.overview import overview
from rolecall.cli.typer_commands import COMMANDS, build_app, load
from tests.cli.conftest import CommandLine


@pytest.fixture
def without_typer(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Give the command line, in which Typer must not read the arguments."""

    def fail(*arguments: object, **_: object) -> NoReturn:
        raise AssertionError(arguments)

    monkeypatch.setattr(entry, "_run_by_typer", fail)
    return rolecall


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_overview_does_not_need_typer(without_typer: CommandLine, flag: str) -> None:
    assert without_typer(flag) == (0, overview(), "")
    assert without_typer("--", flag) == (0, overview(), "")


@pytest.mark.parametrize("arguments", [["version"], ["--", "version"], ["schema", "cases"], ["version", "-o", "json"]])
def test_a_command_that_fits_does_not_need_typer(without_typer: CommandLine, arguments: list[str]) -> None:
    code, out, err = without_typer(*arguments)

    assert (code, err) == (0, "")
    assert out


@pytest.mark.parametrize("arguments", [["--help", "x"], ["check", "--help"], ["-h", "-h"], [], ["chek"]])
def test_everything_else_is_left_to_typer(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    given: list[Any] = []

    def noted(left: list[str], **how: bool) -> int:
        given.append((left, how))
        return 7

    monkeypatch.setattr(entry, "_run_by_typer", noted)

    assert rolecall(*arguments) == (7, "", "")
    assert given == [(arguments, {"completing": False})]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["version"]])
def test_a_shell_that_completes_gets_words_and_nothing_is_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    asked = {"_ROLECALL_COMPLETE": "complete_bash", "COMP_WORDS": "rolecall role u", "COMP_CWORD": "2"}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as ended:
        entry.run(arguments)

    assert (ended.value.code, capsys.readouterr().out.split()) == (0, ["update", "undelete"])


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["check", "--as=a", "--duration=x"], "invalid value for `--duration`: `x` is not a whole number", "check"),
        (["check", "role", "--as"], "option `--as` requires an argument", "check"),
        (["migrate", "--wait", "x"], "invalid value for `--wait`: `x` is not a number", "migrate"),
        (["role", "rollback", "r", "--revision=x"], "invalid value for `--revision`: `x` is not a whole number", "role rollback"),
        (["role", "create"], "missing argument `NAME`", "role create"),
        (["role", "create", "a", "b", "c"], "missing option `--policy`", "role create"),
        (["role", "--nothing"], "no such option: --nothing", "role"),
        (["role", "crate", "x"], "no such command `crate`. Did you mean `create`?", "role"),
        (["role", "zzz"], "no such command `zzz`", "role"),
        (["chek", "x"], "no such command `chek`. Did you mean `check`, `schema`?", ""),
        (["zzz"], "no such command `zzz`", ""),
        (["--nothing"], "no such option: --nothing", ""),
        (["version", "--x~"], "no such option: --x~", "version"),
        (["version", "--it's."], "no such option: --it`s", "version"),
        (["version", "x"], "got unexpected extra argument(s) (x)", "version"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_one_sentence_and_where_to_read_more(
    rolecall: CommandLine, arguments: list[str], message: str, hint: str
) -> None:
    command = f"rolecall {hint} --help".replace("  ", " ")

    assert rolecall(*arguments) == (2, "", f"error: {message}\n  help: see `{command}`\n")


def test_the_help_of_a_command_names_the_program(rolecall: CommandLine) -> None:
    code, out, err = rolecall("role", "get", "--help")

    assert (code, err) == (0, "")
    assert out.startswith("Usage: rolecall role get [OPTIONS] {ROLE}\n")


def test_output_is_flushed_before_the_code_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def flush(self) -> None:
            raise BrokenPipeError

        def fileno(self) -> int:
            raise OSError

    monkeypatch.setattr(sys, "stdout", Closed())

    assert entry._code_of_error(typer.Exit(5)) == 5
    with pytest.raises(BrokenPipeError):
        entry._code_of(lambda: 1)


class Stream:
    """A stream that counts how often what it has buffered is written."""

    def __init__(self) -> None:
        self.flushed = 0

    def flush(self) -> None:
        self.flushed += 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, BrokenPipeError])
def test_however_a_command_ends_the_streams_that_it_began_with_are_finished(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    out, err, others = Stream(), Stream(), (Stream(), Stream())
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)

    def work() -> NoReturn:
        sys.stdout, sys.stderr = others
        raise error

    entry.guarded(work)

    assert (out.flushed, err.flushed) == (1, 1)
    assert [stream.flushed for stream in others] == [0, 0]


def test_only_the_command_that_is_asked_for_is_loaded() -> None:
    names = [info.name for info in build_app("role").registered_groups]
    commands = {info.name: info.callback for info in build_app("check").registered_commands}

    assert names == ["role"]
    assert commands.keys() == COMMANDS.keys()
    loaded = {name for name, callback in commands.items() if callback is not typer_commands._not_loaded}
    assert loaded == {"check"}
    assert commands["check"] is load("check")


def test_for_completion_every_command_is_loaded() -> None:
    app = build_app(None)
    groups = {name for name, entry in COMMANDS.items() if entry.attribute == "app"}

    assert {info.name for info in app.registered_groups} == groups
    assert {info.name: info.callback for info in app.registered_commands} == {
        name: load(name) for name in COMMANDS if name not in groups
    }


def test_a_command_that_is_not_loaded_refuses_to_run() -> None:
    with pytest.raises(CommandError) as refused:
        typer_commands._not_loaded()

    assert (refused.value.message, refused.value.hint) == (
        "the command must be the first word",
        "see `rolecall --help`",
    )


def test_a_name_that_is_no_command_loads_nothing() -> None:
    assert load("chek") is None


def test_the_version_is_an_option_too(rolecall: CommandLine) -> None:
    assert rolecall("--version") == rolecall("version")
    assert rolecall("--version", "check") == rolecall("version")
    assert rolecall("--version", "--help") == rolecall("version")
    assert rolecall("--help", "--version") == (0, overview(), "")
