"""SARIF has all that code scanning services show: what a rule is, why it matters, the fix, the region, and what stays the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.linting.explained import explanations
from rolecall.cli.problems.problem import Location
from rolecall.cli.problems.sarif import SarifResult, sarif_log
from rolecall.cli.problems.sarif_regions import Regions
from tests.cli.conftest import CommandLine
from tests.cli.test_policy_test_reports import valid_sarif

OPEN = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::42:root"}}]}'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def results(rolecall: CommandLine, *files: str) -> list[Any]:
    run = valid_sarif(rolecall("validate", *files, "-o", "sarif").out)
    found: list[Any] = run["results"]
    return found


def test_a_rule_has_all_that_its_explanation_says(rolecall: CommandLine, here: Path) -> None:
    (here / "p.json").write_text(OPEN)

    run = valid_sarif(rolecall("validate", "p.json", "-o", "sarif").out)

    (rule,) = run["tool"]["driver"]["rules"]
    explained = explanations()["root-without-external-id"]
    assert (rule["id"], rule["name"]) == ("root-without-external-id", "RootWithoutExternalId")
    assert explained.why in rule["fullDescription"]["text"]
    assert all(text in rule["help"]["markdown"] for text in (explained.wrong, explained.right, explained.fix))
    assert rule["helpUri"].endswith("#root-without-external-id")
    assert rule["defaultConfiguration"] == {"level": "warning"}


def test_a_region_ends_where_the_value_ends(rolecall: CommandLine, here: Path) -> None:
    (here / "p.json").write_text(OPEN)

    (result,) = results(rolecall, "p.json")

    region = result["locations"][0]["physicalLocation"]["region"]
    start, end = region["startColumn"] - 1, region["endColumn"] - 1
    assert (region["startLine"], region["endLine"], OPEN[start:end]) == (1, 1, '"acs:ram::42:root"')


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ('a: "b \\" c", d', 4, '"b \\" c"'),
        ("a: 'b '' c', d", 4, "'b '' c'"),
        ("a: bcd # e", 4, "bcd"),
        ("{a: 1}", 1, "{"),
        ("a: \U0001f600x", 4, "\U0001f600x"),
        ('a: "not closed', 4, '"'),
    ],
)
def test_a_region_is_one_word_or_one_text(here: Path, text: str, column: int, part: str) -> None:
    (here / "f.yaml").write_text(f"first\u2028line\n{text}\n")

    region = Regions().region(Location("f.yaml", 2, column))

    assert text[column - 1 : region["endColumn"] - 1] == part


@pytest.mark.parametrize(
    "location",
    [
        Location("f", 9, 1),
        Location("f", 2, 1),
        Location("f", 1, 99),
        Location("f", 1),
        Location("missing", 1, 1),
        Location("latin", 1, 1),
        Location("folder", 1, 1),
    ],
)
def test_a_region_that_is_not_in_the_file_has_no_end(here: Path, location: Location) -> None:
    (here / "f").write_text("text\n")
    (here / "latin").write_bytes(b"text \xe9\n")
    (here / "folder").mkdir()

    assert Regions().region(location).keys() == {"startLine", "startColumn"}


def test_a_fingerprint_stays_when_lines_are_added_before(rolecall: CommandLine, here: Path) -> None:
    (here / "p.json").write_text(OPEN)
    (before,) = results(rolecall, "p.json")
    (here / "p.json").write_text("\n\n" + OPEN)

    (after,) = results(rolecall, "p.json")

    assert before["partialFingerprints"] == after["partialFingerprints"]
    assert before["locations"] != after["locations"]


def test_fingerprints_of_one_run_are_unique() -> None:
    one = SarifResult(rule="r", level="note", message="m", location=Location("/x", 1, 1), pointer="/a")
    same = SarifResult(rule="r", level="note", message="n", location=Location("/x", 7, 1), pointer="/a")
    other = SarifResult(rule="r", level="note", message="m", location=Location("/x", 1, 1), pointer="/a", role="b")

    log: Any = json.loads(json.dumps(sarif_log([one, same, other])))

    found = [result["partialFingerprints"]["rolecallFinding/v1"] for result in log["runs"][0]["results"]]
    assert len({*found, found[0].partition(":")[0]}) == 4
    assert found[0].partition(":")[0] == found[1].partition(":")[0] != found[2].partition(":")[0]


def test_a_fix_that_changes_the_meaning_is_marked(rolecall: CommandLine, here: Path) -> None:
    (here / "p.json").write_text(OPEN.replace('{"RAM": "acs:ram::42:root"}', '{"Service": "ec2.amazonaws.com"}'))

    (result,) = results(rolecall, "p.json")

    assert (result["ruleId"], result["properties"]) == ("foreign-service", {"changesMeaning": True})
    assert "fixes" not in result


def test_a_failed_case_names_every_statement_that_decided_and_all_that_would_help(
    rolecall: CommandLine, here: Path
) -> None:
    ann = "acs:ram::42:user/ann"
    common = {"Action": "sts:AssumeRole", "Principal": {"RAM": ann}}
    denied = [{"Bool": {"acs:SecureTransport": "true"}}, {"StringEquals": {"app:T": "b"}}]
    statements = [
        {"Effect": "Allow", **common},
        *({"Effect": "Deny", **common, "Condition": condition} for condition in denied),
    ]
    policy = {"Version": "1", "Statement": statements}
    role = {"apiVersion": "rolecall/v1", "name": "app", "account_id": "42", "trust_policy": policy}
    keys = {"acs:SecureTransport": "true", "app:T": "b"}
    case = {"name": "one", "as": ann, "role": "42/app", "expect": "ALLOW", "context": keys}
    (here / "r.json").write_text(json.dumps(role))
    (here / "c.json").write_text(json.dumps({"apiVersion": "rolecall/v1", "cases": [case]}))

    (result,) = valid_sarif(rolecall("test", ".", "-o", "sarif").out)["results"]

    assert result["message"]["text"] == (
        "case `one`: expected ALLOW, got EXPLICIT_DENY by /Statement/1, /Statement/2"
        "; the Deny at /Statement/1 applies: send a `acs:SecureTransport` for which Bool `true` does not hold"
        ", or change that statement"
        "; the Deny at /Statement/2 applies: send a `app:T` for which StringEquals `b` does not hold"
        ", or change that statement"
    )


def test_half_of_a_character_has_a_fingerprint_too() -> None:
    halves = [
        SarifResult(rule="r", level="note", message=text, location=Location("/x")) for text in ("\ud800", "\udc00")
    ]

    log: Any = json.loads(json.dumps(sarif_log(halves)))

    found = [result["partialFingerprints"]["rolecallFinding/v1"] for result in log["runs"][0]["results"]]
    assert len(set(found)) == 2
