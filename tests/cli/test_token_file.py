"""The token of a caller, read from a file and sent with each call of a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import grpc
import pytest

from rolecall_client import query
from rolecall_client.client import RolecallClient
from rolecall_client.errors import RolecallError
from rolecall_client.v1 import role_pb2
from tests.cli.conftest import CommandLine
from tests.cli.serving import served

ALICE = "acs:ram::123456789012:user/alice"
TOKEN = "rct_" + "t" * 43
CALLERS = f"""\
callers:
  - {{name: ci, match: {{token_sha256: {sha256(TOKEN.encode()).hexdigest()}}}, policies: [AdministratorAccess]}}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("server")
    (directory / "callers.yaml").write_text(CALLERS)
    with served("--callers", "callers.yaml", directory=directory) as address:
        yield address


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text(TOKEN + "\n")
    return tmp_path / "token"


def test_a_command_sends_the_token_of_a_file(rolecall: CommandLine, address: str, token_file: Path) -> None:
    without = rolecall("role", "list", "--address", address)
    outcome = rolecall("role", "list", "--address", address, "--token-file", str(token_file))

    assert (without.code, "PERMISSION_DENIED" in without.err or "may not" in without.err) == (2, True)
    assert outcome.code == 0


def test_the_file_may_be_named_by_a_variable(
    rolecall: CommandLine, address: str, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLECALL_TOKEN_FILE", str(token_file))

    assert rolecall("role", "list", "--address", address).code == 0


def test_every_kind_of_call_has_the_token_of_the_moment(address: str, token_file: Path) -> None:
    with RolecallClient(address, token=lambda: token_file.read_text().strip()) as client:
        listed = client.list_roles(role_pb2.ListRolesRequest())
        answers = list(client.stream([query(ALICE, "app"), query(ALICE, "b")]))
        applied = client.apply_roles([], validate_only=True)
        with closing(client.watch_roles()) as watch:
            next(iter(watch))
        token_file.write_text("rct_another")
        with pytest.raises(RolecallError) as caught:
            client.list_roles(role_pb2.ListRolesRequest())

    assert list(listed.roles) == list(applied.changes) == []
    assert [answer.decision.allowed for answer in answers] == [False, False]
    assert caught.value.code == "UNAUTHENTICATED"


@pytest.mark.parametrize("content", ["", " \n", "rct_a b", "rct_\u00e4", "rct_a\x00"])
def test_a_file_without_a_token_is_refused_and_not_shown(
    rolecall: CommandLine, address: str, tmp_path: Path, content: str
) -> None:
    (tmp_path / "token").write_text(content)

    outcome = rolecall("role", "list", "--address", address, "--token-file", str(tmp_path / "token"))

    assert outcome.code == 2
    assert "gives no token" in outcome.err
    assert "rct_" not in outcome.err


def test_a_missing_file_is_named(rolecall: CommandLine, address: str, tmp_path: Path) -> None:
    outcome = rolecall("role", "list", "--address", address, "--token-file", str(tmp_path / "none"))

    assert (outcome.code, "cannot be read" in outcome.err) == (2, True)


@pytest.mark.parametrize(
    "address_", ["roles.internal:50051", "10.0.0.1:50051", "localhost.evil.example:1", "dns:///localhost"]
)
def test_a_token_is_not_sent_in_plain_text_to_another_machine(
    rolecall: CommandLine, token_file: Path, address_: str
) -> None:
    outcome = rolecall("role", "list", "--address", address_, "--token-file", str(token_file))

    with pytest.raises(ValueError, match="over TLS, or to this machine"):
        RolecallClient(address_, token=TOKEN)

    assert (outcome.code, "over TLS, or to this machine" in outcome.err) == (2, True)


@pytest.mark.parametrize(
    "address_", ["localhost:1", "127.0.0.1", "127.1.2.3:50051", "[::1]:1", "unix:/run/rolecall.sock"]
)
def test_this_machine_has_several_names(address_: str) -> None:
    RolecallClient(address_, token=TOKEN).close()
    RolecallClient("roles.internal:1", token=TOKEN, credentials=grpc.ssl_channel_credentials()).close()
