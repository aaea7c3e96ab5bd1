"""Every finding and every violation is explained by examples that are what they are said to be."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from rolecall.callers import lint as callers_lint
from rolecall.callers.document import read_callers
from rolecall.callers.lint import lint_callers
from rolecall.cli.linting.configuration import CONFIGURED_FINDINGS, FINDINGS
from rolecall.cli.linting.explained import explanations
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.kind import PolicyKind, kind_of_policy
from rolecall.policy.linting.lint import lint
from rolecall.policy.parser import parse_policy
from rolecall.policy.permission.lint import lint_permissions
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.profile import Profile
from rolecall.security.yaml_values import read_yaml
from tests.cli.conftest import CommandLine
from tests.cli.findings_page import PAGE, written_page
from tests.cli.serving import REPOSITORY
from tests.repository.tree import DOCS

EXPLANATIONS = REPOSITORY / "service/rolecall/cli/linting/explanations"
NOW = 1_800_000_000_000_000
ABOUT_FILES = {*CONFIGURED_FINDINGS, "LINT_CONFIGURATION"}
POLICY_SECTION = (
    (DOCS / "errors.md").read_text().partition("## Reasons of violations in a policy")[2].partition("\n## ")[0]
)
VIOLATIONS = {
    reason
    for row in re.findall(r"^\| (`.+?) \|", POLICY_SECTION, re.MULTILINE)
    for reason in re.findall("`([A-Z_]+)`", row)
}
ABOUT_ROLES = set(yaml.safe_load((EXPLANATIONS / "role-violations.yaml").read_text()))
ABOUT_CALLERS = set(yaml.safe_load((EXPLANATIONS / "callers-findings.yaml").read_text()))
ABOUT_REQUESTS = set(yaml.safe_load((EXPLANATIONS / "request-violations.yaml").read_text()))
IDS = sorted(set(explanations()) - ABOUT_FILES - ABOUT_ROLES - ABOUT_CALLERS - ABOUT_REQUESTS)


def judged(example: str, name: str) -> set[str]:
    """Return the findings and the reasons of violations of an example."""
    text = example if "Version" in example else f'{{"Version": "1", "Statement": [{example}]}}'
    profile = Profile.RAM if name == "NOT_IN_RAM" else Profile.ROLECALL
    try:
        return set(_findings(text, profile))
    except InvalidPolicyError as error:
        return {violation.reason for violation in error.violations}


def _findings(text: str, profile: Profile) -> Iterator[str]:
    try:
        kind = kind_of_policy(json.loads(text))
    except ValueError:
        kind = PolicyKind.TRUST
    if kind is PolicyKind.PERMISSION:
        found = lint_permissions(parse_permission_policy(text, profile=profile), now=NOW)
    else:
        found = lint(parse_policy(text, profile=profile), now=NOW, account="123456789012")
    return (finding.id for finding in found)


def test_every_finding_and_every_violation_is_explained() -> None:
    assert set(IDS) == {*FINDINGS, *VIOLATIONS}
    assert len(VIOLATIONS) > 40


@pytest.mark.parametrize("name", [name for name in IDS if explanations()[name].wrong.startswith("{")])
def test_the_wrong_example_has_the_problem_and_the_right_one_has_none(name: str) -> None:
    explained = explanations()[name]

    assert name in judged(explained.wrong, name)
    assert judged(explained.right, name) == set()


@pytest.mark.parametrize("name", [name for name in sorted(ABOUT_ROLES) if "\n" in explanations()[name].right])
def test_the_wrong_example_of_a_role_has_the_problem_and_the_right_one_has_none(
    rolecall: CommandLine, tmp_path: Path, name: str
) -> None:
    explained, file = explanations()[name], tmp_path / "f.yaml"

    def reasons(example: str) -> set[str]:
        path = file if example.startswith("apiVersion") else file.with_suffix(".json")
        path.write_text(example)
        return {each["reason"] for each in json.loads(rolecall("validate", str(path), "-o", "json").out)["problems"]}

    assert name in reasons(explained.wrong)
    assert reasons(explained.right) == set()


@pytest.mark.parametrize("name", [name for name in sorted(ABOUT_CALLERS) if "\n" in explanations()[name].wrong])
def test_the_wrong_example_of_a_callers_file_has_the_problem_and_the_right_one_has_none(name: str) -> None:
    explained = explanations()[name]

    def found(example: str) -> set[tuple[str, str]]:
        return {(each.id, each.severity) for each in lint_callers(read_callers(read_yaml(example, "").value), now=NOW)}

    assert (name, explained.severity) in found(explained.wrong)
    assert found(explained.right) == set()


def test_every_finding_about_callers_is_explained() -> None:
    assert set(re.findall(r'_finding\(\s+"([a-z-]+)"', inspect.getsource(callers_lint))) == ABOUT_CALLERS - {
        "listed-host"
    }


def test_every_reason_of_a_request_and_of_a_file_is_explained() -> None:
    page = (DOCS / "errors.md").read_text().partition("## Reasons of violations in a policy")[2]
    documented = {
        reason for row in re.findall(r"^\| (`.+?) \|", page, re.MULTILINE) for reason in re.findall("`([A-Z_]+)`", row)
    }
    sources = "".join(path.read_text() for path in (REPOSITORY / "service/rolecall/cli").rglob("*.py"))
    reported = set(re.findall(r'reason="([A-Z_]+|[a-z]+-[a-z-]+)"', sources))

    assert documented | reported <= set(explanations())
    assert min(len(documented), len(reported)) > 10


@pytest.mark.parametrize("name", sorted(explanations()))
def test_an_explanation_is_sentences(name: str) -> None:
    explained = explanations()[name]

    assert all(text.endswith(".") for text in (explained.why, explained.fix))
    assert not explained.what.endswith(".")


def test_what_a_finding_is_about_is_said_alike_on_the_pages_of_the_languages() -> None:
    pages = (DOCS / "policy-language.md").read_text() + (DOCS / "permission-policies.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| (?:error|warning|note) \| (.+) \|$", pages, re.MULTILINE)
    said = {(name, re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", words)) for name, words in rows}

    assert {(name, explanations()[name].what) for name in FINDINGS} <= said


def test_the_page_of_findings_is_what_the_explanations_make_of_it() -> None:
    assert PAGE.read_text() == written_page()


def test_an_id_is_explained_in_any_case(rolecall: CommandLine) -> None:
    outcome = rolecall("lint", "--explain", "duplicate_key")

    assert outcome.code == 0
    assert outcome.out.startswith("DUPLICATE_KEY (error): an object names a member twice\n\nwhy: ")
    assert all(f"\n{part}:" in outcome.out for part in ("wrong", "right", "fix"))


@pytest.mark.parametrize("written", ["open-network", "Open-Network", "OPEN-NETWORK"])
def test_a_finding_is_explained_in_any_case(rolecall: CommandLine, written: str) -> None:
    assert rolecall("lint", "--explain", written).out.startswith("open-network (warning): ")


def test_an_explanation_is_an_object_in_json(rolecall: CommandLine) -> None:
    explained = json.loads(rolecall("lint", "--explain", "open-network", "-o", "json").out)

    assert explained == dict(explanations()["open-network"].record())


def test_without_an_id_all_are_listed(rolecall: CommandLine) -> None:
    table, listed = rolecall("lint"), json.loads(rolecall("lint", "-o", "json").out)["explanations"]

    assert [each["id"] for each in listed] == [line.partition(" ")[0] for line in table.out.splitlines()]
    assert {each["id"] for each in listed} == set(explanations())


def test_an_unknown_id_and_files_are_refused_with_what_to_do(rolecall: CommandLine) -> None:
    unknown, files = rolecall("lint", "--explain", "open-netwrok"), rolecall("lint", "p.json")

    assert (unknown.code, "did you mean `open-network`?" in unknown.err) == (2, True)
    assert (files.code, "write `rolecall validate p.json`" in files.err) == (2, True)
    assert rolecall("lint", "open-network").err.splitlines() == [
        "error: `rolecall lint` reads no files",
        "  help: write `rolecall lint --explain open-network`",
    ]
    assert "write `rolecall validate open-network p.json`" in rolecall("lint", "open-network", "p.json").err
    assert rolecall("lint", "--explain", "zzz").err.splitlines() == [
        "error: there is no finding or reason `zzz`",
        "  help: `rolecall lint` lists all",
    ]
