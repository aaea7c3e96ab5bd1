"""What programs read: every member of the JSON that a command prints, and every setting that a command takes over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.checks.role_policy import document_errors_in
from rolecall.cli.commands import quickstart
from rolecall.cli.examples import show_examples
from rolecall.cli.options.shared import Connection
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources.one_policy import one_policy
from rolecall.config.settings import Config
from rolecall.server import main
from rolecall.storage import open_repository
from rolecall_client.errors import RolecallError, Violation
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording
from tests.cli.test_example_questions import QUESTIONS, ROLES
from tests.storage.samples import create

CONTEXTS = """\
current: a
contexts:
  a:
    address: x
    tls: {ca: ca.pem, cert: c.pem, key: k.pem, server_name: roles}
    token: {file: token}
    timeout_seconds: 4
    accounts: {shop: 1, pay: 2}
    default_account: shop
  b: {address: y}
"""


@pytest.fixture
def contexts(rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONTEXTS)
    path.chmod(0o600)
    monkeypatch.setenv("ROLECALL_CONFIG", str(path))
    return path


def read(rolecall: CommandLine, *arguments: str) -> Any:
    return json.loads(rolecall(*arguments, "-o", "json").out)


def test_a_context_is_shown_with_every_setting(rolecall: CommandLine, contexts: Path) -> None:
    folder = contexts.parent

    record = read(rolecall, "context", "show")

    sources = record.pop("sources")
    assert record == {
        "context": "a",
        "address": "x:50051",
        "tls": {"ca": f"{folder}/ca.pem", "cert": f"{folder}/c.pem", "key": f"{folder}/k.pem", "server_name": "roles"},
        "token": {"file": f"{folder}/token"},
        "agent": None,
        "timeout_seconds": 4,
        "accounts": {"pay": "2", "shop": "1"},
        "default_account": "shop",
    }
    assert sources["context"] == "current"
    assert set(sources.values()) <= {"current", "context a"}


def test_a_context_without_settings_is_shown_with_their_names(rolecall: CommandLine, contexts: Path) -> None:
    record = read(rolecall, "context", "show", "b")

    assert {name: record[name] for name in record if name not in {"sources", "address", "context"}} == {
        "tls": None, "token": None, "agent": None, "timeout_seconds": None, "accounts": {}, "default_account": None,
    }  # fmt: skip


def test_without_a_context_only_what_is_given_is_shown(rolecall: CommandLine) -> None:
    record = read(rolecall, "context", "show", "--address=x")

    assert record == {
        "context": None, "address": "x:50051", "tls": None, "token": None, "agent": None, "timeout_seconds": record["timeout_seconds"],
        "accounts": {}, "default_account": None, "sources": {"address": "--address"},
    }  # fmt: skip
    rows = [line.split() for line in rolecall("context", "show", "--address=x").out.splitlines()[2:]]
    assert ["address", "x:50051", "--address"] in rows


def test_people_see_every_setting_of_a_context(rolecall: CommandLine, contexts: Path) -> None:
    folder = contexts.parent

    rows = [" ".join(line.split()) for line in rolecall("context", "show").out.splitlines()]

    assert rows[0] == "SETTING VALUE FROM"
    assert [row.removesuffix(" context a") for row in rows[3:]] == [
        "address x:50051",
        f"tls.ca {folder}/ca.pem",
        f"tls.cert {folder}/c.pem, {folder}/k.pem",
        "tls.server_name roles",
        f"token file {folder}/token",
        "timeout_seconds 4",
        "accounts.pay 2",
        "accounts.shop 1",
        "default_account shop",
    ]


def test_an_agent_and_a_command_for_the_token_are_shown_with_where_they_come_from(
    rolecall: CommandLine, contexts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts.write_text(
        "contexts:\n  a: {address: x, agent: 'unix:/run/a.sock', tls: {ca: /ca.pem}, token: {command: [get, a b]}}\n"
    )

    rows = [" ".join(line.split()) for line in rolecall("context", "show", "a").out.splitlines()[2:]]
    record = read(rolecall, "context", "show", "a")
    monkeypatch.setenv("ROLECALL_AGENT", "unix:/run/b.sock")
    monkeypatch.delenv("ROLECALL_CONFIG")
    other = [" ".join(line.split()) for line in rolecall("context", "show", "--address=x").out.splitlines()[2:]]

    assert rows[1:] == [
        "address x:50051 context a",
        "tls.ca /ca.pem context a",
        "token command get 'a b' context a",
        "agent unix:/run/a.sock context a",
    ]
    assert (record["agent"], record["token"]) == ("unix:/run/a.sock", {"command": ["get", "a b"]})
    assert other[1] == "agent unix:/run/b.sock ROLECALL_AGENT"


def test_contexts_are_listed_with_their_kinds_of_protection(rolecall: CommandLine, contexts: Path) -> None:
    lines = rolecall("context", "list").out.splitlines()

    assert lines[0].split() == ["CURRENT", "NAME", "ADDRESS", "TLS", "TOKEN"]
    assert [line.split() for line in lines[2:]] == [
        ["*", "a", "x:50051", "yes", "file", f"{contexts.parent}/token"],
        ["b", "y:50051", "no"],
    ]


def test_the_context_that_is_used_from_now_on_is_named(rolecall: CommandLine, contexts: Path) -> None:
    assert read(rolecall, "context", "use", "b") == {"file": str(contexts), "current": "b"}


def test_a_second_context_does_not_become_the_current_one(rolecall: CommandLine, contexts: Path) -> None:
    added = read(rolecall, "context", "add", "c", "--address=z", "--timeout=7", "--token-file=t")

    assert added == {"file": str(contexts), "added": "c", "current": "a"}
    shown = read(rolecall, "context", "show", "c")
    assert (shown["timeout_seconds"], shown["token"]) == (7, {"file": str(Path("t").absolute())})


def test_a_token_has_its_hash_beside_it(rolecall: CommandLine) -> None:
    made = read(rolecall, "token", "new")

    assert made == {"token": made["token"], "token_sha256": sha256(made["token"].encode()).hexdigest()}


def test_stores_are_copied_saved_and_restored_with_the_facts_of_each(
    rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repository = open_repository("sqlite:///a.db")
    create(repository, "App")
    head = repository.head()
    repository.close()

    copied = read(rolecall, "store", "copy", "sqlite:///a.db", "sqlite:///b.db")
    saved = read(rolecall, "backup", "a.backup", "--store=sqlite:///a.db")
    restored = read(rolecall, "restore", "a.backup", "--store=sqlite:///c.db")

    digest = head.digest.hex()
    assert copied == {"roles": 1, "revision": 1, "incarnation": head.incarnation, "digest": digest}
    assert (saved["file"], saved["revision"]) == ("a.backup", 1)
    assert restored.pop("incarnation") != head.incarnation
    assert restored == {"file": "a.backup", "revision": 1, "roles": 1, "digest": digest}


def test_what_a_principal_can_assume_is_a_list(rolecall: CommandLine) -> None:
    answer = d.ListAssumableRolesResponse(
        roles=[d.AssumableRole(role_arn="acs:ram::1:role/a", outcome=d.ASSUMABILITY_CONDITIONAL, missing_keys=["x"])]
    )
    with recording(ListAssumableRoles=answer) as (address, _):
        record = read(rolecall, "what-can", "--as=acs:ram::1:user/a", "--address", address)

    assert record == {"roles": [{"role_arn": "acs:ram::1:role/a", "outcome": "CONDITIONAL", "missing_keys": ["x"]}]}


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("role", "ROLE"),
        ("role_name", "NAME"),
        ("account_id", "--account-id"),
        ("description", "--description"),
        ("max_session_duration_seconds", "--max-session-duration"),
        ("tags", "--tag"),
        ("etag", "--etag"),
        ("change_reason", "--reason"),
        ("request_id", "--request-id"),
        ("tags[a]", "tags[a]"),
    ],
)
def test_a_field_beside_a_refused_document_has_the_name_of_its_option(
    policy_file: Path, field: str, option: str
) -> None:
    violations = [
        Violation("assume_role_policy_document", "OF_SERVER", "is refused", pointer="/Statement/0", line=1, column=18),
        Violation(field, "TOO_LONG", "is too long"),
    ]

    with pytest.raises(ProblemsError) as caught, document_errors_in(one_policy(str(policy_file))):
        raise RolecallError("INVALID_ARGUMENT", "refused", violations=violations)

    of_option, of_document = caught.value.problems
    assert (str(of_option.location), of_option.message, of_option.reason) == (option, "is too long", "TOO_LONG")
    assert (of_document.location.line, of_document.reason, of_document.pointer) == (1, "OF_SERVER", "/Statement/0")


Started = Mapping[str, object]


@pytest.mark.parametrize(
    ("options", "variables", "settings"),
    [
        ([], {}, {"account_id": "123456789012", "log_level": "warning"}),
        (["--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0", "--store=memory://", "--account-id=42"], {}, {
            "listen": "127.0.0.1:0", "ops_listen": "127.0.0.1:0", "store": "memory://", "account_id": "42"}),
        ([], {"ROLECALL_ACCOUNT_ID": "43", "ROLECALL_LOG_LEVEL": "debug"}, {"account_id": "43", "log_level": "debug"}),
        (["--account-id=42"], {"ROLECALL_ACCOUNT_ID": "43"}, {"account_id": "42"}),
    ],
)  # fmt: skip
def test_quickstart_serves_with_the_settings_that_are_given(
    rolecall: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    variables: dict[str, str],
    settings: dict[str, str],
) -> None:
    started: list[Config] = []

    def run(config: Config, **_: object) -> int:
        started.append(config)
        return 7

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(quickstart, "_answers", lambda _host, _port: False)
    monkeypatch.setattr(main, "run", run)

    assert rolecall("quickstart", *options).code == 7

    (config,) = started
    found = {name: getattr(config, name) for name in settings}
    assert {name: getattr(value, "text", str(value)) for name, value in found.items()} == settings


def test_the_examples_are_shown_by_the_server_that_was_started_whatever_variables_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "questions.yaml").write_text(QUESTIONS)
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles/roles.yaml").write_text(ROLES)
    for name, value in {"CONTEXT": "unknown", "TOKEN_FILE": "/nowhere", "TLS_CA": "/nowhere", "TIMEOUT": "x"}.items():
        monkeypatch.setenv(f"ROLECALL_{name}", value)

    with recording(ListRoles=r.ListRolesResponse(roles=[r.Role(account_id="77")])) as (address, calls):
        show_examples(Connection(address=address), tmp_path, "next")

    assert len(calls) == 3
    assert capsys.readouterr().out.count("DENIED ") == 2
