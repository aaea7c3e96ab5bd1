"""Friction that was met with several accounts: to list them, to export them all, and to leave them out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolecall.cli.declarations import read_declarations
from tests.cli.conftest import CommandLine
from tests.cli.serving import served

ACCOUNTS = ("22", "111", "9000")


@pytest.fixture
def several(rolecall: CommandLine, policy_file: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Return a command line whose server has roles of several accounts."""
    monkeypatch.setenv("ROLECALL_ADDRESS", address)
    for account in ACCOUNTS:
        rolecall("role", "create", "a", "--account-id", account, "--policy", str(policy_file))
    rolecall("role", "create", "b", "--account-id", "22", "--policy", str(policy_file), "--tag", "team=x")
    return rolecall


def test_the_accounts_with_roles_are_listed(several: CommandLine) -> None:
    shown = several("account", "list")
    listed = json.loads(several("account", "list", "-o", "json").out)["accounts"]

    assert [line.split() for line in shown.out.splitlines()[2:]] == [["22", "2"], ["111", "1"], ["9000", "1"]]
    assert listed[0] == {"account_id": "22", "roles": 2, "default": False, "aliases": []}


def test_the_aliases_of_the_context_stand_beside_the_accounts_that_they_mean(
    several: CommandLine, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = {"address": address, "accounts": {"shop": "22", "pay": "9000", "buy": "22"}}
    (tmp_path / "config.yaml").write_text(json.dumps({"current": "prod", "contexts": {"prod": context}}))
    (tmp_path / "config.yaml").chmod(0o600)
    monkeypatch.setenv("ROLECALL_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.delenv("ROLECALL_ADDRESS")

    shown = several("account", "list").out.splitlines()[2:]
    listed = json.loads(several("account", "list", "-o", "json").out)["accounts"]

    assert [line.split() for line in shown] == [["22", "2", "buy,", "shop"], ["111", "1"], ["9000", "1", "pay"]]
    assert [account["aliases"] for account in listed] == [["buy", "shop"], [], ["pay"]]


def test_the_roles_of_every_account_are_exported_into_one_file(several: CommandLine, tmp_path: Path) -> None:
    exported = several("export", "--all-accounts")
    (tmp_path / "all.yaml").write_text(exported.out)
    tagged = several("export", "--all-accounts", "--tag", "team=x")
    as_json = json.loads(several("export", "--all-accounts", "-o", "json").out)

    names = [(role.message.account_id, role.message.role_name) for role in read_declarations([tmp_path / "all.yaml"])]
    assert names == [("22", "a"), ("22", "b"), ("111", "a"), ("9000", "a")]
    assert several("apply", "-f", str(tmp_path / "all.yaml")).out == "4 unchanged\n"
    assert tagged.out.count("- name:") == 1
    assert [role["account_id"] for role in as_json["roles"]] == ["22", "22", "111", "9000"]


def test_exports_one_after_the_other_are_one_file(several: CommandLine, tmp_path: Path) -> None:
    first, second = several("export", "--account-id", "22"), several("export", "--account-id", "111")
    (tmp_path / "both.yaml").write_text(first.out + second.out)

    assert first.out.startswith("---\n")
    assert several("apply", "-f", str(tmp_path / "both.yaml")).out == "3 unchanged\n"


def test_one_account_and_all_of_them_exclude_each_other(several: CommandLine) -> None:
    outcome = several("export", "--all-accounts", "--account-id", "22")

    assert (outcome.code, outcome.out) == (2, "")
    assert "exclude each other" in outcome.err


def test_without_a_default_account_both_flags_are_named(
    rolecall: CommandLine, policy_file: Path, tmp_path: Path
) -> None:
    with served("--account-id", "", directory=tmp_path) as address:
        server = ("--address", address)
        outcomes = [
            rolecall("role", "list", *server),
            rolecall("role", "create", "a", "--policy", str(policy_file), *server),
        ]
        of_role = rolecall("check", "--as", "acs:ram::1:user/a", "--role", "a", *server)

    help_line = "  help: name the account with --account-id ID, or give the server a default account: `rolecall serve --account-id ID`"
    assert [outcome.code for outcome in (*outcomes, of_role)] == [2, 2, 2]
    assert [outcome.err.splitlines()[-1] for outcome in outcomes] == [help_line] * 2
    assert "write the role as ACCOUNT/NAME, or give the server a default account" in of_role.err
