"""The overview is written without Typer, and reads as Typer's."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from rolecall.cli.overview import overview
from rolecall.cli.typer_commands import build_app
from tests.cli.conftest import CommandLine
from tests.cli.serving import environment


@pytest.mark.parametrize("columns", [20, 50, 52, 64, 80, 97, 120, 300])
def test_the_overview_is_that_of_typer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    typer.main.get_command(build_app("")).main(["--help"], prog_name="rolecall", standalone_mode=False)

    assert capsys.readouterr().out == overview()


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_overview_is_printed(rolecall: CommandLine, flag: str) -> None:
    assert rolecall(flag) == (0, overview(), "")


def test_the_overview_needs_neither_typer_nor_anything_of_a_command() -> None:
    script = (
        "import sys; from rolecall.cli.entry import run; code = run(['--help']);"
        "sys.exit(str({'typer', 'rich', 'grpc', 'inspect', 'dataclasses'} & sys.modules.keys()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=False
    )

    assert done.stderr == "set()\n"
