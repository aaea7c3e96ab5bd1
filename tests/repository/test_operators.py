"""An operator is complete: it has a phrase, vectors in every situation, and its place in the documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, NamedTuple

import pytest

from rolecall.policy.document import Quantifier
from rolecall.policy.operators import OPERATORS, Family, Operator
from tests.repository.tree import DOCS, ROOT

VECTORS = ROOT / "tests/vectors/decisions"
OPERATOR_TABLE = re.findall(
    r"^\| (?:text|number|date|boolean|address) \| ([^|]*) \|", (DOCS / "policy-language.md").read_text(), re.MULTILINE
)
COMPATIBILITY = re.findall(r"^\| (.*) \| [^|]* \|$", (DOCS / "ram-compatibility.md").read_text(), re.MULTILINE)

every_operator = pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda operator: operator.name)
every_prefix = pytest.mark.parametrize("prefix", Quantifier, ids=lambda prefix: prefix.rstrip(":") or "plain")


class Shown(NamedTuple):
    """One vector of a conditioned statement: its set prefix, expected and requested values, and whether it applies."""

    prefix: str
    effect: str
    expected: list[str]
    requested: list[str]
    applies: bool


@cache
def shown(name: str) -> tuple[Shown, ...]:
    return tuple(_shown(name, json.loads((VECTORS / f"operator-{name}.json").read_text())))


def _shown(name: str, file: dict[str, Any]) -> Iterator[Shown]:
    for index, statement in enumerate(file["trust_policy"]["Statement"]):
        for spelled, compared in statement.get("Condition", {}).items():
            prefix = spelled.removesuffix(name)
            ((key, expected),) = compared.items()
            for case in file["cases"]:
                if case["principal"] == statement["Principal"]["RAM"]:
                    yield Shown(
                        prefix,
                        statement["Effect"],
                        expected if isinstance(expected, list) else [expected],
                        case["context"].get(key, []),
                        f"/Statement/{index}" in case["expect"]["determining"],
                    )


def is_readable(operator: Operator, value: str) -> bool:
    try:
        operator.requested(value)
    except ValueError:
        return False
    return True


def test_an_operator_cannot_be_made_without_a_phrase() -> None:
    phrase = next(field for field in fields(Operator) if field.name == "phrase")

    assert phrase.default is MISSING
    assert phrase.default_factory is MISSING


@every_operator
def test_an_operator_has_a_phrase_that_says_whether_it_is_negated(operator: Operator) -> None:
    assert re.fullmatch(r"[a-z][a-z, ]*[a-z,]", operator.phrase)
    assert not operator.negated or re.search(r"\bnot\b", operator.phrase)


@every_prefix
@every_operator
def test_an_operator_has_vectors_for_a_match_and_for_no_match(operator: Operator, prefix: Quantifier) -> None:
    for effect in ("Allow", "Deny"):
        alone = [s for s in shown(operator.name) if (s.prefix, s.effect, len(s.requested)) == (prefix, effect, 1)]
        readable = [s for s in alone if is_readable(operator, *s.requested)]

        assert {s.applies for s in readable} == {True, False}, effect


@every_prefix
@every_operator
def test_an_operator_has_vectors_for_a_missing_key(operator: Operator, prefix: Quantifier) -> None:
    holds = prefix is Quantifier.FOR_ALL or (prefix is Quantifier.NONE and operator.negated)

    missing = [(s.effect, s.applies) for s in shown(operator.name) if s.prefix == prefix and not s.requested]

    assert {("Allow", holds), ("Deny", holds)} == set(missing)


@every_prefix
@every_operator
def test_an_operator_has_vectors_for_several_values(operator: Operator, prefix: Quantifier) -> None:
    several = [s for s in shown(operator.name) if s.prefix == prefix and len(s.requested) > 1]

    assert {(s.effect, s.applies) for s in several} == {(e, a) for e in ("Allow", "Deny") for a in (True, False)}


@every_operator
def test_an_operator_has_vectors_for_several_expected_values(operator: Operator) -> None:
    several = [s for s in shown(operator.name) if len(s.expected) > 1]

    assert {(s.effect, s.applies) for s in several} == {(e, a) for e in ("Allow", "Deny") for a in (True, False)}


@every_prefix
@pytest.mark.parametrize(
    "operator", [o for o in OPERATORS.values() if o.family is not Family.STRING], ids=lambda operator: operator.name
)
def test_an_operator_has_vectors_for_an_unreadable_value(operator: Operator, prefix: Quantifier) -> None:
    unreadable = [s for s in shown(operator.name) if not all(is_readable(operator, v) for v in s.requested)]
    here = [s for s in unreadable if s.prefix == prefix]

    assert {(s.effect, s.applies) for s in here} == {("Allow", False), ("Deny", True)}
    assert {len(s.requested) for s in here} == {1, 2}


@every_operator
def test_an_operator_is_in_the_table_of_the_language(operator: Operator) -> None:
    assert sum(f"`{operator.name}`" in row for row in OPERATOR_TABLE) == 1


@every_operator
def test_an_operator_has_a_line_about_its_compatibility(operator: Operator) -> None:
    family = f"{operator.family} operators"

    assert any(f"`{operator.name}`" in rule or rule.startswith(family) for rule in COMPATIBILITY)
