"""The estimated work of policies and of questions.

A rate is the work for a key, for each of its values, and for each 1,024 characters of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rolecall.policy.document import TrustPolicy
from rolecall.policy.parser import parse_policy
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.permission.work import PermissionWork
from rolecall.policy.work import PolicyWork, WorkRate, explanation_work, work_of_values
from tests.oracle.pools import EXPECTED, OPERATORS

Json = dict[str, Any]

_FIVE = {family: (values * 5)[:5] for family, values in EXPECTED.items()}
_PATTERNS = {
    "one part": ["abc"],
    "no part": ["*"],
    "a start": ["abc*"],
    "an end": ["*abc"],
    "both ends": ["ab*cd"],
    "question marks": ["a?b?c"],
    "question marks at both ends": ["a?b*c?d"],
    "a search": ["*abc*"],
    "two searches": ["*abc*defg*"],
    "a search with question marks around it": ["*?abc?*"],
    "a piece of several parts": ["*a?bc*"],
    "pieces of several parts": ["*a?bc*b?de*"],
    "question marks alone": ["*??*"],
    "two patterns with the same characters": ["*a?b*", "*b?a*"],
    "a pattern twice": ["*a?b*", "*a?b*"],
}
_QUESTIONS: dict[str, list[str]] = {
    "no value": [],
    "an empty value": [""],
    "a value of 1 character": ["x"],
    "a value of 1,023 characters": ["x" * 1_023],
    "a value of 1,024 characters": ["x" * 1_024],
    "3 values of 700 characters": ["x" * 700] * 3,
    "100 values of 163 characters": ["x" * 163] * 100,
}
_MIXED = [("StringLike", "k", ["*a?b*"]), ("IpAddress", "acs:SourceIp", ["10.0.0.0/8"]), ("StringEquals", "k", ["v"])]
_ACCESSES = [
    ("a:b", "acs:a:::b"),
    ("ram:" + "x" * 124, "acs:ram:*:1:role/x"),
    ("ram:GetRole", "acs:ram:*:1:" + "r" * 1_012),
]


def written() -> str:
    """Return the text of the page as it should be."""
    return "\n".join([*(line for part in PARTS.values() for line in part()), ""])


def _of_operators() -> Iterator[str]:
    for family, names in OPERATORS.items():
        for name in names:
            yield f"# {name}"
            for key in ("k", "acs:PrincipalARN") if family == "String" else ("k",):
                for values in (_FIVE[family][:1], _FIVE[family]):
                    yield f"{key} with {len(values)}: {_rates(_policy((name, key, values)), [key])}"
    yield "# the time"
    for count in (1, 3):
        found = _policy(
            ("DateLessThan", "acs:CurrentTime", [f"2026-01-0{day}T00:00:00Z" for day in range(1, count + 1)])
        )
        yield f"{count}: {_rates(found, [])}"
    yield "# a statement without conditions"
    yield _rates(_policy(), [])


def _of_patterns() -> Iterator[str]:
    for name, patterns in _PATTERNS.items():
        yield f"# {name}: {' '.join(patterns)}"
        yield _rates(_policy(("StringLike", "k", patterns)), ["k"])


def _of_questions() -> Iterator[str]:
    mixed = _policy(*_MIXED)
    whole = PolicyWork.of(mixed.statements, ["acs:SourceIp", "k"])
    yield f"# a policy of three conditions, at most {whole.largest:,}"
    for name, values in _QUESTIONS.items():
        one_by_one = [f"{work_of_values(c, values):,}" for c in mixed.statements[0].conditions] if values else []
        yield f"{name}: {whole.estimate([values, values]):,}; its conditions alone: {' '.join(one_by_one) or '-'}"


def _of_explanations() -> Iterator[str]:
    yield "# explanations"
    for name, found in {
        "a statement": _policy(),
        "two statements": _policies([], []),
        "a condition": _policy(_MIXED[0]),
        "two conditions on one key": _policy(_MIXED[0], _MIXED[2]),
        "a condition on another key": _policy(_MIXED[1]),
    }.items():
        works = [
            explanation_work(found.statements, ["k", "other"], [values, None]) for values in (None, ["v" * 10] * 2)
        ]
        yield f"{name}: {works[0]:,}, with values {works[1]:,}"


def _of_accesses() -> Iterator[str]:
    rights: dict[str, Json] = {
        "a right": {},
        "two actions": {"Action": ["ram:Get*", "ram:*ole"]},
        "two resources": {"Resource": ["acs:ram:*:1:role/x", "acs:ram:*:?:*o*e/x"]},
        "a resource with colons": {"Resource": "acs:log:*:1:a?b:*c?d*:e"},
        "a short resource": {"Resource": "acs:ram:*"},
        "a resource twice": {"Resource": ["acs:ram:*:1:role/x"] * 2},
        "a denied resource": {"Effect": "Deny", "Resource": ["acs:ram:*:1:role/x", "acs:ram:*:1:role/y*"]},
        "a condition": {"Condition": {"StringLike": {"k": "*a?b*"}}},
    }
    for name, changes in rights.items():
        statement = {"Effect": "Allow", "Action": "ram:GetRole", "Resource": "*", **changes}
        read = parse_permission_policy(json.dumps({"Version": "1", "Statement": [statement]})).statements
        whole = PermissionWork.of(read, ["k"])
        works = [f"{whole.estimate(action, resource, [['v']]):,}" for action, resource in _ACCESSES]
        yield f"# {name}, at most {whole.largest:,}"
        yield f"fixed {whole.fixed:,}, action {_rate(whole.action)}, resource {_rate(whole.resource)}: {' '.join(works)}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "operators": _of_operators,
    "patterns": _of_patterns,
    "questions": _of_questions,
    "explanations": _of_explanations,
    "accesses": _of_accesses,
}


def _policy(*conditions: tuple[str, str, Sequence[str]]) -> TrustPolicy:
    return _policies(conditions)


def _policies(*statements: Sequence[tuple[str, str, Sequence[str]]]) -> TrustPolicy:
    written = []
    for conditions in statements:
        blocks: Json = {}
        for operator, key, values in conditions:
            blocks.setdefault(operator, {})[key] = list(values)
        who = {"RAM": ["acs:ram::1:root", "acs:ram::2:root"]}
        written.append({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": who, "Condition": blocks})
    return parse_policy(json.dumps({"Version": "1", "Statement": written}))


def _rates(found: TrustPolicy, keys: Sequence[str]) -> str:
    whole = PolicyWork.of(found.statements, keys)
    return ", ".join([f"fixed {whole.fixed:,}", *(f"rate {_rate(rate)}" for rate in whole.rates)])


def _rate(rate: WorkRate) -> str:
    return " ".join(f"{part:,}" for part in rate)
