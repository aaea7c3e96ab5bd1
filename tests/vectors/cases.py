"""The vectors as parameters of tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.product import instant

VECTORS = Path(__file__).parent


def files(kind: str) -> list[Any]:
    """Return every file of a kind, parsed."""
    return [pytest.param(json.loads(path.read_text("utf-8")), id=path.stem) for path in _paths(kind)]


def cases(kind: str) -> list[Any]:
    """Return every case of a kind as two parameters: the members of its file apart from the cases, and the case."""
    found = []
    for path in _paths(kind):
        whole = json.loads(path.read_text("utf-8"))
        facts = {name: value for name, value in whole.items() if name != "cases"}
        found += [pytest.param(facts, case, id=f"{path.stem}: {case['name']}") for case in whole["cases"]]
    return found


def request_of(facts: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """Return the request of a decision case, with the role that is to be assumed."""
    return {name: value for name, value in case.items() if name != "expect"} | {"role": facts["role"]}


def expected_of(case: dict[str, Any]) -> dict[str, Any]:
    """Return the answer that a decision case expects, with times in microseconds."""
    until = case["expect"]["valid_until"]
    return {**case["expect"], "valid_until": None if until is None else instant(until)}


def _paths(kind: str) -> list[Path]:
    return sorted((VECTORS / kind).glob("*.json"))
