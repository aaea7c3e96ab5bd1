from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

POLICY = """\
{"Version": "1", "Statement": [
  {"Effect": "Allow", "Action": "sts:AssumeRole",
   "Principal": {"RAM": ["acs:ram::123456789012:user/alice"], "Service": "ecs.aliyuncs.com"},
   "Condition": {"IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}, "Bool": {"acs:MFAPresent": "true"}}},
  {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::123456789012:user/mallory"}}
]}
"""
ALICE = [
    "acs:ram::123456789012:user/alice",
    "RAM",
    "Allow",
    "`acs:SourceIp` is in `10.0.0.0/8` or `192.168.0.0/16` and `acs:MFAPresent` is `true`",
    "/Statement/0",
]
MALLORY = ["acs:ram::123456789012:user/mallory", "RAM", "Deny", "none", "/Statement/1"]


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.json"
    path.write_text(POLICY)
    return str(path)


def assert_shown(table: str) -> None:
    heading, _, alice, service, mallory = table.splitlines()
    assert heading.split() == ["WHO", "TYPE", "EFFECT", "CONDITIONS", "STATEMENT"]
    assert alice.split() == " ".join(ALICE).split()
    assert service.split()[:3] == ["ecs.aliyuncs.com", "Service", "Allow"]
    assert mallory.split() == MALLORY


def test_trusted_principals_are_shown_with_conditions_in_words(online: CommandLine, policy: str) -> None:
    online("role", "create", "trusting", "--policy", policy)

    outcome = online("who-can", "TRUSTING")

    assert (outcome.code, outcome.err) == (0, "")
    assert_shown(outcome.out)


def test_a_policy_file_needs_no_server(rolecall: CommandLine, policy: str) -> None:
    outcome = rolecall("who-can", "--policy", policy)

    assert (outcome.code, outcome.err) == (0, "")
    assert_shown(outcome.out)


def test_json_is_the_answer_of_the_contract(rolecall: CommandLine, policy: str) -> None:
    grants = json.loads(rolecall("who-can", "--policy", policy, "-o", "json").out)["grants"]

    assert [grant["effect"] for grant in grants] == ["Allow", "Allow", "Deny"]
    assert grants[2] == {
        "principal_pattern": MALLORY[0], "type": "RAM", "effect": "Deny", "conditions": [], "statement_pointer": "/Statement/1",
    }  # fmt: skip


def test_a_policy_without_principals_is_reported(rolecall: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "nobody.json"
    path.write_text(
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": []}}]}'
    )

    outcome = rolecall("who-can", "--policy", str(path))

    assert (outcome.code, outcome.out, outcome.err) == (0, "", "the trust policy names no principal\n")


def test_a_role_that_is_not_there_is_an_error(online: CommandLine) -> None:
    outcome = online("who-can", "nobody-knows")

    assert (outcome.code, outcome.out) == (2, "")
    assert "ROLE_NOT_FOUND" in outcome.err


def test_violations_of_a_policy_file_have_their_location(rolecall: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"Version": "1",\n "Statement": []}')

    outcome = rolecall("who-can", "--policy", str(path))

    assert outcome.code == 2
    assert f"{path}:2:15: error: " in outcome.err


def test_a_role_or_a_policy_is_named(rolecall: CommandLine) -> None:
    outcome = rolecall("who-can")

    assert (outcome.code, outcome.err.splitlines()[0]) == (2, "error: give a role, or --policy FILE")


def test_a_policy_alone_has_no_role_to_choose(rolecall: CommandLine, policy_file: Path) -> None:
    outcome = rolecall("who-can", "app", "--policy", str(policy_file))

    assert (outcome.code, "has a policy and no roles" in outcome.err) == (2, True)
