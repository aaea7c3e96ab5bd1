"""What `callers diff` prints, as a whole, and by what it compares keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolecall.callers.comparison import TooMuchToCompareError
from tests.cli.conftest import CommandLine, show_colours


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch, rolecall: CommandLine) -> CommandLine:
    """Give the command line as on a narrow terminal with colours."""
    show_colours(monkeypatch, columns=20)
    return rolecall


OLD = "callers:\n  - {name: a, match: {dns: a.svc}, policies: [RolecallAuditor]}\n"
NEW = OLD.replace("a.svc", "b.svc").replace("name: a", "name: b")


def test_a_comparison_shows_gains_in_red_before_losses_in_green(colours: CommandLine) -> None:
    Path("old.yaml").write_text(OLD)
    Path("new.yaml").write_text(NEW)

    out = colours("callers", "diff", "old.yaml", "new.yaml").out
    lost = colours("callers", "diff", "old.yaml", "old.yaml").out

    assert out.index("\x1b[31mgains") < out.index("\x1b[32mloses")
    assert "\x1b[31m" in out.splitlines()[-1]
    assert lost == "\x1b[32m0 gains, 0 losses\x1b[0m\n"


def test_a_comparison_counts_and_names_what_is_gained_and_lost(rolecall: CommandLine) -> None:
    Path("old.yaml").write_text(OLD)
    Path("new.yaml").write_text(NEW)

    people = rolecall("callers", "diff", "old.yaml", "new.yaml")
    programs = json.loads(rolecall("callers", "diff", "old.yaml", "new.yaml", "-o", "json").out)

    rows = [" ".join(line.split()) for line in people.out.splitlines()]
    assert (people.code, rows[0]) == (2, "CALLER WHAT")
    assert sorted(programs) == ["gains", "losses"]
    for sign, name, caller in (("gains", "gains", "b.svc"), ("loses", "losses", "a.svc")):
        found = [change for change in programs[name] if change["action"]]
        assert {change["caller"] for change in programs[name]} == {caller}
        assert [row for row in rows if row.startswith(f"{sign} {caller} {found[0]['what']} ")] == [
            f"{sign} {caller} {change['what']} {change['action']} on {change['resource']}" for change in found
        ]
    count = len(programs["gains"])
    assert rows[-1] == f"{count} gain{'s' * (count != 1)}, {count} loss{'es' * (count != 1)}"


@pytest.mark.parametrize(
    "text",
    [
        "issuers: {'https://i': {jwks_file: keys.json}}\ncallers: []\n",
        "providers: [{arn: 'acs:ram::1:oidc-provider/p', issuer: 'https://x', audiences: [a], jwks_file: keys.json}]\ncallers: []\n",
    ],
)
def test_keys_in_a_file_are_compared_by_their_content_and_a_missing_file_by_its_name(
    rolecall: CommandLine, text: str
) -> None:
    for name, keys in (("a", "1"), ("b", "1"), ("c", "2"), ("d", None), ("e", None)):
        Path(name).mkdir()
        Path(name, "callers.yaml").write_text(text)
        if keys:
            Path(name, "keys.json").write_text(keys)

    assert {new: rolecall("callers", "diff", "a", new).code for new in "abcd"} == {"a": 0, "b": 0, "c": 2, "d": 2}
    assert {new: rolecall("callers", "diff", "d", new).code for new in "de"} == {"d": 0, "e": 2}


def test_keys_behind_a_url_are_compared_by_it(rolecall: CommandLine) -> None:
    for name in ("a", "b"):
        Path(f"{name}.yaml").write_text(
            f"issuers: {{'https://i': {{jwks_url: 'https://{name}.example'}}}}\ncallers: []\n"
        )

    assert [rolecall("callers", "diff", "a.yaml", f"{new}.yaml").code for new in "ab"] == [0, 2]


def test_files_that_are_too_large_to_compare_are_an_error(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise TooMuchToCompareError

    monkeypatch.setattr("rolecall.callers.comparison.compare_callers", refuse)
    Path("a.yaml").write_text(OLD)

    assert rolecall("callers", "diff", "a.yaml", "a.yaml") == (2, "", f"error: {TooMuchToCompareError()}\n")
