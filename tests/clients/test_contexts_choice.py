"""How a client connects: by options, the environment, a context and the defaults, in this order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient
from rolecall_client.connection.settings import TlsFiles
from rolecall_client.connection.tokens import CommandToken
from rolecall_client.contexts import settings_from_env, settings_of_context
from rolecall_client.contexts.choice import ChosenConnection, choose
from rolecall_client.contexts.errors import ContextsError
from rolecall_client.contexts.given import OPTIONS, GivenSettings

FILE = """\
current: local
contexts:
  local: {address: "localhost:1", token: {file: local-token}}
  prod:
    address: roles.internal:443
    tls: {ca: ca.pem, cert: client.pem, key: client.key, server_name: roles}
    token: {command: [print-token]}
    agent: unix:/run/agent.sock
    timeout_seconds: 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(FILE)
    (tmp_path / "config.yaml").chmod(0o600)
    return tmp_path


@pytest.fixture
def env(folder: Path) -> dict[str, str]:
    return {"ROLECALL_CONFIG": str(folder / "config.yaml")}


def chosen(env: Mapping[str, str], **options: object) -> ChosenConnection:
    return choose(GivenSettings(names=OPTIONS, **options), env)  # type: ignore[arg-type]


def test_without_anything_the_server_of_this_machine_is_called(tmp_path: Path) -> None:
    found = chosen({"XDG_CONFIG_HOME": str(tmp_path)})

    assert (found.address, found.tls, found.token, found.context) == ("127.0.0.1:50051", None, None, None)
    assert found.sources == {"address": "default"}
    assert found.settings().timeout == 10.0


def test_the_current_context_is_used_if_nothing_names_a_server(env: dict[str, str], folder: Path) -> None:
    found = chosen(env)

    assert found.address == "localhost:1"
    assert found.token is not None
    assert found.token.file == folder / "local-token"
    assert found.sources == {"context": "current", "address": "context local", "token": "context local"}


@pytest.mark.parametrize("named", [{"address": "other:2"}, {}])
def test_the_token_of_the_current_context_does_not_go_to_another_server(
    env: dict[str, str], named: dict[str, str]
) -> None:
    variables = {} if named else {"ROLECALL_ADDRESS": "other:2"}

    found = chosen({**env, **variables}, **named)

    assert (found.address, found.context, found.token) == ("other:2", None, None)


def test_a_named_context_may_be_reached_by_another_address(env: dict[str, str], folder: Path) -> None:
    found = chosen(env, context="prod", address="localhost:9")

    assert found.address == "localhost:9"
    assert found.tls == TlsFiles(
        ca=folder / "ca.pem", cert=folder / "client.pem", key=folder / "client.key", server_name="roles"
    )
    assert found.sources["address"] == "--address"
    assert found.sources["tls.ca"] == "context prod"


def test_a_context_of_an_option_counts_more_than_variables(env: dict[str, str]) -> None:
    variables = {"ROLECALL_ADDRESS": "other:2", "ROLECALL_TIMEOUT": "9", "ROLECALL_CONTEXT": "local"}

    found = chosen({**env, **variables}, context="prod")

    assert (found.address, found.timeout) == ("roles.internal:443", 3.0)


def test_variables_count_more_than_a_context_of_a_variable(env: dict[str, str], folder: Path) -> None:
    variables = {
        "ROLECALL_CONTEXT": "prod",
        "ROLECALL_ADDRESS": "other",
        "ROLECALL_TIMEOUT": "9",
        "ROLECALL_TOKEN_FILE": "/token",
        "ROLECALL_TLS_CA": "/other-ca.pem",
    }

    found = chosen({**env, **variables})

    assert (found.address, found.timeout) == ("other:50051", 9.0)
    assert found.token is not None
    assert found.token.file == Path("/token")
    assert found.tls is not None
    assert (found.tls.ca, found.tls.cert) == (Path("/other-ca.pem"), folder / "client.pem")


def test_options_count_more_than_variables(env: dict[str, str]) -> None:
    variables = {"ROLECALL_ADDRESS": "other", "ROLECALL_TIMEOUT": "9", "ROLECALL_TLS_CA": "/ca"}

    found = chosen({**env, **variables}, address="mine", timeout=1.0, tls_ca=Path("/mine"))

    assert (found.address, found.timeout, found.tls) == ("mine:50051", 1.0, TlsFiles(ca=Path("/mine")))


def test_the_certificate_of_a_server_is_not_taken_for_that_of_a_client(env: dict[str, str]) -> None:
    own = {"ROLECALL_TLS_CERT": "/server.pem", "ROLECALL_TLS_KEY": "/server.key", "ROLECALL_ADDRESS": "x"}

    without = chosen({**env, **own})
    beside = chosen({**env, **own, "ROLECALL_TLS_CA": "/ca.pem"})

    assert without.tls is None
    assert beside.tls == TlsFiles(ca=Path("/ca.pem"), cert=Path("/server.pem"), key=Path("/server.key"))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"ROLECALL_TIMEOUT": "soon"}, "ROLECALL_TIMEOUT is `soon`; write a number of seconds"),
        ({"ROLECALL_TIMEOUT": "0"}, "ROLECALL_TIMEOUT is `0`"),
        ({"ROLECALL_TIMEOUT": "nan"}, "ROLECALL_TIMEOUT is `nan`"),
        ({"ROLECALL_ADDRESS": "https://x"}, "ROLECALL_ADDRESS: an address has no scheme"),
        ({"ROLECALL_TLS_CA": "a", "ROLECALL_TLS_KEY": "k"}, "ROLECALL_TLS_CERT and ROLECALL_TLS_KEY must be given"),
        ({"ROLECALL_CONTEXT": "none"}, "there is no context `none`"),
        ({"ROLECALL_CONFIG": "/nowhere/config.yaml"}, "ROLECALL_CONFIG names this file: it does not exist"),
    ],
)
def test_a_mistake_in_a_variable_is_named(env: dict[str, str], variables: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        settings_from_env({**env, **variables})


def test_a_context_that_is_named_needs_a_file(tmp_path: Path) -> None:
    with pytest.raises(ContextsError, match=r"ROLECALL_CONTEXT names `prod`, and this file does not exist"):
        settings_from_env({"XDG_CONFIG_HOME": str(tmp_path), "ROLECALL_CONTEXT": "prod"})


def test_the_settings_of_a_context_do_not_depend_on_other_variables(env: dict[str, str]) -> None:
    variables = {"ROLECALL_ADDRESS": "http://other", "ROLECALL_TIMEOUT": "soon", "ROLECALL_TLS_CA": "/ca"}

    settings = settings_of_context("prod", {**env, **variables})

    assert (settings.address, settings.timeout) == ("roles.internal:443", 3.0)
    assert settings.tls is not None
    assert settings.tls.server_name == "roles"
    assert isinstance(settings.token, CommandToken)


def test_the_name_of_a_context_may_not_be_empty(env: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="the name of the context is empty"):
        settings_of_context("", env)


@pytest.mark.parametrize("relative", ["", "relative/path"])
def test_the_file_is_in_the_folder_for_configurations(tmp_path: Path, relative: str) -> None:
    home = tmp_path / ".config" / "rolecall"
    home.mkdir(parents=True)
    (home / "config.yaml").write_text("current: a\ncontexts: {a: {address: here}}")
    (home / "config.yaml").chmod(0o600)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path))
        of_home = settings_from_env({"XDG_CONFIG_HOME": relative})
    of_variable = settings_from_env({"XDG_CONFIG_HOME": str(tmp_path / ".config")})

    assert of_home.address == of_variable.address == "here:50051"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_home_that_may_not_be_entered_has_no_contexts(tmp_path: Path) -> None:
    script = (
        "import os; from rolecall_client.contexts import choice, given, settings_from_env\n"
        "import rolecall_client.connection.tokens; os.seteuid(12345)\n"
        "try: print(settings_from_env().address)\nexcept ValueError as error: print(error)"
    )
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    def printed(**variables: str) -> str:
        environ = {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(closed), **variables}
        return subprocess.run(
            [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True
        ).stdout

    assert printed() == "127.0.0.1:50051\n"
    assert "ROLECALL_CONFIG names this file: permission denied" in printed(ROLECALL_CONFIG=f"{closed}/config.yaml")


async def test_both_clients_are_made_from_the_environment_and_from_a_context(
    env: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ROLECALL_ADDRESS", raising=False)

    with RolecallClient.from_env(), RolecallClient.from_context("local"):
        pass
    async with AsyncRolecallClient.from_env(), AsyncRolecallClient.from_context("local"):
        pass
    with pytest.raises(ContextsError):
        RolecallClient.from_context("none")


def test_the_agent_is_that_of_the_variable_or_of_the_context(env: dict[str, str]) -> None:
    of_context = chosen(env, context="prod")
    of_variable = chosen({**env, "ROLECALL_CONTEXT": "prod", "ROLECALL_AGENT": "unix:/other.sock"})
    of_nothing = chosen({**env, "ROLECALL_ADDRESS": "other:2"})

    assert (of_context.agent, of_context.sources["agent"]) == ("unix:/run/agent.sock", "context prod")
    assert (of_variable.agent, of_variable.sources["agent"]) == ("unix:/other.sock", "ROLECALL_AGENT")
    assert of_nothing.agent is None
    assert (of_context.settings().agent, of_nothing.settings().agent) == ("unix:/run/agent.sock", None)


def test_a_variable_that_is_no_unix_socket_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"ROLECALL_AGENT is `localhost:1`; write unix:PATH"):
        chosen({**env, "ROLECALL_AGENT": "localhost:1"})
