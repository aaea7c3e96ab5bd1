"""The pages about the policy languages are complete and their examples are valid."""

from __future__ import annotations

import json
import re

import pytest

from rolecall.policy.foreign_names import ForeignName, foreign_key, foreign_service
from rolecall.policy.linting.findings import Severity
from rolecall.policy.linting.rules import RULES as TRUST_RULES
from rolecall.policy.operators import OPERATORS
from rolecall.policy.parser import parse_policy
from rolecall.policy.permission.lint import lint_permissions
from rolecall.policy.permission.lint_rules import RULES
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES
from tests.repository.tree import DOCS, ROOT

LANGUAGE = (DOCS / "policy-language.md").read_text()
PERMISSIONS = (DOCS / "permission-policies.md").read_text()
COMPATIBILITY = (DOCS / "ram-compatibility.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)```", LANGUAGE, re.DOTALL)
EXAMPLES += re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
PERMISSION_EXAMPLES = re.findall(r"```json\n(.*?)```", PERMISSIONS, re.DOTALL)
MARKS = {"documented", "seen", "inferred", "ours"}


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_every_operator_is_on_the_page(operator: str) -> None:
    assert f"`{operator}`" in LANGUAGE


@pytest.mark.parametrize("document", EXAMPLES)
def test_every_example_is_a_trust_policy(document: str) -> None:
    policy = parse_policy(document)

    assert len(policy.statements) == len(json.loads(document)["Statement"])


@pytest.mark.parametrize("document", PERMISSION_EXAMPLES)
def test_every_example_is_a_permission_policy_without_an_error(document: str) -> None:
    policy = parse_permission_policy(document)

    assert Severity.ERROR not in {finding.severity for finding in lint_permissions(policy, now=0)}


def test_the_pages_have_examples() -> None:
    assert len(EXAMPLES) >= 4
    assert len(PERMISSION_EXAMPLES) >= 3


def test_every_finding_about_permission_policies_is_on_the_page_with_its_severity() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning|note) \|", PERMISSIONS, re.MULTILINE)

    assert rows == [(rule.id, rule.severity) for rule in RULES]


def test_every_finding_about_trust_policies_is_on_the_page_with_its_severity() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning|note) \|", LANGUAGE, re.MULTILINE)

    assert rows == [(rule.id, rule.severity) for rule in TRUST_RULES]


def test_the_page_has_the_names_of_other_clouds_with_the_own_ones() -> None:
    rows = re.findall(r"^\| (.+) \| (.+) \|$", LANGUAGE.partition("### Names of other")[2], re.MULTILINE)
    pairs = [zip(*(re.findall("`([^`]+)`", cell) for cell in row), strict=False) for row in rows]
    keys, services = {**dict(pairs[1]), **dict(pairs[2]), **dict(pairs[3])}, dict(pairs[6])
    del services["amazonaws.com"]

    assert (len(keys), len(services)) == (12, 11)
    assert {key: foreign_key(key) for key in keys} == {key: ForeignName("AWS", own) for key, own in keys.items()}
    for service, own in services.items():
        assert foreign_service(f"{service}.amazonaws.com") == ForeignName("AWS", f"{own}.aliyuncs.com")


def test_every_system_policy_is_on_the_page() -> None:
    assert re.findall(
        r"^\| `((?:[A-Z][A-Za-z]+)+)` \|", PERMISSIONS.partition("## System")[2].partition("## Why")[0], re.MULTILINE
    ) == [*SYSTEM_POLICIES]


def test_every_rule_states_its_source() -> None:
    rows = [line.strip("| ").rpartition(" | ") for line in COMPATIBILITY.splitlines() if line.startswith("| ")]
    rules = [(rule, mark) for rule, _, mark in rows if rule not in MARKS | {"rule", "mark"}]

    unmarked = [rule for rule, mark in rules if not MARKS & set(re.findall("[a-z]+", mark))]

    assert len(rules) > 80
    assert unmarked == []


def test_the_page_says_that_nothing_was_tested_against_the_live_service() -> None:
    assert "Nothing on this page was tested against the live service" in COMPATIBILITY
