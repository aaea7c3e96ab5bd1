"""What `validate` reports of files in which there is nothing to check, what it counts, and on what it fails: all lines of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

TRUST = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:user/a"}}]}'
PERMISSION = (
    '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ram:GetRole", "Resource": "acs:ram:*:1:role/a"}]}'
)
PLAN = {
    "format_version": "1.2",
    "planned_values": {
        "root_module": {
            "resources": [
                {
                    "address": "alicloud_ram_role.x",
                    "mode": "managed",
                    "type": "alicloud_ram_role",
                    "name": "x",
                    "provider_name": "registry.terraform.io/aliyun/alicloud",
                    "values": {"name": "ci"},
                }
            ]
        }
    },
    "resource_changes": [],
}
FILES = {
    "t.json": TRUST,
    "root.json": TRUST.replace("user/a", "root"),
    "open.json": TRUST.replace('{"RAM": "acs:ram::1:user/a"}', '{"Federated": "acs:ram::1:oidc-provider/x"}'),
    "p.json": PERMISSION,
    "q.json": PERMISSION.replace("role/a", "role/b"),
    "any.json": '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ram:GetRole"}]}',
    "roles.yaml": f"apiVersion: rolecall/v1\nroles:\n  - {{name: a, trust_policy: {TRUST}}}\n  - {{name: b, trust_policy: {TRUST}}}\n",
    "file.yaml": "apiVersion: rolecall/v1\nname: f\ntrust_policy_file: t.json\n",
    "d/cases.yaml": "apiVersion: rolecall/v1\ncases: []\n",
    "d/sub/t.json": TRUST,
    "c/cases.yaml": "apiVersion: rolecall/v1\ncases: []\n",
    "sa.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: b, annotations: "
    "{pod-identity.alibabacloud.com/role-name: r}}\n",
    "plan.json": json.dumps(PLAN),
}
NOTHING = "there is no policy to check [NO_POLICY]"
LOOKED_FOR = "looked for policies in JSON, and for roles in role files, terraform plans and the rest of `rolecall validate --help`"
CASES = "a case file has no trust policy to validate"
KINDS = "this may be a trust policy, which lacks `Principal`, or a permission policy, which lacks `Resource` [AMBIGUOUS_KIND]"
CHOOSE = "add the member, or choose with `--kind trust-policy` or `--kind permission-policy`"
UNKNOWN = "the trust policy is not known before the plan is applied [UNKNOWN_UNTIL_APPLY]"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


@pytest.mark.parametrize(
    ("arguments", "code", "lines"),
    [
        (["t.json"], 0, ["✓ 1 trust policy: no problems"]),
        (["t.json", "t.json"], 0, ["✓ 1 trust policy: no problems"]),
        (["p.json", "q.json"], 0, ["✓ 2 permission policies: no problems"]),
        (["t.json", "p.json", "q.json", "roles.yaml"], 0, ["✓ 3 trust policies and 2 permission policies: no problems"]),
        (["file.yaml"], 0, ["✓ 1 trust policy: no problems"]),
        (["file.yaml", "t.json"], 0, ["✓ 1 trust policy: no problems"]),
        (["d/cases.yaml"], 2, [f"d/cases.yaml: error: {CASES}", "  help: `rolecall test` runs them", "✗ no policy checked: 1 error"]),
        (["d"], 0, [f"d/cases.yaml: note: {CASES}", "  help: `rolecall test` runs them", "✓ 1 trust policy: 1 note"]),
        (["c", "t.json", "c"], 0, [
            f"c/cases.yaml: note: {CASES}", "  help: `rolecall test` runs them", f"c: warning: {NOTHING}", f"  help: {LOOKED_FOR}",
            "✓ 1 trust policy: 1 warning, 1 note"]),
        (["sa.yaml"], 0, [
            f"sa.yaml: warning: {NOTHING}", "  help: `rolecall test` tests whether its service accounts may assume their roles",
            "✓ no policy checked: 1 warning"]),
        (["any.json"], 2, [f"any.json: error: {KINDS}", f"  help: {CHOOSE}", "✗ no policy checked: 1 error"]),
        (["any.json", "t.json"], 2, [
            f"any.json: error: {KINDS}", f"  help: {CHOOSE}", "✗ 1 trust policy, 1 file not checked: 1 error"]),
        (["none.json", "gone.json", "p.json"], 2, [
            "none.json: error: cannot read `none.json`: no such file or directory",
            "gone.json: error: cannot read `gone.json`: no such file or directory",
            "✗ 1 permission policy, 2 files not checked: 2 errors"]),
        (["plan.json", "t.json"], 0, [
            f"plan.json: warning: {NOTHING}", f"  help: {LOOKED_FOR}", f"plan.json:1:77: warning: `alicloud_ram_role.x`: {UNKNOWN}",
            "  help: test a plan that is made after the rest has been applied, or write the value as a constant",
            "✓ 1 trust policy, 1 role not known: 2 warnings"]),
    ],
)  # fmt: skip
def test_what_was_checked_is_counted_and_what_was_not_is_named(
    rolecall: CommandLine, arguments: list[str], code: int, lines: list[str]
) -> None:
    outcome = rolecall("validate", *arguments)

    assert (outcome.code, outcome.err, outcome.out.splitlines()) == (code, "", lines)


def test_a_directory_is_used_if_a_policy_lies_in_it_by_whatever_name(rolecall: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("d")

    for path in ("d", "./d", str(tmp_path / "d"), "c/../d", "d/sub", "link"):
        assert NOTHING not in rolecall("validate", path).out


@pytest.mark.parametrize(
    ("file", "failing"),
    [
        ("t.json", []),
        ("d", ["note"]),
        ("root.json", ["note", "warning"]),
        ("open.json", ["note", "warning", "error"]),
        ("any.json", ["note", "warning", "error"]),
    ],
)
def test_it_fails_on_problems_of_a_severity_and_of_worse_ones(
    rolecall: CommandLine, file: str, failing: list[str]
) -> None:
    outcomes = {
        severity: rolecall("validate", file, f"--fail-on={severity}") for severity in ("note", "warning", "error")
    }

    assert {severity: outcome.code for severity, outcome in outcomes.items()} == {
        severity: 2 if severity in failing else 0 for severity in outcomes
    }
    assert [severity for severity, outcome in outcomes.items() if outcome.out.splitlines()[-1][0] == "✗"] == failing
    assert rolecall("validate", file).code == outcomes["error"].code


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--account-id=x y"], "account `x y` is not an account id (1 to 20 digits)"),
        (
            ["--account-alias=a b=1"],
            "account `a b` is not an alias: write 1 to 63 letters, digits, `_`, `.`, `-`, the first a letter",
        ),
        (["--account-alias=a"], "--account-alias takes KEY=VALUE, not `a`"),
    ],
)
def test_an_account_that_cannot_be_one_is_refused(rolecall: CommandLine, options: list[str], message: str) -> None:
    assert rolecall("validate", "t.json", *options) == (2, "", f"error: {message}\n")


def test_the_account_of_a_role_comes_from_the_option_or_the_context_and_may_be_an_alias(
    rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("contexts: {a: {address: x, accounts: {prod: '1', dev: '9'}, default_account: prod}}\n")
    config.chmod(0o600)
    monkeypatch.setenv("ROLECALL_CONFIG", str(config))

    def finds(*options: str) -> bool:
        return "root-without-external-id" in rolecall("validate", "root.json", *options).out

    assert [finds(), finds("--account-id=1"), finds("--account-id=2")] == [True, False, True]
    Path("trusting.yaml").write_text("trusted_accounts: ['1']\n")
    assert not finds("--account-id=2", "--lint-config=trusting.yaml")
    assert [finds("--context=a"), finds("--context=a", "--account-id=dev")] == [False, True]
    assert not finds("--account-id=p", "--account-alias=p=1")
    assert finds("--context=a", "--account-alias=prod=2")
    monkeypatch.setenv("ROLECALL_CONTEXT", "a")
    assert not finds()


def test_a_role_declared_twice_is_named_also_beside_policies_in_files_of_their_own(rolecall: CommandLine) -> None:
    Path("more.yaml").write_text(FILES["roles.yaml"])

    outcome = rolecall("validate", "roles.yaml", "more.yaml", "t.json", "d/sub/t.json")

    assert outcome.code == 2
    assert [line for line in outcome.out.splitlines() if "DUPLICATE_ROLE" in line] == [
        f"more.yaml:{line}:6: error: the role `{name}` is declared twice; the first is at roles.yaml:{line}:6 [DUPLICATE_ROLE]"
        for line, name in ((3, "a"), (4, "b"))
    ]
    assert outcome.out.splitlines()[-1].startswith("✗ 6 trust policies: 2 errors")


def test_a_file_with_the_policy_of_a_role_was_checked_although_it_is_wrong(rolecall: CommandLine) -> None:
    Path("t.json").write_text(TRUST.replace("Allow", "allow"))

    outcome = rolecall("validate", "file.yaml")

    assert (outcome.code, outcome.out.splitlines()[-1]) == (2, "✗ 1 trust policy: 1 error")
    assert outcome.out.startswith("t.json:1:")


def test_a_suppression_that_no_policy_needs_is_reported_of_policies_of_both_kinds(rolecall: CommandLine) -> None:
    def unused(*patterns: str) -> list[int]:
        listed = "".join(f"  - {{finding: open-network, {pattern}, reason: x}}\n" for pattern in patterns)
        Path(".rolecall-lint.yaml").write_text(f"suppressions:\n{listed}")
        record = json.loads(rolecall("validate", "t.json", "p.json", "-o", "json").out)
        return [problem["line"] for problem in record["problems"] if problem["reason"] == "unused-suppression"]

    assert unused("path: t.json", "path: p.json", "path: q.json") == [2, 3]
    # A policy in a file of its own has the name of the file, and a permission policy has no role.
    assert unused("role: '*'", "role: t", "role: '?'", "role: '~'", "role: p") == [2, 3, 4]
