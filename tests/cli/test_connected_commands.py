"""What both kinds of connections have in common: whose variables count, which accounts are compared, how an error ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Connection
from rolecall.cli.remote import connection as connections
from rolecall.cli.remote.tls_diagnosis import TlsFault
from rolecall_client.errors import RolecallError
from rolecall_client.v1 import role_pb2 as r
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording

Connect = Callable[..., AbstractContextManager[Any]]
BOTH = pytest.mark.parametrize("connect", [connections.connect, connections.connect_to_check], ids=["connect", "check"])


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rolecall: CommandLine) -> Callable[[str], None]:
    """Let the current context be one of a server that calls account 1 `shop`; `rolecall` removes all variables."""
    monkeypatch.setenv("ROLECALL_CONFIG", str(tmp_path / "config.yaml"))

    def write(address: str) -> None:
        (tmp_path / "config.yaml").write_text(
            f"current: a\ncontexts: {{a: {{address: '{address}', accounts: {{shop: '1'}}}}}}\n"
        )
        (tmp_path / "config.yaml").chmod(0o600)

    return write


@BOTH
@pytest.mark.parametrize(("account", "agrees"), [("1", True), ("2", False)])
def test_a_server_that_means_another_account_is_asked_nothing_else(
    contexts: Callable[[str], None], connect: Connect, account: str, agrees: bool
) -> None:
    entered = []
    differing = pytest.raises(CommandError, match="differ about the alias `shop`")
    with recording(GetRole=r.GetRoleResponse(role=r.Role(account_id=account))) as (address, calls):
        contexts(address)
        with nullcontext() if agrees else differing, connect(Connection(), accounts=["shop", None]):
            entered.append(address)

    assert len(entered) == agrees
    assert [call.text for call in calls] == ['GetRole\nrole: "shop/rolecall-context"']


@BOTH
def test_without_names_of_accounts_nothing_is_compared(contexts: Callable[[str], None], connect: Connect) -> None:
    with recording() as (address, calls):
        contexts(address)
        with connect(Connection()):
            pass

    assert calls == []


@BOTH
def test_an_error_of_the_service_is_reported_and_ends_the_command(
    contexts: Callable[[str], None], connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    contexts("localhost:1")

    with pytest.raises(typer.Exit) as caught, connect(Connection()):
        raise RolecallError("NOT_FOUND", "there is no such role", reason="ROLE_NOT_FOUND")

    assert caught.value.exit_code == 2
    assert "there is no such role" in capsys.readouterr().err


@BOTH
def test_settings_that_cannot_be_used_are_a_mistake_of_the_command(
    contexts: Callable[[str], None], connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("rct_x")
    contexts("localhost:1")
    given = Connection(address="roles.internal:1", token_file=tmp_path / "token")

    with pytest.raises(CommandError, match="over TLS, or to this machine"), connect(given):
        pass


def test_the_variables_are_those_that_are_given(
    contexts: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLECALL_ADDRESS", "one:1")
    contexts("two:2")

    def address(*environ: dict[str, str]) -> str:
        return connections.chosen_connection(Connection(), *environ).address

    assert [address(), address({}), address({"ROLECALL_ADDRESS": "three:3"})] == ["one:1", "127.0.0.1:50051", "three:3"]
    with recording() as (here, calls), connections.connect(Connection(), environ={"ROLECALL_ADDRESS": here}) as client:
        client.get_role("app")
    assert [call.method for call in calls] == ["GetRole"]


def test_a_fault_of_tls_is_reported_in_place_of_the_error(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rolecall.cli.remote.tls_diagnosis.tls_fault", lambda *_: TlsFault("it is so", "do that"))
    monkeypatch.setattr("rolecall_client.client.RolecallClient.get_role", refuse)

    assert rolecall("role", "get", "app", "--address=127.0.0.1:1") == (
        2, "", "error: cannot reach 127.0.0.1:1: it is so\n  help: do that\n",
    )  # fmt: skip


def refuse(*_: object) -> None:
    raise RolecallError("UNAVAILABLE", "it did not work")
