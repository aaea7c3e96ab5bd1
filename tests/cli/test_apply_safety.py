"""`apply`: how many roles it may delete, in which accounts, whom it asks, and how it ends."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

POLICY = '{Version: "1", Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {RAM: "acs:ram::1:user/ann"}}]}'


def declare(path: Path, *names: str, tag: str, policy: str = POLICY) -> str:
    roles = "".join(f"  - {{name: {name}, tags: {{set: {tag}}}, trust_policy: {policy}}}\n" for name in names)
    path.write_text(f"apiVersion: rolecall/v1\nroles:{(roles and chr(10) + roles) or ' []'}\n")
    return str(path)


def names(online: CommandLine, tag: str) -> list[str]:
    listed = json.loads(online("role", "list", "--tag", f"set={tag}", "-o", "json").out)
    return [role["role_name"] for role in listed.get("roles", [])]


class Terminal(io.StringIO):
    """A standard input that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let standard error be a terminal, and standard input if it is a `Terminal`."""
    monkeypatch.setattr(
        "rolecall.cli.checks.prune_guard._is_terminal",
        lambda stream: stream is sys.stderr or isinstance(stream, Terminal),
    )
    return monkeypatch


def test_more_than_ten_roles_are_deleted_only_with_the_option(online: CommandLine, tmp_path: Path) -> None:
    every = [f"few-{number}" for number in range(12)]
    assert online("apply", "-f", declare(tmp_path / "a.yaml", *every, tag="few")).code == 0
    one = declare(tmp_path / "a.yaml", every[0], tag="few")
    pruning = "apply", "-f", one, "--prune", "set=few"

    refused, tried, allowed = online(*pruning), online(*pruning, "--dry-run"), online(*pruning, "--max-deletes", "11")

    message = "error: 11 roles would be deleted; the limit is 10, and nothing was written\n"
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(message)
    assert "--max-deletes 11" in refused.err
    assert (tried.code, message in tried.err, "would delete 11" in tried.out) == (2, True, True)
    assert allowed.code == 0
    assert names(online, "few") == ["few-0"]


def test_of_many_roles_a_tenth_may_be_deleted(online: CommandLine, tmp_path: Path) -> None:
    every = [f"many-{number}" for number in range(120)]
    assert online("apply", "-f", declare(tmp_path / "a.yaml", *every, tag="many")).code == 0

    thirteen = online("apply", "-f", declare(tmp_path / "a.yaml", *every[13:], tag="many"), "--prune", "set=many")
    twelve = online("apply", "-f", declare(tmp_path / "a.yaml", *every[12:], tag="many"), "--prune", "set=many")

    assert (thirteen.code, "the limit is 12" in thirteen.err) == (2, True)
    assert (twelve.code, len(names(online, "many"))) == (0, 108)


def test_a_limit_of_no_deletions_lets_an_apply_pass_that_deletes_nothing(online: CommandLine, tmp_path: Path) -> None:
    file = declare(tmp_path / "a.yaml", "none-1", "none-2", tag="none")
    assert online("apply", "-f", file, "--prune", "set=none", "--max-deletes", "0").code == 0
    fewer = declare(tmp_path / "a.yaml", "none-1", tag="none")

    outcome = online("apply", "-f", fewer, "--prune", "set=none", "--max-deletes", "0")

    assert (outcome.code, "1 role would be deleted; the limit is 0" in outcome.err) == (2, True)


def test_nothing_is_pruned_where_no_account_is_declared_or_named(online: CommandLine, tmp_path: Path) -> None:
    assert online("apply", "-f", declare(tmp_path / "a.yaml", "left", tag="left")).code == 0
    nothing = declare(tmp_path / "a.yaml", tag="left")

    refused = online("apply", "-f", nothing, "--prune", "set=left")
    still = names(online, "left")
    named = online("apply", "-f", nothing, "--prune", "set=left", "--prune-account", "123456789012")

    assert (refused.code, refused.out) == (2, "")
    assert "the files declare no role, and so no account to prune" in refused.err
    assert still == ["left"]
    assert (named.code, names(online, "left")) == (0, [])


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 1), ("n\n", 2, 2), ("\n", 2, 2), ("", 2, 2)])
def test_a_terminal_is_asked(
    online: CommandLine, tmp_path: Path, terminal: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    assert online("apply", "-f", declare(tmp_path / "a.yaml", "asked-1", "asked-2", tag="asked")).code == 0
    fewer = declare(tmp_path / "a.yaml", "asked-1", tag="asked")
    terminal.setattr("sys.stdin", Terminal(answer))

    outcome = online("apply", "-f", fewer, "--prune", "set=asked")

    assert outcome.code == code
    assert "- acs:ram::123456789012:role/asked-2\ndelete 1 role? [y/N]: " in outcome.err
    assert len(names(online, "asked")) == left


def test_nobody_is_asked_with_the_option_or_without_deletions_or_for_a_dry_run(
    online: CommandLine, tmp_path: Path, terminal: pytest.MonkeyPatch
) -> None:
    terminal.setattr("sys.stdin", Terminal(""))
    both = declare(tmp_path / "both.yaml", "free-1", "free-2", tag="free")
    one = declare(tmp_path / "one.yaml", "free-1", tag="free")

    outcomes = [
        online("apply", "-f", both, "--prune", "set=free"),
        online("apply", "-f", one, "--prune", "set=free", "--dry-run"),
        online("apply", "-f", one, "--prune", "set=free", "--yes"),
    ]

    assert [(outcome.code, "[y/N]" in outcome.err) for outcome in outcomes] == [(0, False)] * 3


def test_a_terminal_whose_standard_input_is_a_file_is_not_asked_and_nothing_is_written(
    online: CommandLine, tmp_path: Path, terminal: pytest.MonkeyPatch
) -> None:
    assert online("apply", "-f", declare(tmp_path / "a.yaml", "piped-1", "piped-2", tag="piped")).code == 0
    fewer = declare(tmp_path / "a.yaml", "piped-1", tag="piped")
    terminal.setattr("sys.stdin", io.StringIO("y\n"))

    outcome = online("apply", "-f", fewer, "--prune", "set=piped")

    assert (outcome.code, "help: add --yes; nothing was written" in outcome.err) == (2, True)
    assert len(names(online, "piped")) == 2


def test_a_dry_run_ends_with_four_if_something_would_change_and_the_option_asks_for_it(
    online: CommandLine, tmp_path: Path
) -> None:
    file = declare(tmp_path / "a.yaml", "coded", tag="coded")

    new, plain = online("apply", "-f", file, "--dry-run", "--exit-code"), online("apply", "-f", file, "--dry-run")
    assert online("apply", "-f", file).code == 0
    same = online("apply", "-f", file, "--dry-run", "--exit-code")
    without = online("apply", "-f", file, "--exit-code")

    assert (new.code, plain.code, same.code) == (4, 0, 0)
    assert (without.code, without.err) == (2, "error: --exit-code is for a dry run\n  help: add --dry-run\n")


def test_a_dry_run_shows_the_findings_of_the_linter(online: CommandLine, tmp_path: Path) -> None:
    wide = POLICY.replace("acs:ram::1:user/ann", "acs:ram::1:root")
    file = declare(tmp_path / "a.yaml", "wide", tag="wide", policy=wide)

    people = online("apply", "-f", file, "--dry-run")
    programs = json.loads(online("apply", "-f", file, "--dry-run", "-o", "json").out)
    real = online("apply", "-f", file)

    assert f"{file}:3:" in people.err
    assert "warning: role `wide`: every user and role of account `1`" in people.err
    assert [(finding["reason"], finding["line"]) for finding in programs["findings"]] == [
        ("root-without-external-id", 3)
    ]
    assert len(programs["changes"]) == 1
    assert (real.code, real.err) == (0, "")


@pytest.mark.long
def test_a_real_terminal_is_asked(online: CommandLine, address: str, tmp_path: Path) -> None:
    assert online("apply", "-f", declare(tmp_path / "a.yaml", "real-1", "real-2", tag="real")).code == 0
    fewer = declare(tmp_path / "a.yaml", "real-1", tag="real")
    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"n\n")

    command = [sys.executable, "-m", "rolecall", "apply", "-f", fewer, "--prune", "set=real", "--address", address]
    ended = subprocess.run(command, stdin=terminal, stdout=terminal, stderr=terminal, timeout=60, check=False)

    shown = os.read(keyboard, 10_000).decode()
    assert ended.returncode == 2
    assert "delete 1 role? [y/N]: " in shown
    assert "not confirmed; nothing was written" in shown
    assert len(names(online, "real")) == 2
