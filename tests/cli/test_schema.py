from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rolecall.cli.declarations.document import json_text
from rolecall.cli.declarations.tree import read_documents
from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY

SCHEMA = json.loads((REPOSITORY / "docs/schema/roles.schema.json").read_text())
EXAMPLES = sorted((REPOSITORY / "examples/roles").glob("*.yaml"))


def valid(instance: Any) -> bool:
    return bool(Draft202012Validator(SCHEMA).is_valid(instance))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_command_prints_the_published_schema(rolecall: CommandLine) -> None:
    outcome = rolecall("schema")

    assert (outcome.code, json.loads(outcome.out)) == (0, SCHEMA)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_obey_the_schema(path: Path) -> None:
    (document,) = read_documents(path.read_text(), str(path))

    assert valid(json.loads(json_text(document)))


@pytest.mark.parametrize(
    "change",
    [
        {"apiVersion": "v2"},
        {"roles": {}},
        {"extra": 1},
        {"roles": [{"name": "a"}]},
        {"roles": [{"name": "a", "trust_policy_json": "{}", "trust_policy_file": "x"}]},
        {"roles": [{"name": "a", "trust_policy_json": "{}", "nmae": "b"}]},
        {"roles": [{"name": "a", "trust_policy_json": "{}", "max_session_duration_seconds": 10}]},
    ],
)
def test_the_schema_refuses_what_apply_refuses(change: dict[str, Any]) -> None:
    right = {"apiVersion": "rolecall/v1", "roles": [{"name": "a", "trust_policy_json": "{}"}]}

    assert valid(right)
    assert not valid(right | change)


def test_a_single_role_matches_the_schema() -> None:
    assert valid({"apiVersion": "rolecall/v1", "name": "a", "trust_policy_file": "x.json"})
    assert not valid({"apiVersion": "rolecall/v1", "name": "a", "trust_policy_file": "x.json", "nmae": "b"})
