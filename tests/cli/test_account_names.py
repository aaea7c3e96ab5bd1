"""Aliases of a context: replaced without a server; with one, the server and the context must mean the same accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from rolecall.cli.remote.account_names import account_in, with_account_id
from rolecall_client.contexts.context import ServerContext
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording
from tests.cli.serving import served

SHOP, PAY, HERE = "111111111111", "222222222222", "123456789012"
TOKEN = "rct_" + "t" * 43
CALLERS = f"""\
callers:
  - {{name: nobody, match: {{token_sha256: {sha256(TOKEN.encode()).hexdigest()}}}, policies: [RolecallDecider]}}
  - {{name: admin, match: {{local: true}}, policies: [AdministratorAccess]}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "callers.yaml").write_text(CALLERS)
    with served(f"--account-alias=shop={SHOP}", "--callers=callers.yaml", directory=folder) as address:
        yield address


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rolecall: CommandLine) -> Path:
    monkeypatch.setenv("ROLECALL_CONFIG", str(tmp_path / "config.yaml"))
    return tmp_path / "config.yaml"


def write(path: Path, address: str, **fields: object) -> None:
    path.write_text(json.dumps({"current": "prod", "contexts": {"prod": {"address": address, **fields}}}))
    path.chmod(0o600)


def allowing(account: str) -> str:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": f"acs:ram::{account}:user/alice"},
        "Condition": {"StringEquals": {"acs:ResourceTag/team": "a"}},
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


@pytest.fixture
def policy(tmp_path: Path) -> str:
    (tmp_path / "policy.json").write_text(allowing(SHOP))
    return str(tmp_path / "policy.json")


# --- without a server ---


@pytest.mark.parametrize(
    ("options", "account"),
    [
        (["--role=shop/app"], SHOP),
        (["--role=app", "--account-id=pay"], PAY),
        (["--role=app"], PAY),
        ([], PAY),
        (["--role=333/app"], "333"),
        (["--role=acs:ram::444:role/app"], "444"),
    ],
)
def test_without_a_server_the_context_says_what_an_account_is(
    rolecall: CommandLine, contexts: Path, tmp_path: Path, options: list[str], account: str
) -> None:
    write(contexts, "x", accounts={"shop": SHOP, "pay": PAY}, default_account="pay")
    # A service account belongs to the provider in the account of the role, which the trace of the principal shows.
    document = json.loads(allowing(SHOP))
    document["Statement"][0]["Principal"] = {"Federated": f"acs:ram::{account}:oidc-provider/ack"}
    del document["Statement"][0]["Condition"]
    (tmp_path / "policy.json").write_text(json.dumps(document))

    outcome = rolecall("check", "--as=k8s:ack/pay/api", "--policy", str(tmp_path / "policy.json"), *options)

    assert (outcome.code, outcome.err) == (0, "")


def test_an_alias_that_no_context_has_is_refused(rolecall: CommandLine, contexts: Path, policy: str) -> None:
    write(contexts, "x", accounts={"pay": PAY})

    outcome = rolecall("check", "--as=acs:ram::1:user/a", "--policy", policy, "--role=shop/app")

    assert (outcome.code, outcome.out) == (2, "")
    assert "`shop` is not an account id" in outcome.err


def test_an_offline_command_may_name_its_context(rolecall: CommandLine, contexts: Path, policy: str) -> None:
    write(contexts, "x", accounts={"shop": SHOP})
    asking = ["check", f"--as=acs:ram::{SHOP}:user/alice", "--policy", policy, "--role=shop/app", "--role-tag=team=a"]

    named, unknown = rolecall(*asking, "--context=prod"), rolecall(*asking, "--context=none")

    assert (named.code, unknown.code) == (0, 2)
    assert "there is no context `none`" in unknown.err


def test_tests_and_validation_do_not_depend_on_the_current_context(
    rolecall: CommandLine, contexts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(contexts, "x", accounts={"shop": SHOP}, default_account="shop")
    case = f"{{name: a case, as: 'acs:ram::{SHOP}:user/alice', role: shop/app, expect: ALLOW}}"
    role = f"{{name: app, account_id: shop, tags: {{team: a}}, trust_policy: {allowing(SHOP)}}}"
    (tmp_path / "roles.yaml").write_text(f"apiVersion: rolecall/v1\nroles: [{role}]\n")
    (tmp_path / "cases.yaml").write_text(f"apiVersion: rolecall/v1\ncases: [{case}]\n")
    files = [str(tmp_path / "roles.yaml"), str(tmp_path / "cases.yaml")]

    of_option = rolecall("test", *files, "--context=prod")
    of_nothing = rolecall("test", *files)
    monkeypatch.setenv("ROLECALL_CONTEXT", "prod")
    of_variable = rolecall("test", *files)

    assert (of_option.code, of_variable.code) == (0, 0)
    assert (of_nothing.code, "`shop` is not an account id" in of_nothing.err) == (2, True)


# --- with a server ---

COMMANDS = [
    ["check", f"--as=acs:ram::{SHOP}:user/alice", "--role=shop/app"],
    ["explain", f"--as=acs:ram::{SHOP}:user/alice", "--role=shop/app"],
    ["who-can", "shop/app"],
    ["what-can", f"--as=acs:ram::{SHOP}:user/alice", "--account-id=shop"],
    ["role", "create", "new", "--account-id=shop", "--policy=policy.json"],
    ["role", "get", "shop/app"],
    ["role", "list", "--account-id=shop"],
    ["role", "update", "shop/app", "--description=x"],
    ["role", "delete", "shop/app"],
    ["role", "undelete", "shop/app"],
    ["role", "history", "shop/app"],
    ["changes", "--account-id=shop"],
    ["changes", "--role=shop/app"],
    ["role", "rollback", "shop/app", "--revision=1"],
    ["apply", "-f", "roles.yaml"],
    ["apply", "-f", "none.yaml", "--prune=a=b", "--prune-account=shop"],
    ["export", "--account-id=shop"],
    ["watch", "--account-id=shop"],
]


@pytest.fixture
def files(tmp_path: Path, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    roles = f"apiVersion: rolecall/v1\nname: app\naccount_id: shop\ntrust_policy: {allowing(SHOP)}\n"
    (tmp_path / "roles.yaml").write_text(roles)
    (tmp_path / "none.yaml").write_text(roles.replace("account_id: shop\n", ""))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_stops_if_the_server_means_another_account(
    rolecall: CommandLine, contexts: Path, server: str, command: list[str]
) -> None:
    write(contexts, server, accounts={"shop": PAY})

    outcome = rolecall(*command)

    assert (outcome.code, outcome.out) == (2, "")
    assert f"differ about the alias `shop`: {PAY} in the context, account {SHOP} on the server" in outcome.err
    assert "nothing was done" in outcome.err


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_before_it_stops_a_command_has_only_asked_about_the_alias(
    rolecall: CommandLine, contexts: Path, command: list[str]
) -> None:
    with recording() as (address, calls):  # it answers with a role of no account
        write(contexts, address, accounts={"shop": PAY})
        outcome = rolecall(*command)

    assert (outcome.code, "differ about the alias `shop`" in outcome.err) == (2, True)
    assert [call.text for call in calls] == ['GetRole\nrole: "shop/rolecall-context"']


def test_a_name_is_sent_as_it_is_if_both_agree(rolecall: CommandLine, contexts: Path, server: str) -> None:
    write(contexts, server, accounts={"shop": SHOP, "pay": PAY})

    agreed = rolecall("role", "list", "--account-id=shop")
    other = rolecall("role", "list", "--account-id=7")

    assert (agreed.code, other.code) == (0, 0)


def test_an_alias_that_the_server_does_not_know_is_named(rolecall: CommandLine, contexts: Path, server: str) -> None:
    write(contexts, server, accounts={"pay": PAY})

    outcome = rolecall("role", "list", "--account-id=pay")

    assert f"differ about the alias `pay`: {PAY} in the context, no account on the server" in outcome.err


@pytest.mark.parametrize(("default", "code"), [(HERE, 0), (PAY, 2)])
def test_the_default_account_is_compared_too(
    rolecall: CommandLine, contexts: Path, server: str, default: str, code: int
) -> None:
    write(contexts, server, default_account=default)

    outcome = rolecall("role", "list")

    assert outcome.code == code
    assert ("a name without an account" in outcome.err) is bool(code)


def test_a_caller_without_the_right_to_read_roles_is_answered_too(
    rolecall: CommandLine, contexts: Path, server: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    write(contexts, server, accounts={"shop": PAY}, token={"file": "token"})
    asking = ["check", f"--as=acs:ram::{SHOP}:user/alice", "--role=shop/app"]

    differing = rolecall(*asking)
    write(contexts, server, accounts={"shop": SHOP}, token={"file": "token"})
    agreed = rolecall(*asking)

    assert (differing.code, "differ about the alias" in differing.err) == (2, True)
    assert (agreed.code, agreed.err) == (3, "")


# --- names of roles ---


@pytest.mark.parametrize(
    ("role", "account"),
    [
        ("app", ""),
        ("shop/app", "shop"),
        ("42/app", "42"),
        ("a/b/c", "a/b"),
        ("/app", ""),
        ("acs:ram::42:role/app", None),
    ],
)
def test_the_account_of_a_role_is_what_is_written_before_its_name(role: str, account: str | None) -> None:
    assert account_in(role) == account


def test_only_an_account_that_is_written_is_replaced_by_its_id() -> None:
    context = ServerContext(name="prod", address="x", accounts={"shop": SHOP}, default_account="shop")

    written = [with_account_id(role, context) for role in ("app", "shop/app", "42/app", f"acs:ram::{PAY}:role/app")]

    assert written == ["app", f"{SHOP}/app", "42/app", f"acs:ram::{PAY}:role/app"]
    assert with_account_id("shop/app", None) == "shop/app"
