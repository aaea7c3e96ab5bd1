from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY, environment

POLICIES = REPOSITORY / "examples/policies"
BROKEN, FIXED, OFFICE = (
    str(POLICIES / name) for name in ("github-oidc-broken.json", "github-oidc.json", "mfa-only.json")
)
WORKFLOW = [
    "--as=acs:ram::123456789012:oidc-provider/github",
    "--claim=oidc:aud=sts.aliyuncs.com",
    "--claim=oidc:sub=repo:acme/shop:ref:refs/heads/main",
]
ALICE = "--as=acs:ram::123456789012:user/alice"
AT_OFFICE = ["--context=acs:SourceIp=10.1.2.3", "--context=acs:MFAPresent=true"]


def test_the_broken_example_is_found_out(rolecall: CommandLine) -> None:
    outcome = rolecall("explain", "--policy", BROKEN, *WORKFLOW)

    assert outcome.code == 1
    assert outcome.out.startswith("✗ DENIED  IMPLICIT_DENY")
    assert "├── ✓ StringEquals oidc:aud sts.aliyuncs.com" in outcome.out
    assert "└── ✗ StringEquals oidc:sub" in outcome.out
    assert "actual   repo:acme/shop:ref:refs/heads/main" in outcome.out
    assert "use StringLike instead of StringEquals" in outcome.out


def test_the_corrected_example_allows(rolecall: CommandLine) -> None:
    outcome = rolecall("explain", "--policy", FIXED, *WORKFLOW)

    assert (outcome.code, outcome.out.split("\n")[0]) == (0, "✓ ALLOWED")
    assert "only the trust policy was evaluated, not the caller's own policies" in outcome.out


def test_absent_and_unreadable_values_look_different(rolecall: CommandLine) -> None:
    outcome = rolecall("explain", "--policy", OFFICE, ALICE, "--context=acs:SourceIp=here")

    assert "actual   absent" in outcome.out
    assert "actual   here (unreadable to NotIpAddress)" in outcome.out
    assert "in the way: " in outcome.out
    assert "closest: " in outcome.out


def test_check_says_what_matters_for_using_the_answer(rolecall: CommandLine) -> None:
    outcome = rolecall("check", "--policy", OFFICE, ALICE, *AT_OFFICE)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[0] == "✓ ALLOWED"
    assert "  by     /Statement/0 (People)" in outcome.out
    assert "  until  the role changes" in outcome.out


@pytest.mark.parametrize(
    ("facts", "code"), [(AT_OFFICE, 0), ([], 1), (["--context=nonsense"], 2), (["--duration=1"], 2)]
)
@pytest.mark.parametrize("command", ["check", "explain"])
def test_the_exit_code_is_the_answer(rolecall: CommandLine, command: str, facts: list[str], code: int) -> None:
    assert rolecall(command, "--policy", OFFICE, ALICE, *facts).code == code


@pytest.mark.parametrize("command", ["check", "explain"])
def test_json_has_the_names_of_the_contract(rolecall: CommandLine, command: str) -> None:
    outcome = rolecall(command, "--policy", OFFICE, ALICE, "-o", "json")

    decision = json.loads(outcome.out)["decision"]
    assert (decision["allowed"], decision["reason"]) == (False, "EXPLICIT_DENY")


def test_a_repeated_key_has_several_values(rolecall: CommandLine) -> None:
    outcome = rolecall(
        "explain", "--policy", OFFICE, ALICE, "--context=acs:SourceIp=8.8.8.8", "--context=acs:SourceIp=10.0.0.1"
    )

    assert "8.8.8.8, 10.0.0.1" in outcome.out


def test_the_role_of_a_policy_can_be_named_and_tagged(rolecall: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "tagged.json"
    path.write_text(
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs.aliyuncs.com"},'
        ' "Condition": {"StringEquals": {"acs:ResourceTag/team": "blue"}}}]}'
    )
    command = ["check", "--policy", str(path), "--role", "42/prod", "--as"]

    assert rolecall(*command, "42@ecs.aliyuncs.com", "--role-tag=team=blue").code == 0
    assert rolecall(*command, "42@ecs.aliyuncs.com", "--role-tag=team=red").code == 1
    assert rolecall(*command, "43@ecs.aliyuncs.com", "--role-tag=team=blue").code == 1


def test_a_service_account_is_its_provider_of_the_roles_account(rolecall: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "k8s.json"
    path.write_text(
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
        ' "Principal": {"Federated": "acs:ram::42:oidc-provider/ack"},'
        ' "Condition": {"StringEquals": {"oidc:sub": "system:serviceaccount:payments:api"}}}]}'
    )

    assert rolecall("check", "--policy", str(path), "--as=k8s:ack/payments/api", "--account-id=42").code == 0
    assert rolecall("check", "--policy", str(path), "--as=k8s:ack/payments/web", "--account-id=42").code == 1
    assert rolecall("check", "--policy", str(path), "--as=k8s:ack/payments", "--account-id=42").code == 2


def test_explain_decides_as_of_another_time(rolecall: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "until.json"
    path.write_text(
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs.aliyuncs.com"},'
        ' "Condition": {"DateLessThan": {"acs:CurrentTime": "2026-06-01T00:00:00+08:00"}}}]}'
    )
    command = ["explain", "--policy", str(path), "--as=ecs.aliyuncs.com", "--time"]

    assert rolecall(*command, "2026-05-31T23:59:59+08:00").code == 0
    assert rolecall(*command, "2026-05-31T16:00:00Z").code == 1
    assert "has no zone" in rolecall(*command, "2026-05-31T16:00:00").err


def test_an_invalid_policy_is_reported_as_by_a_compiler(rolecall: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{\n  "Version": "1",\n  "Statement": [{"Effect": "allow"}]\n}')

    outcome = rolecall("check", "--policy", str(path), "--as", "ecs.aliyuncs.com")

    assert (outcome.code, outcome.out) == (2, "")
    assert f"{path}:3:28: error: " in outcome.err
    assert "[INVALID_EFFECT]" in outcome.err


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        (["--as=nobody"], "`nobody` is not a principal"),
        ([ALICE, "--claim=oidc:sub=x"], "claims come with an identity provider"),
        ([ALICE, "--context=acs:CurrentTime=now"], "[RESERVED_KEY]"),
        ([ALICE, "--external-id=x"], "external_id"),
        ([ALICE, "--role=a/b/c"], "a/b/c"),
        (["--as=k8s:ack/ns/sa", "--claim=oidc:sub=x"], "leave the claim out"),
    ],
)
def test_an_invalid_request_is_an_error_and_not_a_deny(
    rolecall: CommandLine, options: list[str], reported: str
) -> None:
    outcome = rolecall("check", "--policy", OFFICE, *options)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")
    assert reported in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--fully-consistent"],
        ["check", "--at-least-as-fresh=token"],
        ["explain", "--fully-consistent"],
        ["explain", "--at-least-as-fresh=token"],
        ["explain", "--at-revision=1"],
    ],
)
def test_what_only_a_server_can_do_is_refused_offline(rolecall: CommandLine, arguments: list[str]) -> None:
    outcome = rolecall(*arguments, "--policy", OFFICE, ALICE)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "error: --at-revision, --fully-consistent and --at-least-as-fresh need a server; leave out --policy\n"
    )


def test_control_characters_of_a_request_are_escaped(rolecall: CommandLine) -> None:
    outcome = rolecall("explain", "--policy", OFFICE, ALICE, "--context=acs:SourceIp=\x1b]0;owned\x07\u202e")

    assert not {"\x1b", "\x07", "\u202e"} & set(outcome.out)
    assert "\\x1b]0;owned" in outcome.out


def shown(*arguments: str, **env: str) -> str:
    command = [sys.executable, "-m", "rolecall", "explain", "--policy", BROKEN, *WORKFLOW, *arguments]
    return subprocess.run(command, env=environment(**env), capture_output=True, check=False).stdout.decode()


def test_output_to_a_pipe_has_no_colours_and_no_wrapped_lines() -> None:
    text = shown(COLUMNS="40", TERM="xterm-256color")

    assert "\x1b" not in text
    assert any(len(line) > 100 for line in text.splitlines())


def test_colours_can_be_forced_and_forbidden() -> None:
    assert "\x1b[1;31m" in shown(FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b[1;31m" not in shown(FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color")


def test_a_terminal_without_unicode_gets_ascii() -> None:
    text = shown(PYTHONIOENCODING="ascii")

    assert text.isascii()
    assert text.startswith("x DENIED")
    assert "+-- + StringEquals oidc:aud" in text
