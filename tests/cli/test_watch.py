"""`rolecall watch` in a process of its own, against a server in another."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from rolecall_client import RolecallClient
from rolecall_client.v1 import watch_pb2 as pb, watch_pb2_grpc
from rolecall_client.v1.role_pb2 import (
    CHANGE_KIND_CREATED,
    CreateRoleRequest,
    DeleteRoleRequest,
    Role,
    UpdateRoleRequest,
)
from tests.cli.conftest import CommandLine
from tests.cli.serving import ACCOUNT, environment, served

ARN = f"acs:ram::{ACCOUNT}:role/"
POLICY = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::123456789012:root"]}}]}'
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ +(\d+)  (\S) (\w+) +(\S+)\n")


class Watching:
    """The process of a watch."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> tuple[str, ...]:
        """Return the revision, sign, kind and role of the next line."""
        assert self.process.stdout
        text = self.process.stdout.readline()
        found = LINE.fullmatch(text)
        assert found, text
        return found.groups()

    def json(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def note(self) -> str:
        assert self.process.stderr
        return self.process.stderr.readline()

    def interrupted(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and what was still written on standard error."""
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=20)
        return self.process.returncode, err


# A shell that runs the tests in the background has them ignore Ctrl-C, and so whatever they start.
WITH_INTERRUPTS = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


@contextmanager
def watching(address: str, *arguments: str) -> Iterator[Watching]:
    program = [sys.executable, "-m", "rolecall", "watch", "--address", address, *arguments]
    command = [sys.executable, "-c", WITH_INTERRUPTS, *program]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(COLUMNS="40")
    )
    try:
        yield Watching(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def client(address: str) -> Iterator[RolecallClient]:
    with RolecallClient(address) as client:
        yield client


def create(client: RolecallClient, name: str) -> int:
    request = CreateRoleRequest(role_name=name, assume_role_policy_document=POLICY)
    return int(client.create_role(request).role.revision)


def test_changes_are_printed_as_they_happen_until_ctrl_c(address: str, client: RolecallClient) -> None:
    with watching(address) as watch:
        begun = watch.note()
        revision = create(client, "live")
        created = watch.line()
        client.update_role(UpdateRoleRequest(role="live", description="x"))
        updated = watch.line()
        client.delete_role(DeleteRoleRequest(role="live"))
        deleted = watch.line()
        code, err = watch.interrupted()

    assert begun == f"watching {address} from revision {revision - 1}\n"
    assert created == (str(revision), "+", "created", ARN + "live")
    assert updated == (str(revision + 1), "~", "updated", ARN + "live")
    assert deleted == (str(revision + 2), "-", "deleted", ARN + "live")
    assert (code, err) == (130, "")


def test_json_has_one_object_a_line_and_tokens_lead_on(address: str, client: RolecallClient) -> None:
    revision = create(client, "old")
    with watching(address, "-o", "json") as watch:
        location = watch.json()["checkpoint"]
    create(client, "new")

    with watching(address, "-o", "json", "--from", location["token"]) as watch:
        first, change, after = watch.json(), watch.json(), watch.json()

    assert location["revision"] == first["checkpoint"]["revision"] == str(revision)
    assert first["checkpoint"]["token"] == location["token"]
    assert (change["change"]["kind"], change["change"]["role"]["role_name"]) == ("CREATED", "new")
    assert change["change"]["role"]["assume_role_policy_document"] == POLICY
    assert after["checkpoint"]["revision"] == str(revision + 1)


def test_the_initial_state_comes_first(address: str, client: RolecallClient) -> None:
    create(client, "there")

    with watching(address, "--initial", "--account-id", ACCOUNT, "--account-id", "5") as watch:
        lines = {watch.line() for _ in client.export_roles()}
        begun = watch.note()
        revision = create(client, "comes")
        last = watch.line()

    assert {kind for _, _, kind, _ in lines} == {"created"}
    assert ARN + "there" in {role for _, _, _, role in lines}
    assert begun.startswith("watching ")
    assert last == (str(revision), "+", "created", ARN + "comes")


@pytest.mark.long
def test_a_server_that_comes_back_is_watched_on(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/roles.db"
    with ExitStack() as stack:
        with served("--store", store, "--drain-delay-seconds", "0", directory=tmp_path) as address:
            watch = stack.enter_context(watching(address))
            begun = watch.note()
        stack.enter_context(served("--store", store, "--listen", address, directory=tmp_path))
        client = stack.enter_context(RolecallClient(address))
        broken, mended = watch.note(), watch.note()
        revision = create(client, "after")
        line = watch.line()

    assert begun.startswith(f"watching {address} ")
    assert broken.startswith("the watch was interrupted, reconnecting: ")
    assert mended.startswith("the watch is resumed")
    assert line == (str(revision), "+", "created", ARN + "after")


@pytest.mark.long
@pytest.mark.parametrize("initial", [[], ["--initial"]])
def test_a_server_that_comes_back_with_another_store_is_watched_on(tmp_path: Path, initial: list[str]) -> None:
    with ExitStack() as stack:
        with served("--drain-delay-seconds", "0", directory=tmp_path) as address:
            watch = stack.enter_context(watching(address, *initial))
            begun = watch.note()
        stack.enter_context(served("--listen", address, directory=tmp_path))
        client = stack.enter_context(RolecallClient(address))
        created = create(client, "at-once")
        lines, notes = [watch.line()], [watch.note() for _ in range(4)]
        later = create(client, "later")
        lines.append(watch.line())

    assert begun.startswith(f"watching {address} ")
    assert [note.split()[0] for note in notes] == ["the", "restarting", "the", "watching"]
    assert "another store" in notes[1]
    assert lines == [
        (str(created), "+", "created", ARN + "at-once"),
        (str(later), "+", "created", ARN + "later"),
    ]


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["--from", "x"], "start_token"),
        (["--from", "x", "--initial"], "only one of --initial and --from"),
        (["--account-id", "?"], "account_ids[0]"),
        (["--address", "127.0.0.1:1", "--timeout", "0.3"], "cannot reach 127.0.0.1:1"),
    ],
)
def test_an_invalid_watch_is_reported(online: CommandLine, arguments: list[str], reported: str) -> None:
    outcome = online("watch", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert reported in outcome.err


@contextmanager
def answering(*answers: list[pb.WatchRolesResponse]) -> Iterator[str]:
    """Give the address of a server that answers each watch with the next of `answers`, and those after them with an error."""
    left = list(answers)

    class Servicer(watch_pb2_grpc.WatchServiceServicer):
        def WatchRoles(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
            if not left:
                context.abort(grpc.StatusCode.INTERNAL, "the end")
            return iter(left.pop(0))

    server = grpc.server(futures.ThreadPoolExecutor(2))
    watch_pb2_grpc.add_WatchServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait()


CHANGE = pb.WatchRolesResponse(
    change=pb.RoleWatchChange(revision=7, kind=CHANGE_KIND_CREATED, role=Role(role_id="1", arn=ARN + "a"))
)
CHECKPOINT = pb.WatchRolesResponse(checkpoint=pb.WatchCheckpoint(revision=7, token="t"))
LOST = pb.WatchRolesResponse(resync_required=pb.ResyncRequired(reason="the changes are gone"))


def test_lost_changes_end_a_watch_and_the_hint_says_how_to_restart(rolecall: CommandLine) -> None:
    with answering([CHECKPOINT, LOST]) as address:
        outcome = rolecall("watch", "--address", address)

    assert (outcome.code, outcome.out) == (2, "")
    assert "error: the changes are gone\n  help: restart with `rolecall watch --initial`" in outcome.err


@pytest.mark.parametrize(
    ("output", "reported"),
    [
        ("table", [["+", "created", ARN + "a"], ["+", "created", ARN + "a"]]),
        ("json", ["change", "checkpoint", "resync_required", "change", "checkpoint"]),
    ],
)
def test_with_the_initial_state_lost_changes_bring_it_again(
    rolecall: CommandLine, output: str, reported: list[object]
) -> None:
    with answering([CHANGE, CHECKPOINT, LOST], [CHANGE, CHECKPOINT]) as address:
        outcome = rolecall("watch", "--initial", "--address", address, "-o", output)

    lines = outcome.out.splitlines()
    assert [line.split()[3:] if output == "table" else next(iter(json.loads(line))) for line in lines] == reported
    assert outcome.code == 2
    assert "restarting with every role: the changes are gone" in outcome.err
    assert outcome.err.count("watching ") == 2
