"""Conditions in English, and whether they hold: every operator with every set prefix, on values that match, do not, or cannot be read."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rolecall.policy.compiler import compile_policy
from rolecall.policy.evaluator import evaluate
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import Principal, PrincipalKind
from tests.oracle.pools import OPERATORS

_EXPECTED = {
    "String": ["red", "bl*"], "Numeric": ["5", "7.0"], "Date": ["2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"], "Bool": ["true"],
    "Ip": ["10.0.0.0/8", "192.0.2.7"],
}  # fmt: skip
_SENT = {
    "String": [["red"], ["RED"], ["blue"], ["green"], ["red", "green"], ["bl*"]],
    "Numeric": [["4"], ["5.0"], ["6"], ["7"], ["8"], ["5", "6"], ["x"], ["5", "x"]],
    "Date": [["2025-12-31T00:00:00Z"], ["2026-01-01T00:00:00Z"], ["2026-01-02T00:00:00Z"], ["2026-01-03T00:00:00Z"],
             ["2026-01-04T00:00:00Z"], ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"], ["x"]],
    "Bool": [["true"], ["FALSE"], ["true", "false"], ["1"]],
    "Ip": [["10.1.2.3"], ["192.0.2.7"], ["192.0.2.8"], ["10.1.2.3", "192.0.2.8"], ["::1"], ["x"]],
}  # fmt: skip
_ALICE = Principal(PrincipalKind.USER, "1", "alice")


def written() -> str:
    """Return the text of the page as it should be."""
    return "\n".join([*_conditions(), ""])


def _conditions() -> Iterator[str]:
    for family, names in OPERATORS.items():
        for name in names:
            for prefix in ("", "ForAllValues:", "ForAnyValue:"):
                yield from _condition(prefix + name, family)


def _condition(operator: str, family: str) -> Iterator[str]:
    results = []
    for effect in ("Allow", "Deny"):
        who = {"RAM": "acs:ram::1:user/alice"}
        statement = {
            "Effect": effect,
            "Action": "sts:AssumeRole",
            "Principal": who,
            "Condition": {operator: {"k": _EXPECTED[family]}},
        }
        policy = parse_policy(json.dumps({"Version": "1", "Statement": [statement]}))
        compiled = compile_policy(policy)
        outcomes = [
            evaluate(compiled, _ALICE, "1", [tuple(sent) or None], 0).outcome.name for sent in ([], *_SENT[family])
        ]
        results.append("".join("-" if outcome == "IMPLICIT_DENY" else "x" for outcome in outcomes))
        (condition,) = policy.statements[0].conditions
    yield f"{operator}: {condition.clause}"
    yield f"  an Allow applies {results[0]}, a Deny {results[1]}"
