"""A pair that cannot be read is reported with the name of its option, whichever command has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

DOCUMENT = '{"Version": "1", "Statement": []}'
COMMANDS = [
    ("validate", "p.json", "--suppress"),
    ("validate", "p.json", "--account-alias"),
    ("test", ".", "--account-alias"),
    ("role", "create", "app", "--policy=p.json", "--tag"),
    ("role", "list", "--tag"),
    ("role", "update", "app", "--tag"),
    ("export", "--tag"),
    ("apply", "--file=r.yaml", "--dry-run", "--suppress"),
    ("apply", "--file=r.yaml", "--prune"),
    ("callers", "explain", "a:B", "--as=local", "--context"),
    ("explain", "--policy=p.json", "--as=acs:ram::1:user/a", "--claim"),
    ("check", "--policy=p.json", "--as=acs:ram::1:user/a", "--role-tag"),
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.json").write_text(DOCUMENT)
    Path("r.yaml").write_text(f"apiVersion: rolecall/v1\nname: app\ntrust_policy_json: '{DOCUMENT}'\n")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_pair_without_a_value_is_reported_with_the_option(rolecall: CommandLine, words: tuple[str, ...]) -> None:
    option = words[-1]

    outcome = rolecall(*words, "x")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[0] == f"error: {option} takes KEY=VALUE, not `x`"


@pytest.mark.parametrize("words", [each for each in COMMANDS if each[-1] not in ("--context", "--claim")], ids=" ".join)
def test_a_key_that_is_given_twice_is_reported_with_the_option(rolecall: CommandLine, words: tuple[str, ...]) -> None:
    option = words[-1]
    twice = ["k=a,k=b"] if option == "--prune" else ["k=a", option, "k=b"]

    outcome = rolecall(*words, *twice)

    assert (outcome.code, outcome.err.splitlines()[0]) == (2, f"error: {option} `k` is given twice")
