"""Commands whose output has no reader: the pipe was closed, as by `| head -1`, or the stream was never open, as by `>&-`."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rolecall.cli import entry
from rolecall.cli.entry import run
from rolecall_client import RolecallClient
from rolecall_client.v1.role_pb2 import CreateRoleRequest
from tests.cli.conftest import CommandLine
from tests.cli.serving import ACCOUNT, REPOSITORY, environment

pytestmark = pytest.mark.long

PIPE_CLOSED = 128 + signal.SIGPIPE
POLICY = str(REPOSITORY / "examples/policies/github-oidc.json")
ALICE = f"acs:ram::{ACCOUNT}:user/alice"
OFFLINE = [
    ["--help"],
    ["check", "--help"],
    ["version"],
    ["version", "-o", "json"],
    ["schema", "roles"],
    ["token", "new"],
    ["token", "new", "-o", "json"],
    ["validate", POLICY],
    ["validate", POLICY, "-o", "json"],
    ["validate", POLICY, "-o", "sarif"],
    ["check", "--policy", POLICY, "--as", ALICE],
    ["explain", "--policy", POLICY, "--as", ALICE],
    ["explain", "--policy", POLICY, "--as", ALICE, "-o", "json"],
    [
        "test",
        str(REPOSITORY / "examples/tests"),
        str(REPOSITORY / "examples/roles"),
        "--oidc-provider",
        "ack-rrsa-c8f2a1",
    ],
    ["context", "list", "-o", "json"],
]
ONLINE = [
    ["export"],
    ["export", "-o", "json"],
    ["role", "list"],
    ["role", "list", "-o", "json"],
    ["role", "get", "app"],
    ["role", "history", "app"],
    ["changes"],
    ["changes", "-o", "json"],
    ["check", "--as", ALICE, "--role", "app"],
    ["check", "--as", ALICE, "--role", "app", "-o", "json"],
    ["explain", "--as", ALICE, "--role", "app"],
    ["who-can", "app"],
    ["what-can", "--as", ALICE],
    ["whoami"],
    ["watch", "--initial"],
    ["watch", "--initial", "-o", "json"],
]


@contextmanager
def unread(name: str = "stdout") -> Iterator[None]:
    """Replace a stream by a pipe that no process reads. Not a fixture: pytest replaces the streams before the test itself."""
    reading, writing = os.pipe()
    os.close(reading)
    before = getattr(sys, name)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        setattr(sys, name, stream)
        try:
            yield
        finally:
            setattr(sys, name, before)


@pytest.fixture(scope="module")
def with_role(address: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    policy = (
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
        f' "Principal": {{"RAM": "{ALICE}"}}}}]}}'
    )
    with RolecallClient(address) as client:
        client.create_role(CreateRoleRequest(role_name="app", assume_role_policy_document=policy))


@pytest.mark.usefixtures("rolecall")
@pytest.mark.parametrize("arguments", OFFLINE, ids=" ".join)
def test_a_command_whose_pipe_is_closed_ends_with_the_code_of_the_signal(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with unread():
        code = run(arguments)

    assert code == PIPE_CLOSED
    assert "error" not in capsys.readouterr().err


@pytest.mark.usefixtures("online", "with_role")
@pytest.mark.parametrize("arguments", ONLINE, ids=" ".join)
def test_a_client_whose_pipe_is_closed_ends_with_the_code_of_the_signal(arguments: list[str]) -> None:
    with unread():
        code = run(arguments)

    assert code == PIPE_CLOSED


def test_an_error_that_nobody_can_read_ends_with_the_code_of_the_signal(
    rolecall: CommandLine,
) -> None:
    with unread("stderr"):
        outcome = rolecall("check", "--policy", "none.json", "--as", ALICE)

    assert outcome == (PIPE_CLOSED, "", "")


def test_another_exit_of_a_command_keeps_its_code() -> None:
    def end() -> int:
        raise SystemExit(7)

    with pytest.raises(SystemExit) as ended:
        entry.guarded(end)

    assert ended.value.code == 7


@pytest.mark.parametrize(
    ("arguments", "redirections", "code"),
    [
        (["version"], ">&-", 0),
        (["check", "--policy", POLICY, "--as", ALICE], ">&-", 1),
        (["check", "--policy", POLICY, "--as", ALICE, "-o", "json"], ">&- 2>&-", 1),
        (["check", "--policy", "none.json", "--as", ALICE], "2>&-", 2),
        (["validate", "-"], "<&- >&- 2>&-", 2),
        (["version"], "| true", 0),
        (["version"], ">/dev/full", 2),
    ],
)
def test_a_command_with_closed_streams_ends_with_its_own_code(
    arguments: list[str], redirections: str, code: int, tmp_path: Path
) -> None:
    command = shlex.join([sys.executable, "-m", "rolecall", *arguments])

    done = subprocess.run(
        ["sh", "-c", f"{command} {redirections}"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code
    assert "unexpected" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_the_first_line_of_a_long_output_can_be_read_alone(tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-m", "rolecall", "serve", "--help"])
    script = f"set -o pipefail; {command} | head -c 1 >/dev/null; echo $?"

    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )

    assert done.stdout in {"0\n", f"{PIPE_CLOSED}\n"}
    assert done.stderr == ""
