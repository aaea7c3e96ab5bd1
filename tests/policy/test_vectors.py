"""The product gives the answers of the vectors, which are the normative form of the language."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from rolecall.policy.errors import InvalidPolicyError, InvalidPrincipalError, Violation
from rolecall.policy.keys import reserved_hint
from rolecall.policy.operators import OPERATORS
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import principal_of_request, provider_of_request
from rolecall.policy.profile import Profile
from tests.policy.product import decide_product
from tests.policy.vectors import VECTORS, cases, expected_of, files, question_of
from tests.vectors.generate import stale

Json = dict[str, Any]


def test_the_files_are_what_their_tables_say() -> None:
    assert stale() == []


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        pytest.param(kind, *param.values, id=f"{kind}/{param.id}")
        for kind in ("decisions", "documents", "questions")
        for param in files(kind)
    ],
)
def test_a_file_keeps_its_schema(kind: str, file: Json) -> None:
    schema = json.loads((VECTORS / "schema" / f"{kind}.schema.json").read_text("utf-8"))

    jsonschema.Draft202012Validator(schema).validate(file)


def test_every_operator_has_a_file() -> None:
    shown = {path.stem.removeprefix("operator-") for path in (VECTORS / "decisions").glob("operator-*.json")}

    assert shown == set(OPERATORS)
    assert len(shown) == 23


def test_every_reason_of_the_schema_is_shown() -> None:
    schema = json.loads((VECTORS / "schema" / "documents.schema.json").read_text("utf-8"))
    violations = schema["properties"]["cases"]["items"]["properties"]["violations"]
    told = set(violations["items"]["properties"]["reason"]["enum"])

    shown = {violation["reason"] for param in cases("documents") for violation in param.values[1]["violations"]}

    assert shown == told


@pytest.mark.parametrize(("facts", "case"), cases("decisions"))
def test_a_decision(facts: Json, case: Json) -> None:
    answer = decide_product(facts["trust_policy"], question_of(facts, case))

    assert answer == expected_of(case)


@pytest.mark.parametrize(("facts", "case"), cases("documents"))
def test_a_document(facts: Json, case: Json) -> None:
    violations = violations_of(case["document"], Profile[case.get("profile", "ROLECALL")])

    told = [seen_of(violation, wanted) for violation, wanted in zip(violations, case["violations"], strict=False)]
    assert told == case["violations"]
    assert [violation.reason for violation in violations] == [wanted["reason"] for wanted in case["violations"]]


@pytest.mark.parametrize(
    ("facts", "case"), [param for param in cases("questions") if param.values[1]["error"] == "INVALID_PRINCIPAL"]
)
def test_a_principal_that_a_question_cannot_name(facts: Json, case: Json) -> None:
    read, text = principal_of_request, case.get("principal", "")
    if "federated" in case:
        read, text = provider_of_request, case["federated"]["provider_arn"]

    with pytest.raises(InvalidPrincipalError):
        read(text)


@pytest.mark.parametrize(
    ("facts", "case"), [param for param in cases("questions") if param.values[1]["error"] == "RESERVED_KEY"]
)
def test_a_key_that_a_question_cannot_send(facts: Json, case: Json) -> None:
    hints = [reserved_hint(key) for key in case["context"]]

    assert any(hints)


def violations_of(document: str, profile: Profile) -> tuple[Violation, ...]:
    try:
        parse_policy(document, profile=profile)
    except InvalidPolicyError as error:
        return error.violations
    return ()


def seen_of(violation: Violation, wanted: Json) -> Json:
    """Return the members of a violation that a case speaks of."""
    return {name: getattr(violation, name) for name in wanted}
