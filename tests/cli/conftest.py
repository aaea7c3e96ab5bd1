from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rolecall.cli.entry import run
from tests.cli.serving import served

os.environ.setdefault("GRPC_VERBOSITY", "NONE")


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs `rolecall` in this process, its streams no terminals."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Outcome:
        code = run(arguments)
        return Outcome(code, *self._capsys.readouterr())


def show_colours(monkeypatch: pytest.MonkeyPatch, *, columns: int) -> None:
    """Let commands print as on a terminal with colours and so many columns."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(columns)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def rolecall(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in [name for name in os.environ if name.startswith("ROLECALL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")  # without the contexts of the tester
    return CommandLine(capsys)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(directory=tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def online(rolecall: CommandLine, address: str, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setenv("ROLECALL_ADDRESS", address)
    return rolecall


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.json"
    path.write_text(
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
        ' "Principal": {"RAM": "acs:ram::123456789012:user/alice"}}]}'
    )
    return path
