from __future__ import annotations

import json
import re
import shlex
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.cli.serving import REPOSITORY, environment

LISTEN = "127.0.0.1:0"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "a path with spaces"
    directory.mkdir()
    return directory


@contextmanager
def quickstart(directory: Path, port: int) -> Iterator[str]:
    """Run it until the last line of its welcome; give what it wrote."""
    command = [sys.executable, "-m", "rolecall", "quickstart", "--listen", f"127.0.0.1:{port}", "--ops-listen", LISTEN]
    with subprocess.Popen(
        command, cwd=directory, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if lines[-2:-1] and lines[-2].startswith("Next, "):
                break
        try:
            yield "".join(lines)
        finally:
            process.send_signal(2)
            assert process.wait(timeout=30) == 0


def run(*command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=directory, env=environment(), capture_output=True, text=True, check=False)


def test_it_serves_the_examples_shows_a_decision_of_each_and_does_so_again(directory: Path) -> None:
    port = free_port()

    with quickstart(directory, port) as first:
        following = run(*shlex.split(first.splitlines()[-1].strip()), directory=directory)
        second_server = run(
            sys.executable, "-m", "rolecall", "quickstart", "--listen", f"127.0.0.1:{port}", directory=directory
        )
    with quickstart(directory, port) as second:
        pass

    assert "(applied 10 example roles)" in first
    assert "(the store has roles already, so no examples were applied)" in second
    for welcome in (first, second):
        assert len(re.findall(r"^✓ ALLOWED ", welcome, re.MULTILINE)) == 7
        assert len(re.findall(r"^✗ DENIED ", welcome, re.MULTILINE)) == 3
    assert following.returncode == 1
    assert following.stdout.startswith("✗ DENIED")
    with closing(sqlite3.connect(directory / "rolecall.db")) as store:
        (body,) = store.execute("SELECT body FROM commits").fetchone()
    author = json.loads(body)
    assert (author["change_reason"], author["source"]) == ("quickstart", "examples/roles")
    assert second_server.returncode == 2
    assert f"a rolecall server is running on 127.0.0.1:{port} already" in second_server.stderr


def test_a_port_in_use_is_reported(directory: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        outcome = run(
            sys.executable, "-m", "rolecall", "quickstart", "--listen", f"127.0.0.1:{port}", directory=directory
        )

    assert outcome.returncode == 2
    assert f"another program listens on 127.0.0.1:{port}" in outcome.stderr
    assert "--listen 127.0.0.1:PORT" in outcome.stderr


def test_every_example_role_has_a_question() -> None:
    from rolecall.cli.declarations import read_declarations
    from rolecall.cli.examples import _questions

    roles = {role.message.role_name for role in read_declarations([REPOSITORY / "examples/roles"])}

    assert {question.role for question in _questions(REPOSITORY / "examples/questions.yaml")} == roles
