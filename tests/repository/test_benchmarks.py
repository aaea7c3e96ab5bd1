"""A benchmark that lacks a program says which, and how it is installed, in one line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.peers import load, system, tools
from bench.peers.load import Shape
from bench.peers.question import Question
from tests.cli.serving import REPOSITORY, environment

CALL = system.Call(path="/a.B/C", body=b"", headers=())


class Answering(system.System):
    """A system whose answers are empty."""

    def __init__(self) -> None:
        super().__init__("answering", 1, "127.0.0.1:1", 1)

    def check(self, question: Question) -> system.Call:
        return CALL

    def batch(self, questions: Sequence[Question]) -> system.Call:
        return CALL

    def ask(self, call: system.Call) -> bytes:
        return b""

    def answers(self, call: system.Call, body: bytes) -> list[bool]:
        return []


def test_a_server_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended, system.server([tmp_path / "opa", "run"], tmp_path / "log"):
        pass

    assert ended.value.code == (
        f"this benchmark needs `{tmp_path}/opa`, which is missing; install it: python -m bench.peers setup"
    )


def test_a_load_generator_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(load, "cpu_micros", lambda _pid: 0.0)

    with pytest.raises(SystemExit, match="needs `h2load`, which is missing"):
        load.repeated(Answering(), CALL, 1, tmp_path, Shape(in_flight=1))
    with pytest.raises(SystemExit, match="needs `h2load`, which is missing"):
        tools.version("h2load")


def test_a_load_generator_that_fails_is_reported_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "h2load"
    program.write_text("#!/bin/sh\necho 'no such option' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(load, "cpu_micros", lambda _pid: 0.0)

    with pytest.raises(SystemExit, match="h2load failed with code 3: no such option"):
        load.repeated(Answering(), CALL, 1, tmp_path, Shape(in_flight=1))


def test_a_package_that_is_not_installed_is_named() -> None:
    script = "import sys; sys.modules['ngh2'] = None; import bench.load"

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (
        1,
        "this benchmark needs the package `ngh2`, which is missing; install it: make setup\n",
    )
