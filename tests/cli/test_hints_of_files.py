"""Every fault of a file has its place, its reason and what to do about it."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.declarations.tree import read_documents
from rolecall.cli.examples import _questions
from rolecall.cli.linting.explained import explanations
from rolecall.cli.problems import sarif
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources import recognise, search
from tests.cli.conftest import CommandLine
from tests.cli.test_lint_configuration import PARTNER, trusting


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: !!int x", "1:4: `x` is not a value of the tag `!!int` []; write a whole number, or leave out the tag"),
        ("a: !!bool yes", "1:4: `yes` is not a value of the tag `!!bool` []; write `true` or `false`, or leave out the tag"),
        ("a: !!null 0", "1:4: `0` is not a value of the tag `!!null` []; write `null`, or leave out the tag"),
        ("a: !!float .inf", "1:4: `.inf` is not a value of the tag `!!float` []; write a number, or leave out the tag"),
        ("a: !!map 1", "1:4: the value is not of the type of its tag `!!map` []; leave out the tag"),
        ("a: !!seq {a: 1}", "1:4: the value is not of the type of its tag `!!seq` []; leave out the tag"),
        ("x: &x {}\ny: {<<: 1}", '2:9: `<<` must be an alias of a mapping, or a list of them []; quote `"<<"` as a key'),
        ("x: &x {}\ny: {<<: [*x, 1]}", '2:9: `<<` must be an alias of a mapping, or a list of them []; quote `"<<"` as a key'),
        ("a: 1\nb: 2\na: 3", "3:1: the key `a` is given twice; the first is on line 1 [DUPLICATE_KEY]; keep one of the two"),
        ("[a]: 1", "1:1: a key must be text []; "),
        ("a: !Ref x", "1:4: the tag `!Ref` is not supported [UNSUPPORTED_TAG]; write the value without a tag"),
        ("a: {b: 1, c: {d: !x 1}}", "1:18: the tag `!x` is not supported [UNSUPPORTED_TAG]; write the value without a tag"),
        ("a:\n\tb: 2\n", "2:1: not YAML: found character that cannot start any token []; indent with spaces"),
        ("a: &x 1\n---\nb: *x", "3:4: the anchor `&x` is not defined before this alias []; "),
    ],
)  # fmt: skip
def test_a_fault_of_yaml_has_its_place_and_its_remedy(text: str, problem: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        read_documents(text, "a.yaml")

    assert [
        f"{each.location.line}:{each.location.column}: {each.message} [{each.reason}]; {each.hint}"
        for each in caught.value.problems
    ] == [problem]


def test_the_name_of_a_file_says_whether_it_is_json() -> None:
    assert read_documents("a: 1", "a.yaml")
    assert read_documents("a: 1", "a")
    with pytest.raises(ProblemsError, match="not JSON"):
        read_documents("a: 1", "a.json")


def test_a_text_is_not_longer_than_a_file_of_roles_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A plan may be longer, so the limit of the others is judged when their kind is known.
    monkeypatch.setattr(recognise, "MAX_FILE_BYTES", 40)
    (tmp_path / "longest.yaml").write_text("# " + "é" * 9 + "\n" * 20)
    assert search([tmp_path / "longest.yaml"]).problems[0].message == "the file is empty"
    for longer in ("# " + "é" * 9 + "\n" * 21, "#" + "😀" * 10):
        (tmp_path / "longer.yaml").write_text(longer)
        assert [problem.message for problem in search([tmp_path / "longer.yaml"]).problems] == [
            f"`{tmp_path / 'longer.yaml'}` is longer than 40 bytes"
        ]


KEYS = "issuers:\n  https://a.example: {jwks_file: none.json}\ncallers: []\n"


def test_a_key_file_that_cannot_be_read_is_an_error_of_the_callers_file(
    rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("callers.yaml").write_text(KEYS)

    outcome = rolecall("callers", "check", "callers.yaml", "-o", "json")

    answer = json.loads(outcome.out)
    assert (outcome.code, answer["valid"]) == (2, False)
    (problem,) = (each for each in answer["problems"] if not each["finding"])
    assert problem.pop("message").startswith("cannot read")
    assert problem == {
        "file": "callers.yaml", "line": 2, "column": 3, "severity": "error", "reason": "INVALID_KEY_SET",
        "pointer": "/issuers/https:~1~1a.example", "hint": "", "finding": False, "changes_meaning": False, "role": "",
    }  # fmt: skip


SUPPRESSIONS = """\
suppressions:
  - {finding: open-network, path: '**', reason: r}
  - {finding: open-network, role: zz, reason: r}
  - {finding: root-without-external-id, path: x.json, reason: r}
  - {finding: root-without-external-id, path: p.json, role: P, reason: r, until: 2020-01-01}
"""


def test_what_a_configuration_no_longer_needs_is_reported_with_what_to_do(
    rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "sub/p.json": trusting(PARTNER), "sub/.rolecall-lint.yaml": SUPPRESSIONS, ".rolecall-lint.yml": "suppressions: []\n",
        "q.json": trusting("acs:ram::42:user/a"),
    }.items():  # fmt: skip
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)

    answer = json.loads(rolecall("validate", ".", "--suppress", "past-date=x", "-o", "json").out)

    about = [each for each in answer["problems"] if each["reason"] != "root-without-external-id"]
    assert [
        f"{each['file']}:{each['line']}:{each['column']}: {each['message']} [{each['reason']}]; {each['hint']}"
        for each in about
    ] == [
        ".rolecall-lint.yml:0:0: this file is not read; a configuration of the linter is named `.rolecall-lint.yaml` []; rename it",
        "sub/.rolecall-lint.yaml:2:6: the suppression of `open-network` for path `**` matches nothing: no policy that it covers has the finding [unused-suppression]; correct or remove it",
        "sub/.rolecall-lint.yaml:3:6: the suppression of `open-network` for role `zz` matches nothing: it covers no policy [unused-suppression]; correct or remove it",
        "sub/.rolecall-lint.yaml:4:6: the suppression of `root-without-external-id` for path `x.json` matches nothing: it covers no policy; there is `p.json` [unused-suppression]; correct or remove it",
        "sub/.rolecall-lint.yaml:5:6: the suppression of `root-without-external-id` for path `p.json` and role `P` ended on 2020-01-01 [ended-suppression]; correct the documents and remove it, or give it a later `until`",
        "--suppress:0:0: the suppression of `past-date` matches nothing: no policy has the finding [unused-suppression]; correct or remove it",
    ]
    assert {(each["severity"], each["finding"]) for each in about} == {("warning", True)}


def test_an_explanation_has_every_part(rolecall: CommandLine) -> None:
    explained: dict[str, Any] = json.loads(rolecall("lint", "--explain", "open-network", "-o", "json").out)
    known = explanations()["open-network"]

    assert explained == {
        "id": "open-network", "severity": "warning", "what": known.what, "why": known.why, "wrong": known.wrong, "right": known.right,
        "fix": known.fix, "url": "https://rolecall.dev/findings#open-network",
    }  # fmt: skip
    assert all(explained.values())


def test_a_program_that_is_not_installed_has_a_version_in_its_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)

    log: Any = sarif.sarif_log([])
    assert log["runs"][0]["tool"]["driver"]["version"] == "0"


def test_a_file_of_questions_may_have_a_mebibyte(tmp_path: Path) -> None:
    text = "questions: [{role: a, as: b}]\n"
    (tmp_path / "questions.yaml").write_text(text + "#" * (1_048_576 - len(text)))

    assert len(list(_questions(tmp_path / "questions.yaml"))) == 1
