"""`rolecall changes --follow` in a process of its own, against a server in another."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.commands import changes
from rolecall.cli.failure import CommandError
from rolecall_client.v1 import role_pb2 as pb
from tests.cli.conftest import CommandLine
from tests.cli.serving import ACCOUNT, environment, served
from tests.cli.test_watch import WITH_INTERRUPTS

ARN = f"acs:ram::{ACCOUNT}:role/"


@contextmanager
def following(address: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-m", "rolecall", "changes", "--follow", "--address", address, *arguments]
    command = [sys.executable, "-c", WITH_INTERRUPTS, *program]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(COLUMNS="40")
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def next_line(stream: Any) -> str:
    return str(stream.readline()).rstrip("\n")


def test_the_newest_changes_come_first_and_then_later_ones_until_ctrl_c(
    rolecall: CommandLine, policy_file: Path, tmp_path: Path
) -> None:
    with served("--store", f"sqlite:///{tmp_path}/roles.db", directory=tmp_path) as address:
        for name in ("a", "b", "c"):
            rolecall("role", "create", name, "--policy", str(policy_file), "--address", address)
        with following(address, "--limit", "2") as process:
            before = [next_line(process.stdout) for _ in range(2)]
            note = next_line(process.stderr)
            rolecall("role", "delete", "a", "--reason", "why", "--address", address)
            rolecall("role", "undelete", "a", "--address", address)
            later = [next_line(process.stdout) for _ in range(2)]
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        with following(address, "--from-revision", "4", "-o", "json") as process:
            records = [json.loads(next_line(process.stdout)) for _ in range(2)]

    assert [line.split()[2:6] for line in before] == [
        ["2", "+", "created", f"{ARN}b"],
        ["3", "+", "created", f"{ARN}c"],
    ]
    assert note == f"following {address} from revision 3"
    assert [line.split()[2:6] for line in later] == [
        ["4", "-", "deleted", f"{ARN}a"],
        ["5", "+", "undeleted", f"{ARN}a"],
    ]
    assert later[0].endswith(": why")
    assert [(record["revision"], record["kind"]) for record in records] == [
        ("4", "DELETED"),
        ("5", "CREATED"),
    ]
    assert err == ""


def test_a_store_with_fewer_changes_than_before_ends_the_list() -> None:
    request = pb.ListChangesRequest(start_revision=8)

    with pytest.raises(CommandError, match="is at revision 6, and was at 7"):
        changes._next_start(request, pb.ListChangesResponse(revision=6))
    assert changes._next_start(request, pb.ListChangesResponse(revision=7)) == 8
