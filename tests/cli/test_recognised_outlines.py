"""By which names at its top level a document is known, also where these are all that it has."""

from __future__ import annotations

import pytest

from rolecall.cli.sources.kind import Outline
from rolecall.cli.sources.kinds import kind_of
from rolecall.cli.sources.policies import resembles_policy

BLOCKS = (
    *("//", "check", "data", "import", "locals", "module", "moved", "output", "provider", "removed", "resource"),
    *("terraform", "variable"),
)
"""What the configuration of terraform has at its top level, `//` for comments."""
CALLERS, LINTER = "a callers file", "a configuration of the linter"
STATE, CONFIGURATION = "a terraform state file", "terraform configuration in JSON"
PLAN, AWS, TEMPLATE = "a terraform plan in YAML", "a template of AWS CloudFormation", "a ROS template"


def kind(*names: str, is_json: bool) -> str:
    found = kind_of(Outline(names=names, is_json=is_json))
    return found.name if found else ""


@pytest.mark.parametrize("is_json", [True, False])
@pytest.mark.parametrize(
    ("names", "known"),
    [
        ("version lineage", STATE),
        ("version terraform_version resources", STATE),
        ("version terraform_version", ""),
        ("version resources", ""),
        ("terraform_version resources", ""),
        ("version", ""),
        ("lineage", ""),
        ("callers", CALLERS),
        ("callers issuers", CALLERS),
        ("callers apiVersion", ""),
        ("callers roles", "a file of roles"),
        ("issuers", ""),
        ("suppressions", LINTER),
        ("severities", LINTER),
        ("trusted_accounts", LINTER),
        ("severities apiVersion", ""),
        ("suppressions roles", "a file of roles"),
        ("AWSTemplateFormatVersion", AWS),
        ("AWSTemplateFormatVersion Resources", AWS),
        ("ROSTemplateFormatVersion", TEMPLATE),
        ("Resources", ""),
        ("apiVersion kind", "a Kubernetes manifest"),
        ("apiVersion kind cases", "a file of test cases"),
    ],
)
def test_a_document_is_known_by_its_names(names: str, known: str, is_json: bool) -> None:
    assert kind(*names.split(), is_json=is_json) == known


def test_configuration_of_terraform_in_json_has_nothing_but_its_blocks() -> None:
    assert kind("resource", is_json=True) == CONFIGURATION
    assert kind(*BLOCKS, is_json=True) == CONFIGURATION
    assert [kind("resource", block, is_json=True) for block in BLOCKS] == [CONFIGURATION] * len(BLOCKS)
    assert kind(*(block for block in BLOCKS if block != "resource"), is_json=True) == ""
    assert kind("resource", "more", is_json=True) == ""
    assert kind("resource", is_json=False) == ""


@pytest.mark.parametrize("name", ["planned_values", "resource_changes", "values", "terraform_version"])
def test_a_plan_in_yaml_is_known_by_its_version_and_another_name(name: str) -> None:
    assert kind("format_version", name, is_json=False) == PLAN
    assert (kind(name, is_json=False), kind("format_version", is_json=False)) == ("", "")
    assert kind("format_version", name, is_json=True) == ""


def test_a_policy_is_known_by_each_of_its_two_names_and_is_written_in_json() -> None:
    assert [kind(name, is_json=True) for name in ("Version", "Statement", "version")] == ["a policy", "a policy", ""]
    assert [kind(name, is_json=False) for name in ("Version", "Statement")] == ["", "a policy in YAML"]


@pytest.mark.parametrize(
    "member",
    ["Version", "Statement", "Statements", "Effect", "Action", "Principal", "Resource", "Condition"],
)
def test_a_file_that_was_named_resembles_a_policy_by_any_member_of_one(member: str) -> None:
    assert resembles_policy({member: 1})
    assert resembles_policy({member.upper(): 1})
    assert resembles_policy([{"x": 1}, {member: 1}])
    assert not resembles_policy({f"{member}x": 1})
