"""Every option of every command without a server has its effect.

Each is run without and with the option; what must appear with it must not be there without it. The table is compared with
the command line itself, so that a new option is not forgotten.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from rolecall.cli.entry import run
from rolecall.storage import open_repository
from tests.cli.case_files import ANN, ROLES, case, cases
from tests.cli.conftest import CommandLine
from tests.cli.test_options import REMOTE, Options, names_of, parameters
from tests.storage.samples import ACCOUNT, change, create

POLICY = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:root"}}]}'
SERVICE = POLICY.replace('{"RAM": "acs:ram::1:root"}', '{"Service": "1@orders.internal"}')
MANIFEST = (
    "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: api\n  namespace: payments\n  annotations:\n"
    "    pod-identity.alibabacloud.com/role-name: payments-api\n"
)
POD_ROLE = """\
apiVersion: rolecall/v1
name: payments-api
trust_policy:
  Version: "1"
  Statement:
    - Effect: Allow
      Action: sts:AssumeRole
      Principal: {Federated: "acs:ram::123456789012:oidc-provider/ack"}
      Condition: {StringEquals: {"oidc:iss": https://issuer, "oidc:aud": pods}}
"""
CALLERS = """\
issuers: {"https://issuer": {jwks_file: keys.json}}
callers:
  - {name: a, match: {oidc: {issuer: "https://issuer", subject: me, audience: rolecall}}, policies: [AliyunRAMReadOnlyAccess]}
  - {name: b, match: {oidc: {issuer: "https://issuer", subject: me, audience: behind}}, via: {dns: proxy.svc}, policies: [AliyunRAMReadOnlyAccess]}
  - {name: c, match: {oidc: {issuer: "https://issuer", subject: me, audience: tagged}}, policies: [Tagged]}
  - {name: d, match: {oidc: {issuer: "https://issuer", subject: me, audience: inside}}, policies: [Inside]}
  - {name: e, match: {oidc: {issuer: "https://issuer", subject: me, audience: nothing}}, policies: [Nothing]}
policies:
  Nothing: {Version: "1", Statement: [{Effect: Deny, Action: "*", Resource: "*"}]}
  Tagged: {Version: "1", Statement: [{Effect: Allow, Action: "ram:Get*", Resource: "*", Condition: {StringEquals: {"acs:ResourceTag/team": shop}}}]}
  Inside: {Version: "1", Statement: [{Effect: Allow, Action: "ram:Get*", Resource: "*", Condition: {IpAddress: {"acs:SourceIp": 10.0.0.0/8}}}]}
"""
OTHER_DAY, THIS_DAY = "2026-01-30", "2026-01-31"


def logged(day: str, *, who: str = "alice", role: str = "app", reason: str = "ALLOW") -> str:
    members = {
        "timestamp": f"{day}T08:00:00.000000Z",
        "method": "CheckAssumeRole",
        "input": {"who": f"acs:ram::{ACCOUNT}:user/{who}", "role": f"acs:ram::{ACCOUNT}:role/{role}"},
        "result": {"allowed": reason == "ALLOW", "reason": reason},
        "matched_statements": [],
    }
    return json.dumps(members) + "\n"


@dataclass(frozen=True)
class Local:
    """A command without a server: its arguments, and what appears with each option."""

    arguments: tuple[str, ...]
    options: Options
    elsewhere: frozenset[str] = frozenset()


STORE: Options = {("--store=sqlite:///other.db",): "other.db", ("--store-file=url",): "other.db"}
JSON: Options = {("--output=json",): "\n{\n  "}
CASES = ("cases.yaml", "roles.yaml")
PODS = ("pods.yaml", "pod-role.yaml", "--oidc-provider=ack", "--oidc-issuer=https://issuer", "--oidc-audience=pods")

LOCAL = {
    "validate": Local(
        ("account.json",),
        {
            ("--profile=ram", "service.json"): "[NOT_IN_RAM]",
            ("--account-id=1",): "1 trust policy: no problems",
            ("--account-id=own", "--context=prod"): "1 trust policy: no problems",
            ("--account-id=own", "--account-alias=own=1"): "1 trust policy: no problems",
            ("--lint-config=lint.yaml",): ": note: every user",
            ("--suppress=root-without-external-id=ours",): "no problems, 1 suppressed",
            ("--suppress=root-without-external-id=ours", "--verbose"): "  reason: ours, --suppress\n",
            ("--kind=permission-policy",): "`Resource` is missing",
            ("--fail-on=warning",): "exit 2",
            ("--output=sarif",): '"version": "2.1.0"',
            **JSON,
        },
        frozenset({"files"}),
    ),
    "lint": Local((), {("--explain=open-network",): "\nfix: ", **JSON}, frozenset({"files"})),  # test_lint.py
    "test": Local(
        CASES,
        {
            ("--account-id=42", "--coverage"): "acs:ram::42:role/deploy /Statement/1",
            ("alias.yaml", "--account-alias=prod=77"): "alias.yaml: 1 passed",
            ("--context=prod", "--coverage"): "acs:ram::1:role/deploy /Statement/1",
            ("alias.yaml", "--context=prod"): "alias.yaml: 1 passed",
            ("source.yaml", "--source-identity-needs-allow"): "source.yaml: 0 passed, 1 failed",
            ("--coverage",): "coverage: 1 of 2 statements (50 %)",
            ("--fail-under=51",): "exit 1",
            ("--output=junit",): "<testsuites",
            ("--output=sarif",): '"version": "2.1.0"',
            ("--output-file=report", "--output=json"): '--- report\n{\n  "passed": true',
            ("--verbose",): "✓ a case",
            ("pods.yaml", "pod-role.yaml", "--oidc-provider=ack"): "pods.yaml: 0 passed, 1 failed",
            PODS: "pods.yaml: 1 passed",
            (
                "chart.yaml",
                "--oidc-provider=ack",
                "--namespace=shop",
            ): "service account shop/api may assume payments-api",
            **JSON,
        },
        frozenset({"paths"}),
    ),
    "decisions": Local(
        ("log",),
        {
            ("--denied", "--limit=0"): "exit 0\n2026-01-30T08:00:00.000000Z  ✗",
            ("--reason=implicit-deny",): "exit 0\n2026-01-31T08:00:00.000000Z  ✗",
            ("--role=break-glass",): "exit 0\n2026-01-31T08:00:00.000000Z  ✓",
            (f"--as=acs:ram::{ACCOUNT}:user/bob",): "exit 0\n2026-01-31T08:00:00.000000Z  ✗",
            ("--since=2026-01-31T00:00:00Z",): "exit 0\n2026-01-31T08:00:00.000000Z  ✗",
            ("--limit=1",): "these are the last 1 of 4 decisions",
            ("--output=json",): '{"timestamp": "2026-01-31T08:00:00.000000Z"',
        },
        frozenset({"file", "--follow"}),  # test_decisions.py
    ),
    "migrate": Local(
        (),
        {
            **STORE,
            ("--check", "--store=sqlite:///none.db"): "exit 1\n",
            ("--store=postgresql://127.0.0.1:1/x", "--wait=3"): "waiting: ",
            ("--store=postgresql://127.0.0.1:1/x", "--or-snapshot=snapshot"): "exit 0\nnot migrated: ",
            **JSON,
        },
    ),
    "backup": Local(
        ("made.backup",),
        {
            ("--store=sqlite:///other.db",): "wrote revision 3",
            ("--store-file=url",): "wrote revision 3",
            **JSON,
        },
        frozenset({"file", "--force"}),  # test_store_commands.py
    ),
    "restore": Local(
        ("kept.backup",),
        {
            ("--store=sqlite:///new.db",): "exit 0\nrestored 1 role",
            ("--store-file=new-url",): "exit 0\nrestored 1 role",
            ("--store=sqlite:///new.db", "--output=json"): "exit 0\n{\n  ",
        },
        frozenset({"file"}),
    ),
    "store copy": Local(("sqlite:///rolecall.db", "sqlite:///copy.db"), {**JSON}, frozenset({"source", "target"})),
    "audit verify": Local(
        (), {**STORE, ("--from=2",): "verified revisions 2 to 2", ("--noted=1:" + "0" * 64,): "exit 1", **JSON}
    ),
    "callers init": Local(
        ("--admin=spiffe://td/admin",),
        {("--ca=other.pem",): 'td: "other.pem"'},
        frozenset({"--admin", "file"}),  # test_callers.py
    ),
    "callers check": Local(("callers.yaml",), {**JSON}, frozenset({"path"})),
    "callers explain": Local(
        ("--as=https://issuer me", "--callers=callers.yaml", "ram:GetRole", "acs:ram::1:role/a"),
        {
            ("--audience=rolecall",): "✓ ALLOWED",
            ("--via=proxy.svc", "--audience=behind"): "✓ ALLOWED",
            ("--context=acs:ResourceTag/team=shop", "--audience=tagged"): "✓ ALLOWED",
            ("--source-ip=10.0.0.1", "--audience=inside"): "✓ ALLOWED",
            **JSON,
        },
        frozenset({"--as", "--callers", "action", "resource"}),  # test_callers.py
    ),
    "callers diff": Local(("callers.yaml", "none.yaml"), {**JSON}, frozenset({"old", "new"})),
    "context add": Local(
        ("stage", "--address=here:1"),
        {
            ("--address=there:2",): "there:2",
            ("--tls-ca=ca.pem", "--tls-server-name=x y"): 'server_name: "x y"',
            ("--tls-ca=ca.pem", "--tls-cert=cert.pem", "--tls-key=key.pem"): "key.pem}",
            ("--token-file=url",): "token: {file: ",
            ("--token-command=print-token 'a b'",): 'command: [print-token, "a b"]',
            ("--timeout=7",): "timeout_seconds: 7",
            ("--output=json",): '"added": "stage"',
        },
        frozenset({"name"}),
    ),
    "context list": Local((), {**JSON}),
    "context use": Local(("prod",), {("--output=json",): '"current": "prod"'}, frozenset({"name"})),
    "context show": Local(
        ("--address=here:1",),
        {
            ("--address=there:2",): "there:2 ",
            ("--context=prod",): "--context",
            ("--tls-ca=ca.pem",): "ca.pem",
            ("--tls-ca=ca.pem", "--tls-cert=cert.pem", "--tls-key=key.pem"): "cert.pem, key.pem",
            ("--token-file=url",): "file url",
            ("--timeout=7",): "timeout_seconds  7",
            **JSON,
        },
        frozenset({"name"}),
    ),
    "token new": Local((), {("--name=small",): "- name: small", ("--output=json",): '{\n  "token"'}),
    "schema": Local((), {("cases",): '"cases"'}, frozenset({"of"})),
    "version": Local((), {**JSON}),
}

SETTINGS = {"serve", "quickstart", "agent"}  # test_serve_options.py, test_agent_options.py


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory with the files that the commands of the table read."""
    folder = tmp_path_factory.mktemp("files")
    texts = {
        "account.json": POLICY,
        "lint.yaml": "severities: {root-without-external-id: note}",
        "service.json": SERVICE,
        "roles.yaml": ROLES,
        "cases.yaml": cases(case("ALLOW")),
        "alias.yaml": cases(case("{outcome: DENY, reason: ROLE_NOT_FOUND}", role="prod/deploy")),
        "source.yaml": cases(case("ALLOW", more=", source_identity: me", who=ANN)),
        "callers.yaml": CALLERS,
        "none.yaml": "callers: []",
        "pods.yaml": MANIFEST,
        "chart.yaml": MANIFEST.replace("  namespace: payments\n", ""),
        "pod-role.yaml": POD_ROLE,
        "log": logged(OTHER_DAY)
        + logged(OTHER_DAY, reason="EXPLICIT_DENY")
        + logged(THIS_DAY, who="bob", reason="IMPLICIT_DENY")
        + logged(THIS_DAY, role="break-glass"),
        "url": "sqlite:///other.db",
        "new-url": "sqlite:///new.db",
        "snapshot": "",
        "contexts.yaml": "contexts:\n  prod: {address: 'roles.internal:443', accounts: {own: 1, prod: 77}, default_account: own}\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    for name, revisions in (("rolecall.db", 2), ("other.db", 3)):
        repository = open_repository(f"sqlite:///{folder / name}")
        create(repository, "App")
        for number in range(1, revisions):
            change(repository, f"{ACCOUNT}/app", description=str(number))
        repository.close()
    assert run(["backup", str(folder / "kept.backup"), "--store", f"sqlite:///{folder / 'rolecall.db'}"]) == 0
    return folder


@dataclass(frozen=True)
class Runs:
    """Runs commands, each in a copy of the directory of its own."""

    rolecall: CommandLine
    files: Path
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, folder: str, command: str, *arguments: str) -> str:
        """Return everything that a command leaves: its exit code, its output, and its report."""
        self.monkeypatch.setenv("ROLECALL_CONFIG", "contexts.yaml")
        self.monkeypatch.chdir(shutil.copytree(self.files, self.folder / folder))
        code, out, err = self.rolecall(*command.split(), *arguments)
        report = Path("contexts.yaml" if command == "context add" else "report")
        return f"exit {code}\n{err}{out}--- report\n{report.read_text() if report.exists() else ''}"


@pytest.fixture
def runs(rolecall: CommandLine, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(rolecall, files, tmp_path, monkeypatch)


def test_every_command_is_in_a_table() -> None:
    # The last makes two calls (test_friction_accounts.py).
    assert {name for name, _ in parameters()} == {*REMOTE, *LOCAL, *SETTINGS, "account list"}


@pytest.mark.parametrize("command", LOCAL)
def test_every_option_is_in_the_table(command: str) -> None:
    tested = {option.partition("=")[0] for options in LOCAL[command].options for option in options}

    assert names_of(command) == {option for option in tested if option.startswith("--")} | LOCAL[command].elsewhere


@pytest.mark.parametrize(
    ("command", "options", "effect"),
    [
        pytest.param(name, options, effect, id=f"{name} {' '.join(options)}")
        for name, local in LOCAL.items()
        for options, effect in local.options.items()
    ],
)
def test_an_option_has_its_effect(runs: Runs, command: str, options: tuple[str, ...], effect: str) -> None:
    without = runs("without", command, *LOCAL[command].arguments)
    with_it = runs("with", command, *LOCAL[command].arguments, *options)

    assert effect not in without
    assert effect in with_it
