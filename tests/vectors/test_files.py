"""The files of vectors are complete, follow their schema, and match the tables that they are generated from."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from rolecall.policy.operators import OPERATORS
from tests.vectors.cases import VECTORS, cases, files
from tests.vectors.generate import FOLDERS, stale

Json = dict[str, Any]


def schema_of(kind: str) -> Json:
    schema: Json = json.loads((VECTORS / "schema" / f"{kind}.schema.json").read_text("utf-8"))
    return schema


def test_the_files_match_their_tables() -> None:
    assert stale() == []


@pytest.mark.parametrize(
    ("kind", "file"),
    [pytest.param(kind, *param.values, id=f"{kind}/{param.id}") for kind in FOLDERS for param in files(kind)],
)
def test_a_file_follows_its_schema(kind: str, file: Json) -> None:
    jsonschema.Draft202012Validator(schema_of(kind)).validate(file)


def test_every_operator_has_a_file() -> None:
    shown = {path.stem.removeprefix("operator-") for path in (VECTORS / "decisions").glob("operator-*.json")}

    assert shown == set(OPERATORS)
    assert len(shown) == 23


@pytest.mark.parametrize("kind", ["documents", "permission-documents"])
def test_every_reason_of_a_violation_has_a_case(kind: str) -> None:
    violations = schema_of(kind)["properties"]["cases"]["items"]["properties"]["violations"]
    reasons = set(violations["items"]["properties"]["reason"]["enum"])

    shown = {violation["reason"] for param in cases(kind) for violation in param.values[1]["violations"]}

    assert shown == reasons


def test_every_reason_of_a_refused_request_has_a_case() -> None:
    reasons = set(schema_of("requests")["properties"]["cases"]["items"]["properties"]["error"]["enum"])

    assert {param.values[1]["error"] for param in cases("requests")} == reasons
