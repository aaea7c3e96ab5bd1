"""The pages about the policy language are complete and their examples are valid."""

from __future__ import annotations

import json
import re

import pytest

from rolecall.policy.operators import OPERATORS
from rolecall.policy.parser import parse_policy
from tests.repository.tree import DOCS, ROOT

LANGUAGE = (DOCS / "policy-language.md").read_text()
COMPATIBILITY = (DOCS / "ram-compatibility.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)```", LANGUAGE, re.DOTALL)
EXAMPLES += re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
MARKS = {"documented", "seen", "inferred", "ours"}


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_every_operator_is_on_the_page(operator: str) -> None:
    assert f"`{operator}`" in LANGUAGE


@pytest.mark.parametrize("document", EXAMPLES)
def test_every_example_is_a_trust_policy(document: str) -> None:
    policy = parse_policy(document)

    assert len(policy.statements) == len(json.loads(document)["Statement"])


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 4


def test_every_rule_states_its_source() -> None:
    rows = [line.strip("| ").rpartition(" | ") for line in COMPATIBILITY.splitlines() if line.startswith("| ")]
    rules = [(rule, mark) for rule, _, mark in rows if rule not in MARKS | {"rule", "mark"}]

    unmarked = [rule for rule, mark in rules if not MARKS & set(re.findall("[a-z]+", mark))]

    assert len(rules) > 80
    assert unmarked == []


def test_the_page_says_that_nothing_was_tested_against_the_live_service() -> None:
    assert "Nothing on this page was tested against the live service" in COMPATIBILITY
