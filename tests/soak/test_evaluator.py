"""The evaluator of the soak run agrees with the vectors, and depends on nothing that it is compared with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rolecall.policy.operators import OPERATORS
from tests.soak.evaluator import Asked, boundaries, decide, possibility
from tests.soak.values import Unreadable, instant, like, number
from tests.soak.vocabulary import OPERATORS as OPERATORS_DRAWN
from tests.vectors.cases import files

Json = dict[str, Any]

PARTS = ("values", "conditions", "identities", "evaluator")


def imported(part: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((Path(__file__).parent / f"{part}.py").read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def asked(case: Json) -> Asked:
    federated = case.get("federated")
    return Asked(
        principal=federated["provider_arn"] if federated else case["principal"],
        claims=federated["claims"] if federated else None,
        context=case["context"],
        session_name=case.get("role_session_name", ""),
        external_id=case.get("external_id", ""),
        source_identity=case.get("source_identity", ""),
    )


@pytest.mark.parametrize("part", PARTS)
def test_the_evaluator_imports_neither_the_product_nor_the_other_oracle(part: str) -> None:
    foreign = [
        name for name in imported(part) if name.startswith(("rolecall", "tests", "ipaddress", "decimal", "datetime"))
    ]

    assert set(foreign) <= {"tests.soak", *(f"tests.soak.{other}" for other in PARTS)}


def test_every_operator_of_the_language_is_drawn() -> None:
    assert {name for names in OPERATORS_DRAWN.values() for name in names} == set(OPERATORS)


@pytest.mark.parametrize("vectors", files("decisions"))
def test_the_evaluator_agrees_with_the_vectors(vectors: Json) -> None:
    role = vectors["role"]
    account = role["arn"].split(":")[3]

    for case in vectors["cases"]:
        verdict = decide(vectors["trust_policy"], asked(case), account, role["tags"], instant(case["time"]))

        found = [verdict.reason, [f"/Statement/{index}" for index in verdict.determining], sorted(verdict.missing)]
        expected = case["expect"]
        assert found == [expected["reason"], expected["determining"], expected["missing_keys"]], case["name"]


@pytest.mark.parametrize("vectors", files("decisions"))
def test_a_decision_of_the_vectors_ends_at_a_boundary(vectors: Json) -> None:
    ends = {case["expect"]["valid_until"] for case in vectors["cases"]} - {None}

    assert {instant(end) for end in ends} <= set(boundaries(vectors["trust_policy"]))


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [("", "", True), ("*", "", True), ("**", "a", True), ("?", "", False), ("?", "😀", True), ("a*?c", "abc", True),
     ("a*?c", "ac", False), ("*a*b", "xaxb", True), ("*a*b", "xbxa", False), ("[a]", "a", False), ("*", "a\nb", True)],
)  # fmt: skip
def test_a_pattern_matches(pattern: str, text: str, matches: bool) -> None:
    assert like(pattern, text) is matches


@pytest.mark.parametrize("text", ["", "+", "1.", ".5", "1e3", " 1", "1 ", "٣", "1_0", "0x1", "--1"])
def test_what_is_no_number_cannot_be_read(text: str) -> None:
    with pytest.raises(Unreadable):
        number(text)


def test_an_instant_is_that_of_the_calendar() -> None:
    assert instant("1970-01-01T00:00:00Z") == 0
    assert instant("2024-02-29T23:59:59.000001+00:30") == 1_709_249_399_000_001
    for text in (
        "2023-02-29T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:00.1234567Z",
    ):
        with pytest.raises(Unreadable):
            instant(text)


def test_what_may_become_possible_names_the_keys_that_can_be_sent() -> None:
    anybody = {"RAM": "acs:ram::1:root"}
    keys = {"StringEquals": {"k": "v", "oidc:sub": "s"}}
    allows = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": anybody}
    user = Asked(principal="acs:ram::1:user/a")

    assert possibility({"Statement": [allows | {"Condition": keys}]}, user, "1", {}, 0) is None
    assert possibility({"Statement": [allows | {"Condition": {"Bool": {"k": "true"}}}]}, user, "1", {}, 0) == frozenset(
        {"k"}
    )
    assert possibility({"Statement": [allows, allows | {"Effect": "Deny"}]}, user, "1", {}, 0) is None
