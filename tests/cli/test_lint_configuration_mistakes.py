"""Every mistake in `.rolecall-lint.yaml` is reported at its place, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.cli.linting.reader import command_line_suppressions, read_configuration
from rolecall.cli.problems.problem import ProblemsError

KNOWN = "known are `trusted_accounts`, `severities` and `suppressions`"
ACCOUNT = "a trusted account is written as its id, 1 to 20 digits"
SWITCHED_OFF = "a finding is switched off by a suppression, which has a reason"
VIOLATION = "`DUPLICATE_KEY` is a violation, which cannot be suppressed; correct the document"
ALWAYS_AN_ERROR = "`DUPLICATE_KEY` is a violation, which is always an error; correct the document"
LINT_LISTS = "`rolecall lint` lists them"
EMPTY = "must be a text that is not empty"
SAY_WHY = "say why the finding is accepted"
RELATIVE = "`path` is relative to the directory of this file, with `/` between names"
LAST_DAY = "`until` is the last day, such as `2026-12-31`, not"


def reported(error: ProblemsError) -> list[str]:
    """Return each problem in a line, with its hint after a semicolon."""
    assert {problem.reason for problem in error.problems} == {"LINT_CONFIGURATION"}
    assert {problem.severity for problem in error.problems} == {"error"}
    return [f"{each.location}: {each.message}" + (f"; {each.hint}" if each.hint else "") for each in error.problems]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("severities: {}\n---\nseverities: {}\n", ["c.yaml:3:1: a configuration of the linter is one document"]),
        ("- x\n", ["c.yaml:1:1: a configuration of the linter is a mapping with `trusted_accounts`, `severities` or `suppressions`"]),
        ("zzz: 1\ntrusted: []\nsuppression: []\n", [
            f"c.yaml:1:1: unknown key `zzz`; {KNOWN}", "c.yaml:2:1: unknown key `trusted`; did you mean `trusted_accounts`?",
            "c.yaml:3:1: unknown key `suppression`; did you mean `suppressions`?"]),
        ("trusted_accounts: x\nsuppressions: {}\n", [
            "c.yaml:1:19: `trusted_accounts` must be a list", "c.yaml:2:15: `suppressions` must be a list"]),
        ("trusted_accounts:\n  - '1'\n  - ''\n  - '12345678901234567890'\n  - '123456789012345678901'\n  - prod\n  - [1]\n  - '1 '\n", [
            f"c.yaml:{line}:5: {ACCOUNT}" for line in (3, 5, 6, 7, 8)]),
        ("severities: [open-network]\n", ["c.yaml:1:13: `severities` must be a mapping from findings to severities"]),
        ("severities:\n  open-network: off\n  past-date: none\n  unused-suppression: fatal\n  mutable-subject: [error]\n", [
            f"c.yaml:2:17: a severity is `error`, `warning` or `note`, not `off`; {SWITCHED_OFF}",
            f"c.yaml:3:14: a severity is `error`, `warning` or `note`, not `none`; {SWITCHED_OFF}",
            "c.yaml:4:23: a severity is `error`, `warning` or `note`, not `fatal`",
            "c.yaml:5:20: a severity is `error`, `warning` or `note`, not ``"]),
        ("severities:\n  open-netwrk: note\n  q: note\n  DUPLICATE_KEY: note\n  ended-suppresion: note\n", [
            "c.yaml:2:3: there is no finding `open-netwrk`; did you mean `open-network`?",
            f"c.yaml:3:3: there is no finding `q`; {LINT_LISTS}", f"c.yaml:4:3: {ALWAYS_AN_ERROR}",
            "c.yaml:5:3: there is no finding `ended-suppresion`; did you mean `ended-suppression`?"]),
        ("suppressions:\n  - open-network\n  - {path: a, reason: r}\n  - {finding: past-date, path: a}\n", [
            "c.yaml:2:5: a suppression is a mapping with `finding`, `path` or `role`, and `reason`",
            "c.yaml:3:5: `finding` is missing", f"c.yaml:4:5: `reason` is missing; {SAY_WHY}"]),
        ("suppressions:\n  - {finding: past-date, reason: r}\n", [
            "c.yaml:2:5: a suppression needs `path` or `role`; for every document write `path: '**'`"]),
        ("suppressions:\n  - {finding: past-date, reason: r, path: /a}\n  - {finding: past-date, reason: r, role: a, path: 'a\\b'}\n", [
            f"c.yaml:2:43: {RELATIVE}", f"c.yaml:3:52: {RELATIVE}"]),
        ("suppressions:\n  - {finding: past-date, reason: ' ', path: a}\n  - {finding: past-date, path: null, reason: [x]}\n  - {finding: '', reason: x, role: null}\n", [
            f"c.yaml:2:34: `reason` {EMPTY}; {SAY_WHY}", f"c.yaml:3:32: `path` {EMPTY}", f"c.yaml:3:46: `reason` {EMPTY}; {SAY_WHY}",
            f"c.yaml:4:15: `finding` {EMPTY}", f"c.yaml:4:36: `role` {EMPTY}"]),
        ("suppressions:\n" + "".join(f"  - {{finding: past-date, reason: x, path: a, until: {until}}}\n" for until in ("tomorrow", "2027-02-29", "2027-1-1", "''")), [
            f"c.yaml:2:53: {LAST_DAY} `tomorrow`", f"c.yaml:3:53: {LAST_DAY} `2027-02-29`", f"c.yaml:4:53: {LAST_DAY} `2027-1-1`",
            f"c.yaml:5:53: `until` {EMPTY}"]),
        ("suppressions:\n" + "".join(f"  - {{finding: {finding}, reason: x, path: a}}\n" for finding in ("unused-suppression", "DUPLICATE_KEY", "zzz", "past-dat")), [
            "c.yaml:2:15: `unused-suppression` is about this file, and cannot be suppressed", f"c.yaml:3:15: {VIOLATION}",
            f"c.yaml:4:15: there is no finding `zzz`; {LINT_LISTS}",
            "c.yaml:5:15: there is no finding `past-dat`; did you mean `past-date`?"]),
        ("suppressions:\n  - {finding: past-date, reason: x, path: a, untill: 1, zzz: 1}\n", [
            "c.yaml:2:46: unknown key `untill`; did you mean `until`?",
            "c.yaml:2:57: unknown key `zzz`; known are `finding`, `path`, `role`, `reason` and `until`"]),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place_and_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problems: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(text)

    with pytest.raises(ProblemsError) as caught:
        read_configuration(tmp_path / "c.yaml")

    assert reported(caught.value) == problems


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({"open-network": ""}, ["the reason for suppressing `open-network` is empty; write `--suppress FINDING=REASON`"]),
        ({"open-network": " ", "zzz": "y"}, [
            "the reason for suppressing `open-network` is empty; write `--suppress FINDING=REASON`",
            f"there is no finding `zzz`; {LINT_LISTS}"]),
        ({"unused-suppression": "x"}, ["`unused-suppression` is about this file, and cannot be suppressed"]),
        ({"DUPLICATE_KEY": "x"}, [VIOLATION]),
    ],
)  # fmt: skip
def test_a_mistake_on_the_command_line_names_the_option(given: dict[str, str], problems: list[str]) -> None:
    with pytest.raises(ProblemsError) as caught:
        command_line_suppressions(given)

    assert reported(caught.value) == [f"--suppress: {problem}" for problem in problems]


@pytest.mark.parametrize(
    ("field", "longest"), [("reason", 1_024), ("path", 512), ("role", 512)], ids=["reason", "path", "role"]
)
def test_a_text_may_be_as_long_as_its_limit_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, longest: int
) -> None:
    monkeypatch.chdir(tmp_path)
    usual = {"finding": "past-date", "reason": "x", "path": "a"}

    def read(length: int) -> str:
        members = {**usual, field: "x" * length}
        Path("c.yaml").write_text(
            f"suppressions: [{{{', '.join(f'{key}: {text}' for key, text in members.items())}}}]\n"
        )
        return str(getattr(read_configuration(tmp_path / "c.yaml").suppressions[0], field))

    assert len(read(longest)) == longest
    with pytest.raises(ProblemsError, match=f"`{field}` is longer than {longest:,} characters"):
        read(longest + 1)


@pytest.mark.parametrize("key", ["trusted_accounts", "suppressions"])
def test_a_list_has_at_most_a_thousand_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.chdir(tmp_path)
    entry = "1" if key == "trusted_accounts" else "{finding: past-date, path: a, reason: x}"

    def write(entries: int, after: str = "") -> None:
        Path("c.yaml").write_text(f"{key}: [{', '.join([entry] * entries)}{after}]\n")

    write(1_000)
    assert len(getattr(read_configuration(tmp_path / "c.yaml"), key)) in {1, 1_000}
    write(1_000, ", [what is beyond the limit is not read]")
    with pytest.raises(ProblemsError) as caught:
        read_configuration(tmp_path / "c.yaml")

    assert reported(caught.value) == [f"c.yaml:1:{len(key) + 3}: `{key}` has 1,001 entries; the limit is 1,000"]


def test_a_configuration_has_at_most_a_mebibyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text("#" * 1_048_575 + "\n")
    read_configuration(tmp_path / "c.yaml")
    Path("c.yaml").write_text("#" * 1_048_576 + "\n")

    with pytest.raises(ProblemsError, match="is longer than 1,048,576 bytes"):
        read_configuration(tmp_path / "c.yaml")
