"""Without the optional package of HTTP/2: everything works, except for what was asked of it by name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rolecall.transport import choice
from rolecall.transport.choice import BINDING, MissingTransportError, transport_named
from tests.cli.serving import environment, served

ROLECALL = [sys.executable, "-m", "rolecall"]
ANY_PORTS = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]


@pytest.fixture
def without(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which the package cannot be imported, and the transport is the default."""
    blocker = tmp_path / "blocker"
    blocker.mkdir()
    (blocker / "sitecustomize.py").write_text(f"import sys\nsys.modules[{BINDING!r}] = None\n")
    found = environment()
    del found["ROLECALL_TRANSPORT"]
    return {**found, "PYTHONPATH": f"{blocker}:{found['PYTHONPATH']}"}


def serving_line(log: Path) -> dict[str, Any]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return next(line for line in lines if line["event"] == "serving")


def test_the_server_and_the_first_question_of_the_readme_work(tmp_path: Path, without: dict[str, str]) -> None:
    command = [*ROLECALL, "quickstart", *ANY_PORTS]
    answers = []

    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=tmp_path, env=without, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout
        for line in process.stdout:
            answers += [line] if line.startswith(("✓ ", "✗ ")) else []
            if line.startswith("Next, "):
                process.terminate()

    assert process.returncode == 0
    assert len(answers) == 10


def test_the_log_says_which_transport_serves_and_why(tmp_path: Path, without: dict[str, str]) -> None:
    with served(directory=tmp_path, env=without):
        pass

    line = serving_line(tmp_path / "server.log")
    assert line["transport"] == "grpcio"
    assert "`auto`" in line["transport_reason"]


def test_asked_for_by_name_it_is_missed_in_one_sentence(tmp_path: Path, without: dict[str, str]) -> None:
    command = [*ROLECALL, "serve", *ANY_PORTS, "--store", "memory://", "--transport", "h2"]

    done = subprocess.run(command, cwd=tmp_path, env=without, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == (
        "rolecall: --transport h2 needs the package `ngh2`: install rolecall with its extra `h2`, or use --transport grpcio\n"
    )


@pytest.mark.parametrize("name", ["h2", "grpcio"])
def test_with_it_the_log_names_the_transport_that_was_asked_for(tmp_path: Path, name: str) -> None:
    with served("--transport", name, directory=tmp_path):
        pass

    line = serving_line(tmp_path / "server.log")
    assert line["transport"] == name
    assert line["transport_reason"] == f"--transport is `{name}`"


@pytest.mark.parametrize(("prefers", "installed", "chosen"), [("h2", True, "h2"), ("h2", False, "grpcio"), ("grpcio", True, "grpcio")])  # fmt: skip
def test_auto_takes_what_it_prefers_where_that_is_installed(
    monkeypatch: pytest.MonkeyPatch, prefers: str, installed: bool, chosen: str
) -> None:
    monkeypatch.setattr(choice, "AUTO_PREFERS", prefers)
    monkeypatch.setattr(choice, "find_spec", lambda _: object() if installed else None)

    transport = transport_named("auto")

    assert transport.name == chosen
    assert ("is not installed" in transport.why) == (prefers != chosen)


def test_h2_by_name_is_an_error_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda _: None)

    with pytest.raises(MissingTransportError, match="ngh2"):
        transport_named("h2")
