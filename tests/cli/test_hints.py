"""Every mistake on a command line is named in one line, and the next line says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.case_files import VALID
from tests.cli.conftest import CommandLine

ALICE = "--as=acs:ram::1:user/a"
ROLE = f"apiVersion: rolecall/v1\nname: only\naccount_id: '42'\ntrust_policy_json: '{VALID}'\n"
SERVICE_ACCOUNT = (
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: b, annotations: "
    "{pod-identity.alibabacloud.com/role-name: r}}\n"
)


def roles(*roles: str) -> str:
    listed = "".join(f"  - {{{role}, trust_policy_json: '{VALID}'}}\n" for role in roles)
    return f"apiVersion: rolecall/v1\nroles:\n{listed}"


FILES = {
    "p.json": VALID,
    "perm.json": '{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:GetRole","Resource":"*"}]}',
    "there": "x",
    "seven.yaml": roles(*(f"name: r{number}" for number in range(7))),
    "five.yaml": roles(*(f"name: r{number}" for number in range(5))),
    "one.yaml": ROLE,
    "twice.yaml": roles("name: App, account_id: '1'", "name: App, account_id: '2'"),
    "cases.yaml": "apiVersion: rolecall/v1\ncases: []\n",
    "sa.yaml": SERVICE_ACCOUNT,
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text)


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("check", ALICE, "--role=r", "--context=a:b",), "--context takes KEY=VALUE, or the name of a context, not `a:b`", "a condition key is written with its value: `--context acs:SourceIp=10.0.0.1`"),
        (("check", ALICE, "--role=r", "--context=x", "--context=y",), "--context names the contexts `x` and `y`", "name one"),
        (("who-can",), "give a role, or --policy FILE", "see `rolecall who-can --help`"),
        (("who-can", "app", "--policy", "p.json",), "`p.json` has a policy and no roles", "leave out the role"),
        (("who-can", "--policy", "seven.yaml",), "seven.yaml: error: `seven.yaml` has 7 roles, and one is needed [SEVERAL_ROLES]", "choose it by its name: `r0`, `r1`, `r2`, `r3`, `r4` and 2 more"),
        (("who-can", "zz", "--policy", "seven.yaml",), "seven.yaml: error: `seven.yaml` has no role `zz` [NO_POLICY]", "it has `r0`, `r1`, `r2`, `r3`, `r4` and 2 more"),
        (("who-can", "zz", "--policy", "one.yaml",), "one.yaml: error: `one.yaml` has no role `zz` [NO_POLICY]", "it has `42/only`"),
        (("who-can", "app", "--policy", "twice.yaml",), "twice.yaml: error: `twice.yaml` has 2 roles of the name `app` [SEVERAL_ROLES]", "name the account too: `1/App`, `2/App`"),
        (("who-can", "acs:ram::3:role/app", "--policy", "twice.yaml",), "twice.yaml: error: `twice.yaml` has 2 roles of the name `app` [SEVERAL_ROLES]", "name the account too: `1/App`, `2/App`"),
        (("who-can", "3/app", "--policy", "twice.yaml",), "twice.yaml: error: `twice.yaml` has 2 roles of the name `app` [SEVERAL_ROLES]", "name the account too: `1/App`, `2/App`"),
        (("who-can", "--policy", "cases.yaml",), "cases.yaml: error: test cases have no trust policy", "`rolecall test` runs them"),
        (("who-can", "--policy", "sa.yaml",), "sa.yaml: error: service accounts have no trust policy", "`rolecall test` tests them"),
        (("role", "update", "r",), "no change is given", "see `rolecall role update --help`"),
        (("lint", "p.json",), "`rolecall lint` reads no files", "write `rolecall validate p.json`"),
        (("lint", "open-network",), "`rolecall lint` reads no files", "write `rolecall lint --explain open-network`"),
        (("lint", "open-network", "p.json",), "`rolecall lint` reads no files", "write `rolecall validate open-network p.json`"),
        (("lint", "--explain", "open-netwrk",), "there is no finding or reason `open-netwrk`", "did you mean `open-network`? `rolecall lint` lists all"),
        (("lint", "--explain", "zzz",), "there is no finding or reason `zzz`", "`rolecall lint` lists all"),
        (("context", "add", "n",), "--address is missing", "give the server: `--address HOST:PORT`"),
        (("context", "add", "n", "--address=x", "--tls-server-name=y",), "--tls-server-name needs --tls-ca", "give the CA certificates of the server"),
        (("context", "add", "n", "--address=x", "--token-file=a", "--token-command=b",), "--token-file and --token-command are two sources of a token", "give one of them"),
        (("context", "add", "n", "--address=x", "--token-command= ",), "--token-command is empty", "give a program and its arguments"),
        (("context", "add", "n", "--address=x", "--token-command='",), "--token-command has no closing quotation", "quote it as in a shell"),
        (("context", "show", "b", "--context", "a",), "the context is named twice", "leave out --context"),
        (("backup", "none/x",), "there is no directory `none`", "create it first"),
        (("backup", "there",), "`there` exists already", "choose another name, or replace it with --force"),
        (("backup", "",), "FILE is empty", "give the name of the backup"),
        (("backup", ".", "--force",), "`.` cannot be the backup: it is a directory, not a regular file", "give the name of a regular file, or one that does not exist"),
        (("restore", "",), "FILE is empty", "give the name of the backup"),
        (("quickstart", "--examples=/nowhere",), "there are no examples in `/nowhere`", "give their directory: --examples DIR"),
        (("quickstart", "--listen=0.0.0.0:1",), "`0.0.0.0:1` can be reached from other machines", "quickstart serves this machine only; use `rolecall serve` for others"),
        (("export", "--account-id=1", "--all-accounts",), "--account-id and --all-accounts exclude each other", "give one of them"),
        (("apply", "-f", "one.yaml", "--exit-code",), "--exit-code is for a dry run", "add --dry-run"),
        (("apply", "-f", "one.yaml", "--suppress=open-network=x",), "--lint-config, --suppress and --verbose are for a dry run", "add --dry-run"),
        (("apply", "-f", "one.yaml", "-v",), "--lint-config, --suppress and --verbose are for a dry run", "add --dry-run"),
        (("apply", "-f", "one.yaml", "--lint-config=x",), "--lint-config, --suppress and --verbose are for a dry run", "add --dry-run"),
        (("explain", ALICE, "--policy", "perm.json",), "`perm.json` is a permission policy", "say what is asked: `--action ram:GetRole --resource acs:ram::ID:role/NAME`"),
        (("explain", ALICE, "--policy", "p.json", "--action=ram:GetRole",), "--action is for permission policies", "leave it out: `p.json` is a trust policy"),
        (("explain", "--policy", "p.json",), "--as is missing", "name the principal, such as `--as acs:ram::ID:user/NAME`"),
        (("explain", ALICE, "--policy", "p.json", "--time=noon",), "--time `noon` is not a time", "write it as `2026-12-24T18:00:00Z`"),
        (("explain", ALICE, "--policy", "p.json", "--time=2026-01-01T00:00:00",), "--time `2026-01-01T00:00:00` has no zone", "write `2026-01-01T00:00:00Z` for UTC, or add an offset such as +08:00"),
        (("explain", "--policy", "perm.json", "--action=ram:GetRole", "--external-id=a",), "--external-id is about assuming a role", "leave it out with --action; keys are given by --context"),
        (("explain", "--policy", "perm.json", "--action=ram:GetRole", "--context=acs:CurrentTime=x",), "--context cannot set `acs:CurrentTime`", "give the time with --time"),
        (("explain", "--policy", "perm.json", "--action=ram:GetRole", "--as=ecs.aliyuncs.com",), "--as: a permission policy is about users and role sessions", "name one, or leave --as out"),
        (("decisions", "x", "--reason=no",), "--reason `no` is not a reason", "the reasons are ALLOW, EXPLICIT_DENY, IMPLICIT_DENY, ROLE_NOT_FOUND, ROOT_NOT_ALLOWED"),
        (("decisions", "x", "--since=noon",), "--since `noon` is not a time", "give a time such as 2026-01-31T08:00:00Z, or an age such as 90s, 15m, 2h or 7d"),
        (("check",), "missing option `--as`", "see `rolecall check --help`"),
        (("rol",), "no such command `rol`. Did you mean `role`?", "see `rolecall --help`"),
        (("apply", "-f", "one.yaml", "--prune",), "option `--prune` requires an argument", "see `rolecall apply --help`"),
        (("serve", "--listen=nowhere",), "--listen (ROLECALL_LISTEN) must be HOST:PORT; `127.0.0.1:PORT` for this machine only, `0.0.0.0:PORT` for every network", "see `rolecall serve --help`"),
        (("agent", "--listen=nowhere",), "--listen (ROLECALL_LISTEN) must be HOST:PORT; `127.0.0.1:PORT` for this machine only, `0.0.0.0:PORT` for every network", "see `rolecall agent --help`"),
        (("role", "create", "a", "--policy=seven.yaml",), "seven.yaml: error: `seven.yaml` has no role `a` [NO_POLICY]", "it has `r0`, `r1`, `r2`, `r3`, `r4` and 2 more"),
        (("what-can", "--as=k8s:ack/pay/api"), "`k8s:ack/pay/api` needs the account of its provider", "add --account-id ID"),
        (("check", ALICE), "--role is missing", "give a role of the server, or decide without a server: --policy FILE"),
        (("who-can", "--policy", "five.yaml"), "five.yaml: error: `five.yaml` has 5 roles, and one is needed [SEVERAL_ROLES]", "choose it by its name: `r0`, `r1`, `r2`, `r3`, `r4`"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_what_to_do(
    rolecall: CommandLine, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    outcome = rolecall(*arguments, *(["--address=127.0.0.1:1"] if arguments[0] in {"check", "what-can"} else []))

    start = "" if ": error: " in message else "error: "
    assert outcome == (2, "", f"{start}{message}\n  help: {hint}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", ALICE, "--role=r", "--role-tag=a=b"), "--role-tag needs --policy: a role on a server has its own tags"),
        (("check", ALICE, "--role=r", "--max-session-duration=5"), "--max-session-duration needs --policy: a role on a server has its own maximum"),
        (("check", ALICE, "--role=r", "--claim=x"), "--claim takes KEY=VALUE, not `x`"),
        (("check", ALICE, "--role=r", "--claim==x"), "--claim takes KEY=VALUE, not `=x`"),
        (("role", "list", "--tag=a=1", "--tag=a=2"), "--tag `a` is given twice"),
        (("audit", "verify", "--noted=x"), "--noted takes REVISION:HASH, as `audit verify` prints it"),
    ],
)  # fmt: skip
def test_a_mistake_that_says_itself_what_to_do_has_no_hint(
    rolecall: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    assert rolecall(*arguments) == (2, "", f"error: {message}\n")


def test_a_manifest_without_the_annotation_has_no_policy_and_says_why(rolecall: CommandLine) -> None:
    Path("plain.yaml").write_text("apiVersion: v1\nkind: Service\n")

    assert rolecall("who-can", "--policy", "plain.yaml").err.splitlines() == [
        "plain.yaml: error: there is no trust policy in `plain.yaml` [NO_POLICY]",
        "plain.yaml:1:1: note: skipped: no service account has the annotation `pod-identity.alibabacloud.com/role-name`",
    ]


def test_contexts_of_a_file_that_does_not_exist_are_explained(
    rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    add = "`rolecall context add NAME --address HOST:PORT` adds one; `rolecall schema contexts` describes the file"
    path = tmp_path / "rolecall/config.yaml"

    assert rolecall("context", "use", "a") == (
        2,
        "",
        f"error: there are no contexts: `{path}` does not exist\n  help: {add}\n",
    )
    assert rolecall("context", "list").err == f"there are no contexts in {path}; {add}\n"


def test_a_configured_file_of_contexts_that_does_not_exist_is_an_error(
    rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLECALL_CONFIG", str(tmp_path / "none.yaml"))

    assert rolecall("role", "list") == (
        2, "", f"{tmp_path}/none.yaml: error: ROLECALL_CONFIG names this file: it does not exist\n  help: correct it, or unset it\n",
    )  # fmt: skip
