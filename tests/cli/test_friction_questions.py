"""Friction that was met with commands which ask a question: `check`, `explain`, `what-can`. One test for each line of the list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.serving import ACCOUNT, served

ALICE = f"acs:ram::{ACCOUNT}:user/alice"


def policy(path: Path, principal: dict[str, str], condition: object = None) -> str:
    statement: dict[str, object] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    if condition is not None:
        statement["Condition"] = condition
    path.write_text(json.dumps({"Version": "1", "Statement": [statement]}))
    return str(path)


@pytest.mark.parametrize(
    ("who", "meant"),
    [
        ("system:serviceaccount:pay:api", "write `k8s:PROVIDER/pay/api`"),
        ("ecs", "write `ecs.aliyuncs.com`"),
        ("github", "write `acs:ram::ACCOUNT_ID:oidc-provider/github`, with the claims beside it"),
        ("alice", "write `acs:ram::ACCOUNT_ID:user/alice`"),
        ("user/alice", "write `acs:ram::ACCOUNT_ID:user/alice`"),
        ("repo:acme/site:ref:refs/heads/main", "`acs:ram::ACCOUNT_ID:oidc-provider/NAME`, with the claims"),
    ],
)
def test_a_principal_in_another_spelling_is_answered_with_the_form_that_was_meant(
    online: CommandLine, tmp_path: Path, who: str, meant: str
) -> None:
    offline = online("check", "--as", who, "--policy", policy(tmp_path / "p.json", {"RAM": ALICE}))
    asked = online("check", "--as", who, "--role", "some")

    for outcome in (offline, asked):
        assert (outcome.code, outcome.out) == (2, "")
        assert meant in outcome.err


def test_a_root_is_said_to_assume_nothing_and_how_to_ask_for_its_users(online: CommandLine) -> None:
    outcome = online("what-can", "--as", "acs:ram::444:root")

    assert outcome.code == 0
    assert outcome.err.startswith("no roles\n  help: an account root assumes no role; ask as a user of the account")
    assert "`--as acs:ram::444:user/NAME`" in outcome.err


def test_an_alias_is_resolved_before_it_gets_into_the_arn_of_a_provider(rolecall: CommandLine, tmp_path: Path) -> None:
    provider = {"Federated": "acs:ram::777:oidc-provider/ack"}
    file = policy(tmp_path / "p.json", provider, {"StringEquals": {"oidc:sub": "system:serviceaccount:pay:api"}})
    pod = ["--as", "k8s:ack/pay/api"]

    with served("--account-alias", "prod=777", directory=tmp_path) as address:
        server = ["--address", address]
        rolecall("role", "create", "pod", "--account-id", "prod", "--policy", file, *server)
        listed = rolecall("what-can", *pod, "--account-id", "prod", *server)
        checked = [
            rolecall("check", *pod, *role, *server)
            for role in (["--role=prod/pod"], ["--role=pod", "--account-id=prod"], ["--role=acs:ram::777:role/pod"])
        ]
        unknown = rolecall("what-can", *pod, "--account-id", "prd", *server)
        wrong = rolecall("check", *pod, "--role=pod", *server)

    assert listed.out.splitlines()[2].split() == ["acs:ram::777:role/pod", "ALLOW"]
    assert [outcome.code for outcome in checked] == [0, 0, 0]
    assert unknown.code == 2
    assert "`prd`" in unknown.err
    assert wrong.code == 3


def test_the_account_of_an_option_is_that_of_the_role(online: CommandLine, tmp_path: Path) -> None:
    online("role", "create", "there", "--account-id", "888", "--policy", policy(tmp_path / "p.json", {"RAM": ALICE}))

    asked = online("check", "--as", ALICE, "--role", "there", "--account-id", "888")
    default = online("check", "--as", ALICE, "--role", "there")

    assert (asked.code, default.code) == (0, 3)


def test_a_role_that_does_not_exist_is_no_deny_and_its_nearest_is_named(online: CommandLine, tmp_path: Path) -> None:
    online("role", "create", "ci-deploy", "--policy", policy(tmp_path / "p.json", {"RAM": ALICE}))

    asked = online("check", "--as", ALICE, "--role", "ci-deply")

    assert (asked.code, asked.err) == (3, "  help: did you mean `ci-deploy`?\n")


def test_a_misspelt_condition_key_is_answered_with_the_one_that_is_compared(
    rolecall: CommandLine, tmp_path: Path
) -> None:
    file = policy(tmp_path / "p.json", {"RAM": ALICE}, {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}})

    asked = rolecall("check", "--as", ALICE, "--policy", file, "--context", "acs:SourceIP=10.0.0.1")

    assert asked.code == 1
    assert "did you mean" in asked.err


@pytest.mark.parametrize("text", ["2020-01-01", "2020-01-01T08:00"])
def test_the_advice_about_a_time_works(rolecall: CommandLine, tmp_path: Path, text: str) -> None:
    asking = ["explain", "--as", ALICE, "--policy", policy(tmp_path / "p.json", {"RAM": ALICE})]

    refused = rolecall(*asking, "--time", text)
    advised = refused.err.partition("help: write `")[2].partition("`")[0]

    assert refused.code == 2
    assert advised.startswith(text)
    assert rolecall(*asking, "--time", advised).code == 0


def test_an_address_may_lack_its_port_and_has_no_scheme(rolecall: CommandLine) -> None:
    asking = ["check", "--as", ALICE, "--role", "some"]

    schemed = rolecall(*asking, "--address", "http://localhost:50051")
    shown = rolecall("context", "show", "--address", "localhost")

    assert (schemed.code, schemed.out) == (2, "")
    assert "an address has no scheme `http://`" in schemed.err
    assert "write `localhost:50051`" in schemed.err
    assert "localhost:50051" in shown.out
