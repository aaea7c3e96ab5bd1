"""The reports of `rolecall test` and `rolecall validate`, as the programs that read them want them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from rolecall.cli.problems.problem import Location, Problem
from rolecall.cli.problems.sarif import SarifResult, sarif_log
from rolecall.cli.testing.report import Report
from rolecall.cli.testing.report_junit import junit_text
from tests.cli.conftest import CommandLine
from tests.cli.serving import environment

SARIF = Draft202012Validator(json.loads(Path(__file__).with_name("sarif.subset.schema.json").read_text()))
POLICY = """\
apiVersion: rolecall/v1
name: deploy
trust_policy:
  Version: "1"
  Statement:
    - {Sid: Ann, Effect: Allow, Action: sts:AssumeRole, Principal: {RAM: "acs:ram::123456789012:user/ann"}}
    - {Sid: Bob, Effect: Allow, Action: sts:AssumeRole, Principal: {RAM: "acs:ram::123456789012:user/bob"}}
"""
CASES = """\
apiVersion: rolecall/v1
cases:
  - {name: ann passes, as: "acs:ram::123456789012:user/ann", role: deploy, expect: ALLOW}
  - {name: ann fails \\x07, as: "acs:ram::123456789012:user/ann", role: deploy, expect: DENY}
  - {name: carol fails, as: "acs:ram::123456789012:user/carol", role: deploy, expect: ALLOW}
"""


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a b.yaml").write_text(CASES.replace("ann fails \\x07", '"ann fails \\x07"'))
    Path("roles.yaml").write_text(POLICY)


def report(rolecall: CommandLine, output: str, *more: str) -> str:
    outcome = rolecall("test", ".", "-o", output, *more)

    assert (outcome.code, outcome.err) == (1, "")
    return outcome.out


def valid_sarif(text: str) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(text)
    SARIF.validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [r["ruleId"] for r in run["results"]]
    return run  # type: ignore[no-any-return]


def test_junit_has_a_suite_a_file_and_the_explanation_of_each_failure(rolecall: CommandLine) -> None:
    root = ET.fromstring(report(rolecall, "junit"))

    (suite,) = root
    ann, broken, carol = suite
    assert (root.tag, suite.tag, {case.tag for case in suite}) == ("testsuites", "testsuite", {"testcase"})
    for counted in (root, suite):
        assert {n: counted.get(n) for n in ("tests", "failures", "errors", "skipped")} == {
            "tests": "3",
            "failures": "2",
            "errors": "0",
            "skipped": "0",
        }
    assert {name: ann.get(name) for name in ("name", "classname", "file", "line")} == {
        "name": "ann passes",
        "classname": "a b.yaml",
        "file": "a b.yaml",
        "line": "3",
    }
    assert list(ann) == []
    assert all(float(case.get("time", "")) >= 0 for case in suite)
    assert broken.get("name") == "ann fails \ufffd"
    (failure,) = carol
    assert failure.attrib == {"type": "failure", "message": "expected ALLOW, got IMPLICIT_DENY"}
    assert "a b.yaml:5:6: expected ALLOW" in (failure.text or "")
    assert "principal is not acs:ram::123456789012:user/ann" in (failure.text or "")
    assert "closest: to be allowed by /Statement/0, name `acs:ram::123456789012:user/carol`" in (failure.text or "")


def test_too_little_coverage_is_a_failure_in_junit(rolecall: CommandLine) -> None:
    root = ET.fromstring(report(rolecall, "junit", "--fail-under=100"))

    failure = root.find("testsuite[@name='coverage']/testcase/failure")
    assert (root.get("tests"), root.get("failures")) == ("4", "3")
    assert failure is not None
    assert failure.get("message") == "1 of 2 statements (50 %), less than 100 %"
    assert failure.text == "roles.yaml:7:7: acs:ram::123456789012:role/deploy /Statement/1 (Bob) applies in no case"
    suite = root.find("testsuite[@name='coverage']")
    assert suite is not None
    counts = {"tests": "1", "failures": "1", "errors": "0", "skipped": "0", "time": "0.000000"}
    assert suite.attrib == {"name": "coverage", **counts}
    assert suite[0].attrib == {"name": "coverage", "classname": "coverage", "time": "0.000000"}
    assert (failure.get("type"), len(suite), len(suite[0])) == ("failure", 1, 1)


def test_the_problems_of_files_are_a_suite_of_their_own_in_junit(rolecall: CommandLine) -> None:
    Path("bad.yaml").write_text("apiVersion: rolecall/v1\nname: bad\nmore: 1\ntrust_policy_json: x\n")

    outcome = rolecall("test", ".", "-o", "junit")

    root = ET.fromstring(outcome.out)
    suite = root[0]
    time = {"time": "0.000000"}
    assert outcome.code == 2
    assert (root.get("tests"), root.get("errors")) == (str(3 + len(suite)), str(len(suite)))
    assert suite.attrib == {
        "name": "problems", "tests": str(len(suite)), "failures": "0", "errors": str(len(suite)), "skipped": "0", **time,
    }  # fmt: skip
    first = next(each for each in suite if each.get("line") == "3")
    at = {"name": "bad.yaml:3:1: unknown key `more`", "classname": "problems", "file": "bad.yaml", "line": "3"}
    assert (first.tag, first.attrib) == ("testcase", {**at, **time})
    assert [(each.tag, each.attrib) for each in first] == [
        ("error", {"type": "UNKNOWN_FIELD", "message": "unknown key `more`"})
    ]
    assert len(suite) > 1


def test_junit_has_the_coverage_only_if_it_is_too_low(rolecall: CommandLine) -> None:
    suites = [
        [suite.get("name") for suite in ET.fromstring(report(rolecall, "junit", *more))]
        for more in ((), ("--coverage",), ("--fail-under=50",), ("--fail-under=50.1",))
    ]

    assert suites == [["a b.yaml"]] * 3 + [["a b.yaml", "coverage"]]


@pytest.mark.parametrize("output", ["junit", "table"])
def test_a_report_in_a_file_has_no_colours_even_if_the_terminal_is_forced_to_have_them(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")

    report(rolecall, output, "--output-file=out")

    text = Path("out").read_text(encoding="utf-8")
    assert ("[1;31m" in text, "✗ DENIED  IMPLICIT_DENY" in text) == (False, True)


def region(line: int, start: int, end: int) -> dict[str, int]:
    return {"startLine": line, "startColumn": start, "endLine": line, "endColumn": end}


def test_sarif_leads_to_the_case_and_to_the_statement(rolecall: CommandLine) -> None:
    run = valid_sarif(report(rolecall, "sarif"))

    ann, carol = run["results"]
    where = [result["locations"][0]["physicalLocation"] for result in (ann, carol)]
    assert where[0] == {"artifactLocation": {"uri": "a%20b.yaml"}, "region": region(4, 6, 10)}
    assert where[1]["region"] == region(5, 6, 10)
    related = [result["relatedLocations"][0] for result in (ann, carol)]
    statement = {"artifactLocation": {"uri": "roles.yaml"}, "region": region(6, 7, 8)}
    assert [each["physicalLocation"] for each in related] == [statement, statement]
    assert [each["message"]["text"] for each in related] == [
        "/Statement/0 (Ann) decided",
        "/Statement/0 (Ann) is the closest",
    ]
    assert "to be allowed by /Statement/0" in carol["message"]["text"]


@pytest.mark.parametrize(("more", "level"), [("--coverage", "note"), ("--fail-under=100", "error")])
def test_sarif_has_the_statements_that_are_not_covered(rolecall: CommandLine, more: str, level: str) -> None:
    run = valid_sarif(report(rolecall, "sarif", more))

    uncovered = [result for result in run["results"] if result["ruleId"] == "statement-not-covered"]
    assert [
        (result["level"], result["locations"][0]["physicalLocation"]["region"]["startLine"]) for result in uncovered
    ] == [(level, 7)]


def test_sarif_names_files_outside_the_directory_by_their_whole_path(tmp_path: Path) -> None:
    result = SarifResult(rule="r", level="note", message="m", location=Location(str(tmp_path.parent / "x.yaml")))

    log = sarif_log([result])

    SARIF.validate(log)
    assert f'"uri": "{(tmp_path.parent / "x.yaml").as_uri()}"' in json.dumps(log)


def test_json_has_everything(rolecall: CommandLine) -> None:
    answer = json.loads(report(rolecall, "json", "--coverage"))

    ann, _, carol = answer["cases"]
    assert (answer["passed"], answer["summary"]) == (False, {"cases": 3, "passed": 1, "failed": 2, "not_run": 0})
    assert (ann["passed"], ann["outcome"], ann["reason"], ann["explanation"]) == (True, "ALLOW", "ALLOW", None)
    assert ann["statements"] == [{"statement": "/Statement/0 (Ann)", "file": "roles.yaml", "line": 6, "column": 7}]
    assert (carol["file"], carol["line"], carol["column"]) == ("a b.yaml", 5, 6)
    assert carol["expected"] == {"outcome": "ALLOW", "reason": "", "statement": ""}
    assert carol["explanation"]["decision"]["reason"] == "IMPLICIT_DENY"
    assert [s["covered"] for s in answer["coverage"]["roles"][0]["statements"]] == [True, False]
    assert (answer["coverage"]["percent"], answer["remarks"]) == (50.0, [])


def test_each_problem_is_an_error_in_junit_with_its_reason() -> None:
    known = Problem(location=Location("a.yaml", 3, 4), message="wrong\x07", reason="WRONG_KIND")
    other = Problem(location=Location("b.yaml"), message="empty")

    root = ET.fromstring(junit_text(Report(results=(), problems=(known, other))))

    (suite,) = root
    counts = {"tests": "2", "failures": "0", "errors": "2", "skipped": "0", "time": "0.000000"}
    assert root.attrib == {"name": "rolecall", **counts}
    assert suite.attrib == {"name": "problems", **counts}
    assert [(case.attrib, [(each.tag, each.attrib) for each in case]) for case in suite] == [
        (
            {
                "name": "a.yaml:3:4: wrong\ufffd",
                "classname": "problems",
                "file": "a.yaml",
                "line": "3",
                "time": "0.000000",
            },
            [("error", {"type": "WRONG_KIND", "message": "wrong\ufffd"})],
        ),
        (
            {"name": "b.yaml: empty", "classname": "problems", "file": "b.yaml", "line": "0", "time": "0.000000"},
            [("error", {"type": "error", "message": "empty"})],
        ),
    ]


@pytest.mark.parametrize("output", ["json", "sarif"])
def test_a_report_in_a_file_has_the_characters_of_its_texts(rolecall: CommandLine, output: str) -> None:
    Path("a b.yaml").write_text(CASES.replace("ann fails \\x07", '"é 角 \\u202e"'), encoding="utf-8")

    report(rolecall, output, "--output-file=out")

    written = Path("out").read_text(encoding="utf-8")
    assert "é 角 \\u202e" in written
    assert written.startswith("{\n  ")
    assert written.endswith("\n}\n")
    assert json.loads(written)


@pytest.mark.parametrize("output", ["table", "json", "junit", "sarif"])
def test_a_report_goes_to_a_file_and_the_table_to_the_terminal(rolecall: CommandLine, output: str) -> None:
    shown = report(rolecall, output, "--output-file", "out")

    written = Path("out").read_text(encoding="utf-8")
    assert shown.splitlines()[-1] == "✗ 2 of 3 cases failed"
    assert written.startswith({"table": "a b.yaml: ", "junit": "<?xml"}.get(output, "{"))


def test_a_report_that_cannot_be_written_is_an_error(rolecall: CommandLine) -> None:
    outcome = rolecall("test", ".", "-o", "junit", "--output-file", "nowhere/out.xml")

    assert (outcome.code, "cannot use `nowhere/out.xml`" in outcome.err) == (2, True)


def test_remarks_are_printed_beside_the_report(rolecall: CommandLine) -> None:
    Path("questions.yaml").write_text("questions: []\n")

    outcome = rolecall("test", ".", "-o", "sarif")

    assert "questions.yaml:1:1: note: skipped: " in outcome.err
    assert "remark" in {result["ruleId"] for result in valid_sarif(outcome.out)["results"]}


def test_a_long_run_moves_a_bar_on_a_terminal() -> None:
    who = ", ".join(f'"acs:ram::123456789012:user/u{number}"' for number in range(200))
    Path("a b.yaml").write_text(
        f"apiVersion: rolecall/v1\ncases:\n  - {{name: users, as: [{who}], role: deploy, expect: DENY}}\n"
    )
    ours, theirs = pty.openpty()

    done = subprocess.run(
        [sys.executable, "-m", "rolecall", "test", "."],
        env=environment(TERM="xterm", COLUMNS="100"),
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=False,
    )
    os.close(theirs)
    seen = os.read(ours, 65_536)
    os.close(ours)

    assert (done.returncode, done.stdout.decode().splitlines()[-1]) == (0, "✓ 200 cases passed")
    assert b"testing" in seen


class TestValidate:
    OPEN = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:root"}}]}'

    @pytest.mark.parametrize(("least", "code"), [("error", 0), ("warning", 2), ("note", 2)])
    def test_a_warning_fails_with_the_option(self, rolecall: CommandLine, least: str, code: int) -> None:
        Path("p.json").write_text(self.OPEN)

        outcome = rolecall("validate", "p.json", "--fail-on", least)

        assert (outcome.code, ": warning: " in outcome.out) == (code, True)

    def test_a_broken_rule_fails_always(self, rolecall: CommandLine) -> None:
        Path("p.json").write_text("{}")

        assert [rolecall("validate", "p.json", "--fail-on", least).code for least in ("error", "note")] == [2, 2]

    def test_sarif_has_every_problem_at_its_line(self, rolecall: CommandLine) -> None:
        Path("p.json").write_text('{\n"Version": "2", "Statement": []}')
        Path("q.json").write_text(self.OPEN)

        outcome = rolecall("validate", "p.json", "q.json", "-o", "sarif")

        results = valid_sarif(outcome.out)["results"]
        found = {
            (r["ruleId"], r["level"], r["locations"][0]["physicalLocation"]["region"]["startLine"]) for r in results
        }
        assert outcome.code == 2
        assert {("UNSUPPORTED_VERSION", "error", 2), ("EMPTY_STATEMENTS", "error", 2)} <= found
        assert ("warning", 1) in {each[1:] for each in found}

    def test_a_plan_is_validated_and_each_problem_names_its_resource_and_element(self, rolecall: CommandLine) -> None:
        facts = {"mode": "managed", "type": "alicloud_ram_role"}
        resources = [
            {**facts, "address": "alicloud_ram_role.a", "values": {"name": "a", "document": self.OPEN}},
            {**facts, "address": "alicloud_ram_role.b", "values": {"name": "b", "document": "{}"}},
            {**facts, "address": "alicloud_ram_role.c", "values": {"name": "c"}},
        ]
        plan = {"format_version": "1.2", "planned_values": {"root_module": {"resources": resources}}}
        Path("plan.json").write_text(json.dumps(plan))

        outcome = rolecall("validate", "plan.json")

        assert outcome.code == 2
        assert "warning: `alicloud_ram_role.a`: /Statement/0" in outcome.out
        assert "error: `alicloud_ram_role.b`: /: " in outcome.out
        assert "warning: `alicloud_ram_role.c`: the trust policy is not known" in outcome.out

    def test_a_directory_is_searched_and_skipped_files_are_reported(self, rolecall: CommandLine) -> None:
        Path("p.json").write_text(self.OPEN)
        Path("app.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")

        outcome = rolecall("validate", ".")

        assert outcome.code == 0
        assert "a b.yaml: note: a case file has no trust policy" in outcome.out
        assert "app.yaml:1:1: note: " in outcome.out
        assert outcome.out.splitlines()[-1].startswith("✓ 2 trust policies: ")

    def test_naming_a_case_file_is_an_error(self, rolecall: CommandLine) -> None:
        outcome = rolecall("validate", "a b.yaml")

        assert (outcome.code, "help: `rolecall test` runs them" in outcome.out) == (2, True)
