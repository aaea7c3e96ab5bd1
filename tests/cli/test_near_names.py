"""What `check` and `explain` say of a role that does not exist, and of a condition key that was sent misspelt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolecall.cli.remote.near_names import misspelt_keys
from tests.cli.conftest import CommandLine

ALICE = "--as=acs:ram::123456789012:user/alice"


@pytest.mark.parametrize("command", ["check", "explain"])
@pytest.mark.parametrize(
    "role", ["near-deply", "NEAR-DEPLOYS", "123456789012/nar-deploy", "acs:ram::123456789012:role/near.deploy"]
)
def test_a_role_that_does_not_exist_ends_with_its_own_code_and_the_nearest_role(
    online: CommandLine, policy_file: Path, command: str, role: str
) -> None:
    online("role", "create", "near-deploy", "--policy", str(policy_file))

    asked = online(command, ALICE, "--role", role)

    assert asked.code == 3
    assert "DENIED  ROLE_NOT_FOUND" in asked.out
    assert asked.err == "  help: did you mean `near-deploy`?\n"


def test_a_role_that_resembles_none_has_no_hint(online: CommandLine) -> None:
    asked = online("check", ALICE, "--role", "zzzzzzzz", "-o", "json")

    assert (asked.code, asked.err) == (3, "")
    assert json.loads(asked.out)["decision"]["reason"] == "ROLE_NOT_FOUND"


def test_a_misspelt_condition_key_is_named_beside_the_one_that_is_compared(online: CommandLine, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": "acs:ram::123456789012:user/alice"},
        "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}},
    }
    policy.write_text(json.dumps({"Version": "1", "Statement": [statement]}))
    sent = ("--context", "acs:SourceIP=10.0.0.1", "--context", "app:other=x")

    offline = online("check", ALICE, "--policy", str(policy), *sent)
    online("role", "create", "misspelt", "--policy", str(policy))
    asked = online("explain", ALICE, "--role", "misspelt", *sent)

    for outcome in (offline, asked):
        assert outcome.code == 1
        assert outcome.err == "  help: `acs:SourceIP` was sent, and `acs:SourceIp` is compared; did you mean that?\n"


def test_a_key_that_resembles_none_is_not_named() -> None:
    assert misspelt_keys(["acs:SourceIp"], []) == []
    assert misspelt_keys(["app:x"], ["acs:SourceIp"]) == []
    assert misspelt_keys(["acs:sourceip"], ["acs:SourceIp", "acs:SourceVpc"]) == [("acs:sourceip", "acs:SourceIp")]
