"""Friction that was met with files: all that is wrong at once, where it is, and which command reads a file. One test for each line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

BAD_POLICY = """\
{"Version": "2",
 "Statement": [{"Effect": "allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "*"}}]}
"""
GOOD = "{Version: '1', Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: ecs.aliyuncs.com}}]}"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def roles(*members: str) -> str:
    return "apiVersion: rolecall/v1\nroles:\n" + "".join(f"  - {member}\n" for member in members)


def test_a_dry_run_reports_what_validate_reports_also_beside_a_duplicate_key(rolecall: CommandLine, here: Path) -> None:
    role = "{name: a_b, max_session_duration_seconds: 10, tags: {acs:x: y}, tags: {a: b}, trust_policy: {Version: '2'}}"
    (here / "bad.yaml").write_text(roles(role, f"{{name: good, trust_policy: {GOOD}}}"))

    validated, tried = rolecall("validate", "bad.yaml"), rolecall("apply", "-f", "bad.yaml", "--dry-run")

    assert validated.code in (1, 2)
    assert tried.code == 2
    errors = [line for line in tried.err.splitlines() if ": error: " in line]
    assert [line for line in (validated.out + validated.err).splitlines() if ": error: " in line] == errors
    for reason in ("ROLE_NAME_CHARACTERS", "MAX_SESSION_DURATION_RANGE", "DUPLICATE_KEY", "UNSUPPORTED_VERSION"):
        assert f"[{reason}]" in tried.err


def test_an_alias_that_many_roles_name_is_one_error_with_every_place(rolecall: CommandLine, here: Path) -> None:
    many = [f"{{name: r{number}, account_id: prod, trust_policy: {GOOD}}}" for number in range(38)]
    (here / "roles.yaml").write_text(roles(*many))

    outcome = rolecall("test", "roles.yaml")

    assert outcome.code == 2
    assert outcome.err.count("`prod`") == 1
    assert "also at: " in outcome.err
    assert "--account-alias NAME=ID" in outcome.err


@pytest.mark.parametrize(
    ("name", "content", "what", "command"),
    [
        ("plan.json", {"format_version": "1.2", "resource_changes": []}, "a terraform plan", "`rolecall test`"),
        ("policy.json", {"Version": "1", "Statement": []}, "a policy", "`rolecall role create NAME --policy FILE`"),
    ],
)
def test_a_file_of_another_kind_is_named_with_the_command_that_reads_it(
    rolecall: CommandLine, here: Path, name: str, content: object, what: str, command: str
) -> None:
    (here / name).write_text(json.dumps(content))

    outcome = rolecall("apply", "-f", name)

    assert (outcome.code, outcome.out) == (2, "")
    assert f"this is {what}, and a file of roles is needed" in outcome.err
    assert command in outcome.err


def test_a_policy_that_a_server_refuses_is_reported_at_its_lines(online: CommandLine, here: Path) -> None:
    (here / "bad.json").write_text(BAD_POLICY)

    outcome = online("role", "create", "x y", "--policy", "bad.json")

    assert (outcome.code, outcome.out) == (2, "")
    assert "bad.json:1:13: error: " in outcome.err
    assert "bad.json:2:27: error: " in outcome.err
    assert "bad.json:2:85: error: " in outcome.err
    assert "`x y`" in outcome.err


def test_merge_keys_are_merged(rolecall: CommandLine, here: Path) -> None:
    shared = f"{{name: a, trust_policy: &policy {GOOD}}}"
    merged = "{name: b, trust_policy: {<<: *policy}}"
    (here / "roles.yaml").write_text(roles(shared, merged))

    assert rolecall("validate", "roles.yaml") == (0, "✓ 2 trust policies: no problems\n", "")


@pytest.mark.parametrize("command", [["validate"], ["test"], ["apply", "-f"]])
def test_a_missing_file_and_an_empty_directory_are_no_policies(
    rolecall: CommandLine, here: Path, command: list[str]
) -> None:
    (here / "empty").mkdir()

    missing, empty = rolecall(*command, "missing.json"), rolecall(*command, "empty")

    for outcome, name in ((missing, "missing.json"), (empty, "empty")):
        assert outcome.code in (1, 2)
        assert "no such file" in outcome.err + outcome.out
        assert f"`{name}`" in outcome.err + outcome.out
        assert "trust policy:" not in outcome.err + outcome.out


def test_a_report_in_sarif_has_what_its_readers_show(rolecall: CommandLine, here: Path) -> None:
    (here / "bad.json").write_text(BAD_POLICY)

    (run,) = json.loads(rolecall("validate", "bad.json", "-o", "sarif").out)["runs"]

    for rule in run["tool"]["driver"]["rules"]:
        assert {"helpUri", "fullDescription", "help"} <= rule.keys()
    for result in run["results"]:
        assert result["partialFingerprints"] or result["fingerprints"]
        assert "endColumn" in result["locations"][0]["physicalLocation"]["region"]
