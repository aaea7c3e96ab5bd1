from __future__ import annotations

import json
import platform
import re
import signal
import socket
import subprocess
import sys
from dataclasses import fields
from importlib import metadata
from pathlib import Path

import pytest
import typer

from rolecall.cli import entry
from rolecall.cli.failure import CommandError
from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.typer_commands import COMMANDS
from rolecall.config.settings import Config
from rolecall.config.sources import flag_of, variable_of
from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY, environment

ROLE_COMMANDS = ["create", "get", "list", "update", "delete", "undelete", "history", "rollback"]
EVERY_COMMAND = [[name] for name in COMMANDS] + [["role", name] for name in ROLE_COMMANDS]


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=" ".join)
def test_every_option_of_every_command_is_explained(rolecall: CommandLine, command: list[str]) -> None:
    outcome = rolecall(*command, "--help")

    options = re.split(r"\n  (?=-)", outcome.out.partition("\nOptions:")[2])[1:]
    assert (outcome.code, outcome.err) == (0, "")
    assert options
    assert all(re.search(r"(  |\n +)\S", option) for option in options)


def test_the_overview_has_every_command_with_the_line_that_it_gives_itself(rolecall: CommandLine) -> None:
    overview = rolecall("--help").out

    for name, reported in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(reported.help)}$", overview, re.MULTILINE)
        assert name == "role" or f"\n\n  {reported.help}" in rolecall(name, "--help").out


@pytest.mark.parametrize("name", [setting.name for setting in fields(Config)])
def test_serve_has_a_flag_for_every_setting_and_names_its_variable(rolecall: CommandLine, name: str) -> None:
    reported = " ".join(rolecall("serve", "--help").out.split())

    assert f" {flag_of(name)} " in reported
    assert re.search(rf"\b{variable_of(name)}\]", reported)


def test_without_a_command_the_overview_is_shown(rolecall: CommandLine) -> None:
    outcome = rolecall()

    assert (outcome.code, outcome.err.startswith("Usage: rolecall")) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "reported", "hint"),
    [
        (["chek"], "no such command `chek`. Did you mean `check`", "`rolecall --help`"),
        (["role", "crate"], "no such command `crate`", "`rolecall role --help`"),
        (["role", "create"], "missing argument `NAME`", "`rolecall role create --help`"),
        (["check"], "missing option `--as`", "`rolecall check --help`"),
        (["check", "check"], "missing option `--as`", "`rolecall check --help`"),
        (["--", "check"], "missing option `--as`", "`rolecall check --help`"),
        (["check", "--as=\udcff", "--role=r"], "an option is not UTF-8 text", ""),
        (["check", "--as"], "`--as` requires an argument", "`rolecall check --help`"),
        (["check", "--as=a", "--duration=x"], "invalid value for `--duration`", "`rolecall check --help`"),
        (["check", "--as=a"], "--role is missing", "--policy FILE"),
        (
            ["check", "--as=a", "--role=r", "--context=a:b"],
            "--context takes KEY=VALUE, or the name of a context",
            "=10.0.0.1",
        ),
        (["check", "--as=a", "--role=r", "--context=x", "--context=y"], "the contexts `x` and `y`", "name one"),
        (["check", "--as=a", "--role=r", "--context="], "--context takes KEY=VALUE, or the name of a context", ""),
        (["check", "--as=a", "--role=r", "--role-tag=a=b"], "--role-tag needs --policy", ""),
        (["check", "--as=a", "--policy=missing.json"], "cannot read `missing.json`", ""),
        (["check", "--as=a", "--role=r", "--address="], "--address: `` is not an address", "HOST:PORT"),
        (["check", "--as=a", "--role=r", "--address=http://x:1"], "an address has no scheme `http://`", "`x:1`"),
        (["check", "--as=a", "--role=r", "--tls-cert=x"], "--tls-cert and --tls-key must be given together", ""),
        (["check", "--as=a", "--role=r", "--tls-ca=missing.pem"], "cannot use `missing.pem`: no such file", ""),
        (["apply", "-f", "missing.yaml"], "cannot read `missing.yaml`", ""),
        (["role", "update", "r"], "no change is given", ""),
        (["role", "update", "r", "--tag=a=b", "--no-tags"], "only one of --tag and --no-tags", ""),
        (["role", "list", "--tag=a=1", "--tag=a=2"], "--tag `a` is given twice", ""),
        (["serve", "--listen=nowhere"], "--listen (ROLECALL_LISTEN) must be HOST:PORT", "`rolecall serve --help`"),
        (["serve", "--log-level=loud", "--workers=4"], "--workers (ROLECALL_WORKERS)", "`rolecall serve --help`"),
        (["quickstart", "--examples=/nowhere"], "there are no examples in `/nowhere`", "--examples DIR"),
        (["quickstart", "--listen=0.0.0.0:1"], "can be reached from other machines", "`rolecall serve`"),
    ],
)
def test_a_mistake_is_one_sentence_and_what_to_do(
    rolecall: CommandLine, arguments: list[str], reported: str, hint: str
) -> None:
    outcome = rolecall(*arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert "error: " in outcome.err.splitlines()[0]
    assert reported in outcome.err
    assert hint in outcome.err
    assert "Traceback" not in outcome.err


def test_a_variable_that_names_no_setting_stops_the_server(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLECALL_LISTN", "127.0.0.1:1")

    outcome = rolecall("serve")

    assert (outcome.code, "did you mean ROLECALL_LISTEN" in outcome.err) == (2, True)


@pytest.mark.parametrize(
    "arguments", [["check", "--as=ecs.aliyuncs.com", "--role=r"], ["role", "list"], ["role", "get", "r"]]
)
def test_a_server_that_is_not_there_is_named_with_what_to_do(rolecall: CommandLine, arguments: list[str]) -> None:
    with socket.socket() as silent:  # bound, so that nobody else can listen there
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"

        outcome = rolecall(*arguments, "--address", address, "--timeout", "5")

    assert (outcome.code, outcome.out) == (2, "")
    assert f"cannot reach {address}" in outcome.err
    assert "`rolecall serve`" in outcome.err
    assert "--address" in outcome.err


def test_an_unexpected_error_is_one_sentence(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> int:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(entry, "_run", fail)

    outcome = rolecall("version")

    assert outcome.code == 2
    assert "unexpected error: ZeroDivisionError: by zero (at test_usage.py:" in outcome.err


def test_ctrl_c_is_quiet(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "_run", interrupt)

    assert rolecall("version") == (130, "", "")


def test_a_closed_pipe_ends_a_command_with_the_code_of_its_signal(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(entry, "_run", write)

    assert rolecall("version") == (128 + signal.SIGPIPE, "", "")


def test_a_closed_pipe_is_not_an_error() -> None:
    policy = REPOSITORY / "examples/policies/github-oidc.json"
    command = f"'{sys.executable}' -m rolecall explain --policy '{policy}' --as ecs.aliyuncs.com -o json | head -c 1"

    done = subprocess.run(["sh", "-c", command], env=environment(), capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("{", "")


def test_small_commands_import_neither_the_server_nor_grpc() -> None:
    script = (
        "import sys; from rolecall.cli.entry import run; code = run(sys.argv[1:]);"
        "sys.exit(str({'grpc', 'sqlalchemy', 'rolecall.server.main', 'rich.progress'} & sys.modules.keys()))"
    )
    policy = REPOSITORY / "examples/policies/github-oidc.json"

    for arguments in (
        ["--help"],
        ["validate", str(policy)],
        ["explain", "--policy", str(policy), "--as", "ecs.aliyuncs.com"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], env=environment(), capture_output=True, text=True, check=False
        )
        assert done.stderr == "set()\n"


def test_the_version_is_printed(rolecall: CommandLine) -> None:
    assert re.fullmatch(r"rolecall \S.* \(python \S+, grpcio \S+, protobuf \S+\)\n", rolecall("version").out)


def test_programs_read_the_version_of_each_part(rolecall: CommandLine) -> None:
    printed = json.loads(rolecall("version", "-o", "json").out)

    assert printed == {
        "rolecall": metadata.version("rolecall"),
        "python": platform.python_version(),
        "grpcio": metadata.version("grpcio"),
        "protobuf": metadata.version("protobuf"),
    }


def test_the_module_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rolecall", "version"], cwd=tmp_path, env=environment(), capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (FileNotFoundError(2, "No such file", "x.yaml"), ["error: cannot use `x.yaml`: no such file"]),
        (OSError(5, "Input/Output Error"), ["error: the operating system refused: input/output error"]),
        (OSError("Gone"), ["error: the operating system refused: gone"]),
        (CommandError("wrong", hint="mend it"), ["error: wrong", "  help: mend it"]),
        (ProblemsError([Problem(location=Location("f", 1, 2), message="bad")]), ["f:1:2: error: bad"]),
    ],
)
def test_an_error_that_is_foreseen_is_reported_in_its_own_words(
    capsys: pytest.CaptureFixture[str], error: Exception, lines: list[str]
) -> None:
    def fail() -> int:
        raise error

    code = entry.guarded(fail)

    assert (code, capsys.readouterr().err.splitlines()) == (2, lines)


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1), (2, 2)])
def test_the_code_of_a_command_is_that_of_the_program(returned: int | None, code: int) -> None:
    assert entry.guarded(lambda: returned) == code


def test_a_command_may_end_with_a_code_of_its_own() -> None:
    def end() -> int:
        raise typer.Exit(7)

    assert entry.guarded(end) == 7
