"""Every option of every command reaches what it is about: the request to the server, or what the command does itself.

The tables are compared with the command line itself, so that a new option is not forgotten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
import typer

from rolecall.cli.typer_commands import build_app
from rolecall_client.v1.role_pb2 import GetRoleResponse, Role
from rolecall_client.v1.watch_pb2 import WatchCheckpoint, WatchRolesResponse
from tests.cli.case_files import VALID
from tests.cli.conftest import CommandLine
from tests.cli.recording import Call, recording

USER, OTHER_USER = "acs:ram::123456789012:user/alice", "acs:ram::123456789012:user/bob"
PROVIDER = "acs:ram::123456789012:oidc-provider/p"
ID = "0b9d34a2-6d3e-4a5e-9a43-5a3c1d3c9f00"

CONNECTION = frozenset({"--address", "--context", "--tls-ca", "--tls-cert", "--tls-key", "--token-file", "--timeout"})
"""The options that every command with a server has; tested for all of them at once."""

ANSWERS: dict[str, Any] = {
    "GetRole": GetRoleResponse(role=Role(account_id="4242")),
    "WatchRoles": WatchRolesResponse(checkpoint=WatchCheckpoint(revision=1, token="t")),
}

Options = Mapping[tuple[str, ...], str]

PRINCIPAL: Options = {
    (f"--as={OTHER_USER}",): f'principal: "{OTHER_USER}"',
    (f"--as={PROVIDER}", "--claim=oidc:sub=me", "--claim=oidc:sub=you"): 'value { values: "me" values: "you" }',
    ("--context=app:Team=red", "--context=app:Team=blue"): 'key: "app:Team" value { values: "red" values: "blue" }',
    ("--external-id=partner",): 'external_id: "partner"',
    ("--session-name=build-17",): 'role_session_name: "build-17"',
    ("--source-identity=carol",): 'source_identity: "carol"',
    ("--duration=1800",): "duration_seconds: 1800",
}
DECISION: Options = {
    **PRINCIPAL,
    ("--role=42/other",): 'role: "42/other"',
    ("--as=k8s:ack/payments/api", "--account-id=77"): "acs:ram::77:oidc-provider/ack",
    ("--fully-consistent",): "consistency { fully_consistent: true }",
    ("--at-least-as-fresh=token-1",): 'consistency { at_least_as_fresh: "token-1" }',
}
WRITE: Options = {("--reason=moved",): 'change_reason: "moved"', (f"--request-id={ID}",): f'request_id: "{ID}"'}
ROLE_ID: Options = {("--role-id=7",): 'role_id: "7"'}
DRY: Options = {("--dry-run",): "validate_only: true"}
ETAG: Options = {('--etag="3-9"',): 'etag: "\\"3-9\\""'}


@dataclass(frozen=True)
class Remote:
    """A command with a server: its arguments, and what each option adds to the messages that it sends."""

    arguments: tuple[str, ...]
    options: Options
    required: Mapping[str, str] = field(default_factory=dict)


REMOTE = {
    "check": Remote((f"--as={USER}", "--role=r"), DECISION),
    "explain": Remote(
        (f"--as={USER}", "--role=r"),
        {
            **DECISION,
            ("--time=2026-12-24T18:00:00.25+08:00",): "assume_time { seconds: 1798106400 nanos: 250000000 }",
            ("--at-revision=7",): "at_revision: 7",
        },
    ),
    "who-can": Remote(("42/some",), {}, {"role": 'role: "42/some"'}),
    "what-can": Remote(
        (f"--as={USER}",),
        {
            **PRINCIPAL,
            ("--account-id=prod",): 'account_id: "prod"',
            ("--as=k8s:ack/payments/api", "--account-id=77"): "acs:ram::77:oidc-provider/ack",
        },
    ),
    "whoami": Remote((), {}),
    "can": Remote(
        ("ram:CreateRole", "acs:ram::42:role/a"),
        {
            (
                "--context=ram:ServiceNames=a",
                "--context=ram:ServiceNames=b",
            ): 'context { key: "ram:ServiceNames" value { values: "a" values: "b" } }',
        },
        {"action": 'action: "ram:CreateRole"', "resource": 'resource: "acs:ram::42:role/a"'},
    ),
    "apply": Remote(
        ("--file=roles.yaml",),
        {
            ("--file=more.yaml",): 'role_name: "second"',
            (
                "--prune=team=a,env=b",
            ): 'prune_selector { tags { key: "env" value: "b" } tags { key: "team" value: "a" } }',
            ("--prune=team=a", "--prune-account=prod", "--prune-account=42"): 'account_ids: "prod" account_ids: "42"',
            ("--source=git:abc",): 'source: "git:abc"',
            **WRITE,
            **DRY,
        },
    ),
    "export": Remote(
        (), {("--account-id=prod",): 'account_id: "prod"', ("--tag=team=a",): 'tags { key: "team" value: "a" }'}
    ),
    "watch": Remote(
        (),
        {
            ("--initial",): "include_initial_state: true",
            ("--from=token-1",): 'start_token: "token-1"',
            ("--account-id=prod", "--account-id=42"): 'account_ids: "prod" account_ids: "42"',
        },
    ),
    "changes": Remote(
        (),
        {
            ("--role=42/some",): 'role: "42/some"',
            ("--account-id=prod", "--account-id=test"): 'account_ids: "prod" account_ids: "test"',
            ("--prefix=pay",): 'name_prefix: "pay"',
            ("--kind=created", "--kind=deleted"): "kinds: CHANGE_KIND_CREATED kinds: CHANGE_KIND_DELETED",
            ("--actor=alice",): 'actor: "alice"',
            ("--from-revision=7",): "start_revision: 7",
            ("--limit=3",): "page_size: 4",
            ("--full",): "view: ROLE_VIEW_FULL",
        },
    ),
    "role create": Remote(
        ("made", "--policy=policy.json"),
        {
            ("--policy=other.json",): "acs:ram::1:user/other",
            ("--account-id=prod",): 'account_id: "prod"',
            ("--description=some text",): 'description: "some text"',
            ("--max-session-duration=7200",): "max_session_duration_seconds: 7200",
            ("--tag=a=b", "--tag=c=d"): 'tags { key: "a" value: "b" } tags { key: "c" value: "d" }',
            **WRITE,
            **DRY,
        },
        {"name": 'role_name: "made"'},
    ),
    "role get": Remote(("42/some",), {}, {"role": 'role: "42/some"'}),
    "role list": Remote(
        (),
        {
            ("--account-id=prod",): 'account_id: "prod"',
            ("--prefix=pay",): 'name_prefix: "pay"',
            ("--tag=a=b", "--tag=c=d"): 'tags { key: "a" value: "b" } tags { key: "c" value: "d" }',
            ("--full",): "view: ROLE_VIEW_FULL",
        },
    ),
    "role update": Remote(
        ("42/some", "--max-session-duration=3600"),
        {
            ("--policy=other.json",): "acs:ram::1:user/other",
            ("--description=",): 'paths: "description"',
            ("--max-session-duration=7200",): "max_session_duration_seconds: 7200",
            ("--tag=a=b",): 'tags { key: "a" value: "b" }',
            ("--no-tags",): 'paths: "tags"',
            **ETAG,
            **WRITE,
            **DRY,
        },
        {"role": 'role: "42/some"'},
    ),
    "role delete": Remote(("42/some",), {**ETAG, **WRITE, **DRY}, {"role": 'role: "42/some"'}),
    "role undelete": Remote(("42/some",), {**ROLE_ID, **WRITE, **DRY}, {"role": 'role: "42/some"'}),
    "role history": Remote(("42/some",), {("--limit=3",): "page_size: 3", **ROLE_ID}, {"role": 'role: "42/some"'}),
    "role rollback": Remote(
        ("42/some", "--revision=5"), {("--revision=6",): "revision: 6", **ETAG, **WRITE}, {"role": 'role: "42/some"'}
    ),
}

ESCAPED = VALID.replace('"', '\\"')
ELSEWHERE = {
    "changes": {"--follow"},  # test_changes.py
    # test_apply_safety.py, test_lint_configuration.py
    "apply": {"--exit-code", "--max-deletes", "--yes", "--lint-config", "--suppress", "--verbose"},
    "check": {"--policy", "--role-tag", "--max-session-duration"},  # test_explain_offline.py, test_one_rule_set.py
    "explain": {"--policy", "--role-tag", "--max-session-duration", "--action", "--resource"},  # test_explain_access.py
    "export": {"--all-accounts"},  # test_friction_accounts.py
    "who-can": {"--policy"},  # test_who_can.py
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.json").write_text(VALID)
    Path("other.json").write_text(VALID.replace("user/a", "user/other"))
    for file, name in (("roles.yaml", "first"), ("more.yaml", "second")):
        Path(file).write_text(f"apiVersion: rolecall/v1\nname: {name}\ntrust_policy_json: '{VALID}'\n")


def parameters() -> Iterator[tuple[str, Any]]:
    def walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        for name, part in getattr(command, "commands", {}).items():
            yield from walk(part, (*words, name))
        if not hasattr(command, "commands"):
            yield from ((" ".join(words), parameter) for parameter in command.params)

    yield from walk(typer.main.get_command(build_app(None)), ())


def names_of(command: str) -> set[str]:
    """Return the options of a command, and its arguments by name."""
    found = (parameter for name, parameter in parameters() if name == command)
    return {parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.name for parameter in found}


class Recorded:
    """Runs a command against a server that records."""

    def __init__(self, rolecall: CommandLine, address: str, calls: list[Call]) -> None:
        self._rolecall, self._address, self._calls = rolecall, address, calls

    def __call__(self, command: str, *arguments: str) -> Call:
        """Return the last call of a command."""
        self._calls.clear()
        outcome = self._rolecall(*command.split(), *arguments, "--address", self._address)
        assert self._calls, outcome.err
        return self._calls[-1]


@pytest.fixture(scope="module")
def recorder() -> Iterator[tuple[str, list[Call]]]:
    with recording(**ANSWERS) as recorder:
        yield recorder


@pytest.fixture
def last_call(rolecall: CommandLine, recorder: tuple[str, list[Call]]) -> Recorded:
    return Recorded(rolecall, *recorder)


@pytest.mark.parametrize("command", REMOTE)
def test_every_option_of_a_command_with_a_server_is_in_the_table(command: str) -> None:
    tested = {option.partition("=")[0] for options in REMOTE[command].options for option in options}

    assert names_of(command) == {
        *tested,
        *REMOTE[command].required,
        *CONNECTION,
        "--output",
        *ELSEWHERE.get(command, ()),
    }


def test_every_command_with_a_server_is_in_the_table() -> None:
    with_a_server = {name for name, parameter in parameters() if parameter.opts[0] == "--address"}

    # The first two show or write what the options say, and call no server (test_contexts.py); the last makes two calls
    # (test_friction_accounts.py).
    assert with_a_server - {"context add", "context show", "account list"} == REMOTE.keys()


@pytest.mark.parametrize(
    ("command", "options", "sent"),
    [
        pytest.param(name, options, sent, id=f"{name} {' '.join(options)}")
        for name, remote in REMOTE.items()
        for options, sent in remote.options.items()
    ],
)
def test_an_option_changes_what_is_sent(last_call: Recorded, command: str, options: tuple[str, ...], sent: str) -> None:
    plain = last_call(command, *REMOTE[command].arguments)
    changed = last_call(command, *REMOTE[command].arguments, *options)

    assert sent not in plain.text
    assert sent in changed.text
    assert changed.method == plain.method


@pytest.mark.parametrize(
    ("command", "sent"),
    {
        "check": f'query {{ principal: "{USER}" role: "r" }}',
        "explain": f'query {{ principal: "{USER}" role: "r" }}',
        "who-can": 'role: "42/some"',
        "what-can": f'principal: "{USER}" page_size: 1000',
        "whoami": "",
        "can": 'action: "ram:CreateRole" resource: "acs:ram::42:role/a"',
        "apply": 'options { request_id: "ID" }\nroles { roles { role_name: "first" assume_role_policy_document: "'
        + ESCAPED
        + '" } }',
        "export": "page_size: 500 view: ROLE_VIEW_FULL",
        "watch": "batched: true",
        "role create": 'role_name: "made" assume_role_policy_document: "' + ESCAPED + '" request_id: "ID"',
        "role get": 'role: "42/some"',
        "role list": "page_size: 500 view: ROLE_VIEW_BASIC",
        "role update": 'role: "42/some" max_session_duration_seconds: 3600 update_mask '
        '{ paths: "max_session_duration_seconds" } request_id: "ID"',
        "role delete": 'role: "42/some" request_id: "ID"',
        "role undelete": 'role: "42/some" request_id: "ID"',
        "role history": 'role: "42/some" page_size: 20',
        "changes": "newest_first: true view: ROLE_VIEW_BASIC page_size: 51",
        "role rollback": 'role: "42/some" revision: 5 request_id: "ID"',
    }.items(),
)
def test_without_options_nothing_is_sent_but_the_arguments_and_sizes_of_pages(
    last_call: Recorded, command: str, sent: str
) -> None:
    call = last_call(command, *REMOTE[command].arguments)

    written = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", call.text)
    assert written.partition("\n")[2] == sent


@pytest.mark.parametrize(
    "arguments",
    [
        ["role", "history", "r", "--limit=0"],
        ["changes", "--limit=0"],
        ["changes", "--limit=10001"],
        ["changes", "--from-revision=-1"],
        ["role", "history", "r", "--limit=1001"],
        ["role", "rollback", "r", "--revision=0"],
        ["role", "create", "r", "--policy=policy.json", "--max-session-duration=-1"],
        ["check", f"--as={USER}", "--role=r", "--duration=-1"],
        ["migrate", "--wait=-1"],
        ["migrate", "--wait=86401"],
        ["audit", "verify", "--from=0"],
        ["test", "roles.yaml", "--fail-under=-1"],
        ["test", "roles.yaml", "--fail-under=101"],
        ["decisions", "log", "--limit=-1"],
    ],
)
def test_a_number_outside_its_range_is_refused(rolecall: CommandLine, arguments: list[str]) -> None:
    outcome = rolecall(*arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert re.search(r"error: invalid value for `--\w[\w-]*`: `-?\d+` is (less|more) than [\d,]+\n", outcome.err)


def test_the_ends_of_ranges_are_allowed(last_call: Recorded, rolecall: CommandLine) -> None:
    assert "page_size: 1000" in last_call("role history", "r", "--limit=1000").text
    assert "page_size: 1" in last_call("role history", "r", "--limit=1").text
    assert "revision: 1" in last_call("role rollback", "r", "--revision=1").text
    for name, option in (("--fail-under", "0"), ("--fail-under", "100")):
        assert "invalid value" not in rolecall("test", "roles.yaml", name, option).err
    for option in ("--wait=0", "--wait=86400"):
        assert rolecall("migrate", option, "--store=sqlite:///m.db").code == 0
    for option in ("--from=1", "--from=2"):
        assert "invalid value" not in rolecall("audit", "verify", option, "--store=sqlite:///m.db").err


@pytest.mark.parametrize("command", [name for name, remote in REMOTE.items() if remote.required])
def test_an_argument_is_sent(last_call: Recorded, command: str) -> None:
    text = last_call(command, *REMOTE[command].arguments).text

    for sent in REMOTE[command].required.values():
        assert sent in text


def test_a_service_account_is_of_the_account_of_the_role(last_call: Recorded) -> None:
    text = last_call("check", "--as=k8s:ack/payments/api", "--role=some").text

    assert "acs:ram::4242:oidc-provider/ack" in text


def test_an_update_names_exactly_the_fields_that_are_given(last_call: Recorded) -> None:
    every = ("--policy=other.json", "--description=x", "--max-session-duration=3600", "--tag=a=b")
    paths = {"--policy=other.json": "assume_role_policy_document", "--description=x": "description"}
    paths |= {"--max-session-duration=3600": "max_session_duration_seconds", "--tag=a=b": "tags"}

    for option in every:
        (request,) = last_call("role update", "some", option).messages
        assert list(request.update_mask.paths) == [paths[option]]
    (request,) = last_call("role update", "some", *every).messages
    assert sorted(request.update_mask.paths) == sorted(paths.values())


@pytest.mark.parametrize("command", sorted(REMOTE.keys() - {"watch"}))
def test_the_timeout_is_that_of_the_call(last_call: Recorded, command: str) -> None:
    arguments = REMOTE[command].arguments

    usual = last_call(command, *arguments).seconds
    longer = last_call(command, *arguments, "--timeout=5000").seconds

    # gRPC rounds the time that it sends up, by a hundredth at most.
    assert usual <= (303 if command == "apply" else 10.1)
    assert 4_000 < longer <= 5_050


@pytest.mark.parametrize("command", REMOTE)
def test_the_answer_is_json_with_the_option(
    rolecall: CommandLine, recorder: tuple[str, list[Call]], command: str
) -> None:
    arguments = [*command.split(), *REMOTE[command].arguments, "--address", recorder[0]]

    people, programs = rolecall(*arguments), rolecall(*arguments, "-o", "json")

    assert people.out != programs.out
    assert programs.code == people.code
    assert json.loads(programs.out) is not None
    with pytest.raises(ValueError, match=r"Expecting|Extra"):
        json.loads(people.out)


class Tls:
    """Certificates of a server and of a client."""

    def __init__(self) -> None:
        self.authority, self.clients = trustme.CA(), trustme.CA()
        self.authority.cert_pem.write_to_path("ca.pem")
        self.clients.cert_pem.write_to_path("other-ca.pem")
        client = self.clients.issue_cert("a-client")
        client.private_key_pem.write_to_path("key.pem")
        client.cert_chain_pems[0].write_to_path("cert.pem")

    def server(self, *, ask: bool) -> grpc.ServerCredentials:
        own = self.authority.issue_cert("localhost")
        pair = (own.private_key_pem.bytes(), own.cert_chain_pems[0].bytes())
        return grpc.ssl_server_credentials([pair], self.clients.cert_pem.bytes() if ask else None, ask)


@pytest.mark.parametrize(
    ("options", "ask", "code"),
    [
        (["--tls-ca=ca.pem"], False, 0),
        (["--tls-ca=other-ca.pem"], False, 2),
        ([], False, 2),
        (["--tls-ca=ca.pem"], True, 2),
        (["--tls-ca=ca.pem", "--tls-cert=cert.pem", "--tls-key=key.pem"], True, 0),
    ],
)
def test_certificates_are_those_of_the_options(rolecall: CommandLine, options: list[str], ask: bool, code: int) -> None:
    with recording(Tls().server(ask=ask)) as (address, calls):
        outcome = rolecall("role", "list", "--address", address, "--timeout=3", *options)

    assert (outcome.code, len(calls)) == (code, 0 if code else 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tls-ca=ca.pem", "--tls-cert=cert.pem"], "--tls-cert and --tls-key must be given together"),
        (["--tls-ca=ca.pem", "--tls-key=key.pem"], "--tls-cert and --tls-key must be given together"),
        (["--tls-key=key.pem"], "--tls-cert and --tls-key must be given together"),
        (["--tls-cert=cert.pem", "--tls-key=key.pem"], "--tls-cert and --tls-key need TLS"),
        (["--tls-ca=policy.json"], "`policy.json` has no certificates in PEM form"),
        (
            ["--tls-ca=ca.pem", "--tls-cert=policy.json", "--tls-key=key.pem"],
            "`policy.json` and `key.pem` are not a certificate",
        ),
    ],
)
def test_certificates_that_cannot_be_used_are_refused(rolecall: CommandLine, options: list[str], message: str) -> None:
    Tls()

    outcome = rolecall("role", "list", *options)

    assert (outcome.code, outcome.out) == (2, "")
    assert f"error: {message}" in outcome.err
