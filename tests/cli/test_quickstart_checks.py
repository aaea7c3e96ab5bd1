"""What `quickstart` asks of an address before it listens there, and what it starts beside the server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from rolecall.cli.commands import quickstart
from rolecall.cli.options.shared import Connection
from rolecall.config.settings import Config
from rolecall.server import main
from rolecall.server.server import BoundAddresses
from rolecall_client.errors import RolecallError
from rolecall_client.v1 import role_pb2 as r
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording


def test_a_server_of_roles_is_recognised_by_one_role_of_its_list() -> None:
    with recording() as (address, calls):
        found = quickstart._is_rolecall(address)

    assert found is True
    assert [call.text for call in calls] == ["ListRoles\npage_size: 1"]
    assert calls[0].seconds <= 2.1


class Refusing:
    """A client of a server that answers with an error."""

    error: RolecallError
    made: list[tuple[str, float]]

    def __init__(self, address: str, *, timeout: float) -> None:
        self.made.append((address, timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def list_roles(self, _request: r.ListRolesRequest) -> None:
        raise self.error


@pytest.mark.parametrize(("reason", "is_rolecall"), [("MISSING_RIGHT", True), ("", False)])
def test_a_server_that_refuses_is_recognised_by_the_reason_that_only_this_program_gives(
    monkeypatch: pytest.MonkeyPatch, reason: str, is_rolecall: bool
) -> None:
    monkeypatch.setattr(Refusing, "error", RolecallError("PERMISSION_DENIED", "no", reason=reason), raising=False)
    monkeypatch.setattr(Refusing, "made", [], raising=False)
    monkeypatch.setattr("rolecall_client.client.RolecallClient", Refusing)

    assert quickstart._is_rolecall("127.0.0.1:1") is is_rolecall
    assert Refusing.made == [("127.0.0.1:1", 2.0)]


def test_an_address_answers_if_a_program_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        listening = quickstart._answers(host, port)

    assert (listening, quickstart._answers(host, port)) == (True, False)


def test_an_answer_is_awaited_for_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def connected(*arguments: Any) -> socket.socket:
        asked.append(arguments)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connected)

    assert quickstart._answers("h", 7) is False
    assert asked == [(("h", 7), 2.0)]


@pytest.mark.parametrize(
    ("options", "error", "help_"),
    [
        (
            ["--listen=0.0.0.0:50051"],
            "`0.0.0.0:50051` can be reached from other machines",
            "quickstart serves this machine only; use `rolecall serve` for others",
        ),
        (["--examples=none"], "there are no examples in `none`", "give their directory: --examples DIR"),
    ],
)
def test_what_it_cannot_start_with_is_refused_with_what_to_do(
    rolecall: CommandLine, options: list[str], error: str, help_: str
) -> None:
    assert rolecall("quickstart", "--store=memory://", *options) == (2, "", f"error: {error}\n  help: {help_}\n")


@pytest.mark.parametrize(
    ("is_rolecall", "error", "help_"),
    [
        (
            True,
            "a rolecall server is running on 127.0.0.1:1234 already",
            "use it: `try this`, or stop it, or start another with --listen 127.0.0.1:PORT",
        ),
        (False, "another program listens on 127.0.0.1:1234", "choose another port: --listen 127.0.0.1:PORT"),
    ],
)
def test_an_address_in_use_has_a_command_to_try(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch, is_rolecall: bool, error: str, help_: str
) -> None:
    asked: list[object] = []

    def noting(name: str, answer: object) -> None:
        def ask(*where: object) -> object:
            asked.extend(where)
            return answer

        monkeypatch.setattr(quickstart, name, ask)

    noting("_answers", True)
    noting("_is_rolecall", is_rolecall)
    noting("next_command", "try this")

    outcome = rolecall("quickstart", "--store=memory://", "--listen=127.0.0.1:1234")

    assert outcome == (2, "", f"error: {error}\n  help: {help_}\n")
    assert asked == ["127.0.0.1", 1234, *["127.0.0.1:1234"] * (1 + is_rolecall)]


def test_the_decisions_are_shown_on_a_thread_that_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown: list[tuple[bool, str, Path]] = []
    done = threading.Event()

    def show(address: str, examples: Path) -> None:
        shown.append((threading.current_thread().daemon, address, examples))
        done.set()

    def run(_config: Config, *, ready: Callable[[BoundAddresses], None]) -> int:
        ready(BoundAddresses("127.0.0.1:7", "127.0.0.1:8"))
        assert done.wait(10)
        return 5

    monkeypatch.setattr(quickstart, "_demonstrate", show)
    monkeypatch.setattr(main, "run", run)

    assert quickstart._serve(Config.from_mapping({"store": "memory://"}, {}), tmp_path) == 5
    assert shown == [(True, "127.0.0.1:7", tmp_path)]


def test_an_error_of_the_decisions_is_reported_and_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[object, ...]] = []

    def show(*arguments: object) -> None:
        asked.append(arguments)
        raise ValueError("a broken example")

    monkeypatch.setattr("rolecall.cli.examples.show_examples", show)
    monkeypatch.setattr(quickstart, "next_command", lambda address: f"next {address}")

    quickstart._demonstrate("127.0.0.1:7", tmp_path)

    assert asked == [(Connection(address="127.0.0.1:7"), tmp_path, "next 127.0.0.1:7")]
    assert "a broken example" in capsys.readouterr().err
