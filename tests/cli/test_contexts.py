"""Commands with contexts: which server they call, and how they list, choose and show contexts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import trustme

from tests.cli.conftest import CommandLine
from tests.cli.recording import recording
from tests.cli.serving import environment, served

TOKEN = "rct_" + "t" * 43
ALICE = "--as=acs:ram::123456789012:user/alice"


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rolecall: CommandLine) -> Path:
    """Return the path of the file of contexts, which does not exist yet. `rolecall` has cleared the variables before."""
    monkeypatch.setenv("ROLECALL_CONFIG", str(tmp_path / "config.yaml"))
    return tmp_path / "config.yaml"


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def test_a_command_calls_the_current_context(rolecall: CommandLine, contexts: Path, address: str) -> None:
    write(contexts, f"current: here\ncontexts: {{here: {{address: '{address}'}}, there: {{address: 'localhost:9'}}}}")

    assert rolecall("role", "list").code == 0
    assert "cannot reach localhost:9" in rolecall("role", "list", "--context", "there", "--timeout=3").err
    assert rolecall("role", "list", "--context", "there", "--address", address).code == 0


def test_a_command_with_condition_keys_takes_both(rolecall: CommandLine, contexts: Path) -> None:
    with recording() as (address, calls):
        write(contexts, f"contexts: {{here: {{address: '{address}'}}}}")
        rolecall("check", ALICE, "--role=r", "--context=acs:SourceIp=10.0.0.1", "--context=here", "-o", "json")
        rolecall("what-can", ALICE, "--context=here", "--context", "app:Team=red", "-o", "json")
        rolecall("can", "ram:GetRole", "--context", "here", "--context", "ram:ServiceNames=a", "-o", "json")

    assert [call.method for call in calls] == ["CheckAssumeRole", "ListAssumableRoles", "CanI"]
    assert 'key: "acs:SourceIp"' in calls[0].text
    assert 'key: "app:Team"' in calls[1].text
    assert 'key: "ram:ServiceNames"' in calls[2].text


@pytest.mark.parametrize("command", [["role", "list"], ["check", ALICE, "--role=r"], ["whoami"], ["watch"]])
def test_an_unknown_context_is_refused_before_anything_is_called(
    rolecall: CommandLine, contexts: Path, command: list[str]
) -> None:
    write(contexts, "contexts: {prod: {address: x}}")

    outcome = rolecall(*command, "--context", "prd")

    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no context `prd`" in outcome.err
    assert "did you mean `prod`?" in outcome.err


def test_a_mistake_in_the_file_is_reported_with_its_line(rolecall: CommandLine, contexts: Path) -> None:
    write(contexts, "contexts:\n  prod: {adress: x}\n")

    outcome = rolecall("role", "list")

    assert (outcome.code, outcome.out) == (2, "")
    assert f"{contexts}:2:10: error: `adress` is not a field of `prod`" in outcome.err
    assert "help: did you mean `address`?" in outcome.err


def test_a_file_that_others_can_write_stops_a_command(rolecall: CommandLine, contexts: Path) -> None:
    write(contexts, "contexts: {prod: {address: x, token: {command: [touch, proof]}}}\ncurrent: prod")
    contexts.chmod(0o666)

    outcome = rolecall("role", "list")

    assert (outcome.code, "other users can write the file" in outcome.err) == (2, True)
    assert f"help: chmod go-w {contexts}" in outcome.err


CALLERS = f"""\
callers:
  - {{name: ci, match: {{token_sha256: {sha256(TOKEN.encode()).hexdigest()}}}, policies: [AdministratorAccess]}}
"""


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Run a server with TLS for a name that its address does not have, and with callers by token; give its files and address."""
    folder, authority = tmp_path_factory.mktemp("secure"), trustme.CA()
    issued = authority.issue_cert("roles.internal")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "key.pem").chmod(0o600)
    (folder / "callers.yaml").write_text(CALLERS)
    files = ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--callers", "callers.yaml"]
    with served(*files, directory=folder) as address:
        yield folder, address


@pytest.mark.parametrize("source", ["file: token", "command: [./print-token, 'a b']"])
def test_a_context_has_the_ca_the_name_of_the_server_and_the_token(
    rolecall: CommandLine, contexts: Path, secure: tuple[Path, str], source: str
) -> None:
    folder, address = secure
    tls = f"{{ca: {folder}/ca.pem, server_name: roles.internal}}"
    write(contexts, f"contexts: {{prod: {{address: '{address}', tls: {tls}, token: {{{source}}}}}}}")
    contexts.with_name("token").write_text(TOKEN)
    contexts.with_name("print-token").write_text(f'#!/bin/sh\n[ "$1" = "a b" ] && echo {TOKEN}\n')
    contexts.with_name("print-token").chmod(0o700)

    outcome = rolecall("whoami", "--context", "prod", "-o", "json")

    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out)["entries"] == ["ci"]


def test_a_token_is_not_sent_in_plain_text_to_another_machine(rolecall: CommandLine, contexts: Path) -> None:
    write(contexts, "contexts: {prod: {address: roles.internal, token: {command: [touch, proof]}}}")

    outcome = rolecall("role", "list", "--context", "prod")

    assert (outcome.code, "a token is sent over TLS, or to this machine" in outcome.err) == (2, True)
    assert not contexts.with_name("proof").exists()


def test_a_command_that_gives_no_token_is_named(rolecall: CommandLine, contexts: Path, address: str) -> None:
    write(contexts, f"contexts: {{prod: {{address: '{address}', token: {{command: ['false']}}}}}}")

    outcome = rolecall("role", "list", "--context", "prod")

    assert (outcome.code, outcome.out) == (2, "")
    assert "the token command `false` failed with exit code 1" in outcome.err


def test_contexts_are_listed_with_a_mark_at_the_current_one(rolecall: CommandLine, contexts: Path) -> None:
    write(contexts, "current: b\ncontexts: {b: {address: y, token: {file: t}}, a: {address: x}}")

    people, programs = rolecall("context", "list"), rolecall("context", "list", "-o", "json")

    assert [line.split()[:2] for line in people.out.splitlines()[2:]] == [["a", "x:50051"], ["*", "b"]]
    assert json.loads(programs.out) == {
        "file": str(contexts),
        "current": "b",
        "contexts": [
            {"name": "a", "address": "x:50051", "current": False},
            {"name": "b", "address": "y:50051", "current": True},
        ],
    }


def test_without_a_file_there_are_no_contexts(
    rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    listed, used = rolecall("context", "list", "-o", "json"), rolecall("context", "use", "prod")

    assert (listed.code, json.loads(listed.out)["contexts"]) == (0, [])
    assert (used.code, used.out) == (2, "")
    assert f"`{tmp_path}/rolecall/config.yaml` does not exist" in used.err
    assert "rolecall schema contexts" in used.err


def test_a_context_becomes_the_current_one(rolecall: CommandLine, contexts: Path) -> None:
    write(contexts, "# mine\ncontexts:\n  a: {address: x}  # first\n")

    outcome = rolecall("context", "use", "a")

    assert (outcome.code, outcome.out) == (0, "the current context is a (x:50051)\n")
    assert contexts.read_text() == "# mine\ncurrent: a\ncontexts:\n  a: {address: x}  # first\n"
    assert json.loads(rolecall("context", "show", "-o", "json").out)["context"] == "a"


def test_what_a_command_would_use_is_shown_with_its_source(
    rolecall: CommandLine, contexts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(contexts, "contexts: {a: {address: x, token: {command: [secret, 'a b']}, accounts: {shop: 1}}}")
    monkeypatch.setenv("ROLECALL_CONTEXT", "a")
    monkeypatch.setenv("ROLECALL_TIMEOUT", "4")

    rows = [line.split() for line in rolecall("context", "show").out.splitlines()[2:]]
    record = json.loads(rolecall("context", "show", "-o", "json").out)

    assert rows == [
        ["context", "a", "ROLECALL_CONTEXT"],
        ["address", "x:50051", "context", "a"],
        ["token", "command", "secret", "'a", "b'", "context", "a"],
        ["timeout_seconds", "4", "ROLECALL_TIMEOUT"],
        ["accounts.shop", "1", "context", "a"],
    ]
    assert record["token"] == {"command": ["secret", "a b"]}
    assert record["sources"]["timeout_seconds"] == "ROLECALL_TIMEOUT"


def test_a_context_is_shown_by_name(rolecall: CommandLine, contexts: Path) -> None:
    write(contexts, "current: a\ncontexts: {a: {address: x}, b: {address: y, tls: {ca: ca.pem}}}")

    shown = json.loads(rolecall("context", "show", "b", "-o", "json").out)
    twice = rolecall("context", "show", "b", "--context", "a")

    assert (shown["address"], shown["tls"]["ca"]) == ("y:50051", str(contexts.with_name("ca.pem")))
    assert (twice.code, "named twice" in twice.err) == (2, True)


def test_the_version_is_an_option_of_the_program(rolecall: CommandLine) -> None:
    assert rolecall("--version") == rolecall("version")
    assert rolecall("--version").code == 0


def test_contexts_are_added_without_an_editor(
    rolecall: CommandLine, contexts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(contexts.parent)
    tls = ["--tls-ca=ca.pem", "--tls-server-name=roles", "--token-command=./print-token 'a b'"]

    first = rolecall("context", "add", "local", "--address=localhost")
    second = rolecall("context", "add", "prod", "--address=roles.internal", *tls)

    assert (first.code, first.out) == (0, f"added local (localhost:50051), the current one, in {contexts}\n")
    assert (second.code, second.out) == (0, f"added prod (roles.internal:50051), in {contexts}\n")
    shown = json.loads(rolecall("context", "show", "prod", "-o", "json").out)
    assert shown["tls"]["ca"] == str(contexts.parent / "ca.pem")
    assert shown["token"] == {"command": [str(contexts.parent / "print-token"), "a b"]}


def test_the_record_of_a_context_that_is_added_names_the_file(rolecall: CommandLine, contexts: Path) -> None:
    outcome = rolecall("context", "add", "local", "--address=localhost", "-o", "json")

    assert json.loads(outcome.out) == {"file": str(contexts), "added": "local", "current": "local"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--address is missing"),
        (["--address=http://x"], "an address has no scheme"),
        (["--address=x", "--tls-server-name=y"], "--tls-server-name needs --tls-ca"),
        (["--address=x", "--tls-ca=a", "--tls-cert=b"], "--tls-cert and --tls-key must be given together"),
        (["--address=x", "--token-file=a", "--token-command=b"], "--token-file and --token-command are two sources"),
        (["--address=x", "--token-command= "], "--token-command is empty"),
        (["--address=x", "--token-command='"], "--token-command has no closing quotation"),
    ],
)
def test_a_context_that_cannot_be_is_not_added(
    rolecall: CommandLine, contexts: Path, options: list[str], message: str
) -> None:
    outcome = rolecall("context", "add", "new", *options)

    assert (outcome.code, outcome.out) == (2, "")
    assert f"error: {message}" in outcome.err.replace("--address: ", "")
    assert not contexts.exists()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("rolecall role list --context p", ["prod"]),
        ("rolecall check --context ", ["local", "prod"]),
        ("rolecall context use l", ["local"]),
    ],
)
def test_a_shell_completes_the_names_of_contexts(contexts: Path, words: str, names: list[str]) -> None:
    asked = {"_ROLECALL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    command = [sys.executable, "-c", "import sys; sys.argv[0] = 'rolecall'; from rolecall.cli import main; main()"]

    def completed(text: str) -> list[str]:
        write(contexts, text)
        variables = environment(ROLECALL_CONFIG=str(contexts), **asked)
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout.split()

    assert completed("contexts: {local: {address: x}, prod: {address: y}}") == names
    assert completed("contexts: {local: {adress: x}}") == []
