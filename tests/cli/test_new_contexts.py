"""The contexts that `context add` writes, and the words of each command about contexts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import RemoteOptions
from rolecall.cli.remote.new_context import described_context
from rolecall_client.connection.settings import TlsFiles
from rolecall_client.contexts.context import ServerContext, TokenOrigin
from tests.cli.conftest import CommandLine

ADD = "`rolecall context add NAME --address HOST:PORT` adds one; `rolecall schema contexts` describes the file"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rolecall: CommandLine) -> Path:
    """Give a home directory, in which the file of contexts is, beside the current directory; without variables of its own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def described(server_name: str = "", command: str = "", **options: Any) -> ServerContext:
    return described_context("new", RemoteOptions(address="host", **options), server_name, command)


def test_every_path_is_absolute_and_may_begin_at_the_home_directory(home: Path) -> None:
    found = described(tls_ca=Path("~/ca.pem"), tls_cert=Path("c.pem"), tls_key=Path("~/k.pem"), token_file=Path("~/t"))

    assert found == ServerContext(
        name="new",
        address="host:50051",
        tls=TlsFiles(ca=home / "ca.pem", cert=home / "here/c.pem", key=home / "k.pem"),
        token=TokenOrigin(file=home / "t"),
        timeout=None,
    )
    assert described(tls_ca=Path("ca.pem")).tls == TlsFiles(ca=home / "here/ca.pem")
    assert described(token_file=Path("t")).token == TokenOrigin(file=home / "here/t")


def test_the_server_name_and_the_timeout_are_those_of_the_options() -> None:
    found = described("roles", tls_ca=Path("/ca.pem"), timeout=4.0)

    assert (found.tls, found.timeout, found.token) == (TlsFiles(ca=Path("/ca.pem"), server_name="roles"), 4.0, None)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("print-token", ["print-token"]),
        ("./print-token 'a b' c", ["HERE/print-token", "a b", "c"]),
        ("~/bin/print-token ./x", ["HOME/bin/print-token", "./x"]),
        ("/bin/print-token ~", ["/bin/print-token", "~"]),
    ],
)
def test_a_program_with_a_path_has_an_absolute_one(home: Path, command: str, words: list[str]) -> None:
    wanted = [word.replace("HERE", str(home / "here")).replace("HOME", str(home)) for word in words]

    assert described(command=command).token == TokenOrigin(command=tuple(wanted))


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"server_name": "y"}, "--tls-server-name needs --tls-ca", "give the CA certificates of the server"),
        (
            {"token_file": Path("a"), "command": "b"},
            "--token-file and --token-command are two sources of a token",
            "give one of them",
        ),
        ({"command": " "}, "--token-command is empty", "give a program and its arguments"),
        ({"command": "'"}, "--token-command has no closing quotation", "quote it as in a shell"),
    ],
)
def test_options_that_do_not_belong_together_are_refused(given: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(CommandError) as caught:
        described(**given)

    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["add", "new"], "error: --address is missing\n  help: give the server: `--address HOST:PORT`\n"),
        (["use", "a"], f"error: there are no contexts: `HOME/rolecall/config.yaml` does not exist\n  help: {ADD}\n"),
        (["show", "a", "--context=b"], "error: the context is named twice\n  help: leave out --context\n"),
    ],
)
def test_what_cannot_be_done_has_a_sentence_and_what_to_do(
    rolecall: CommandLine, home: Path, words: list[str], error: str
) -> None:
    assert rolecall("context", *words) == (2, "", error.replace("HOME", str(home)))


def test_a_file_without_contexts_has_the_headings_and_what_to_do(rolecall: CommandLine, home: Path) -> None:
    people, programs = rolecall("context", "list"), rolecall("context", "list", "-o", "json")

    assert (people.code, people.out.splitlines()[0].split()) == (0, ["CURRENT", "NAME", "ADDRESS", "TLS", "TOKEN"])
    assert people.err == f"there are no contexts in {home}/rolecall/config.yaml; {ADD}\n"
    assert programs.err == ""
    assert json.loads(programs.out) == {"file": f"{home}/rolecall/config.yaml", "current": None, "contexts": []}


def test_every_command_names_the_context_and_its_address(rolecall: CommandLine, home: Path) -> None:
    path = home / "rolecall/config.yaml"
    first = rolecall("context", "add", "b", "--address=y", "--token-file=t")
    second = rolecall("context", "add", "a", "--address=x", "--tls-ca=ca.pem", "--token-command=say 'a b'")
    record = rolecall("context", "add", "c", "--address=z", "-o", "json")
    used = rolecall("context", "use", "a")
    listed = rolecall("context", "list")

    assert (first.out, second.out) == (
        f"added b (y:50051), the current one, in {path}\n",
        f"added a (x:50051), in {path}\n",
    )
    assert json.loads(record.out) == {"file": str(path), "added": "c", "current": "b"}
    assert used.out == "the current context is a (x:50051)\n"
    assert [" ".join(line.split()) for line in listed.out.splitlines()[2:]] == [
        "* a x:50051 yes command say 'a b'",
        f"b y:50051 no file {home}/here/t",
        "c z:50051 no",
    ]
    assert (listed.code, listed.err) == (0, "")


def test_a_mistake_in_the_file_has_its_place_and_what_to_do(rolecall: CommandLine, home: Path) -> None:
    path = home / "rolecall/config.yaml"
    path.parent.mkdir()
    path.write_text("contexts:\n  a: {adress: x, address: y}\n")
    path.chmod(0o600)

    outcome = rolecall("context", "show", "a")

    assert outcome == (
        2, "", f"{path}:2:7: error: `adress` is not a field of `a`\n  help: did you mean `address`?\n",
    )  # fmt: skip
