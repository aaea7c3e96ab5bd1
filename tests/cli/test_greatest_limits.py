"""A command refuses only what every server would refuse: the limits of a policy are the greatest that a server can have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.cli.checks.role_check import GREATEST_LIMITS, AnyAccounts, RoleCheck
from rolecall.cli.declarations.document import TextSource
from rolecall.cli.problems.problem import Location
from rolecall.cli.sources.found import FoundRole
from rolecall.config.administration_settings import AdministrationSettings

ANN = "acs:ram::42:user/ann"


def statement(*principals: str, **conditions: Any) -> dict[str, Any]:
    made = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [*principals] or ANN}}
    return {**made, **({"Condition": conditions} if conditions else {})}


def like(*patterns: str) -> dict[str, Any]:
    return statement(StringLike={"app:a": [*patterns]})


# What exceeds the usual limit by one, by the name of the limit.
BEYOND = {
    "max_document_bytes": [statement(StringEquals={"app:a": "x" * 16_384})],
    "max_statements": [statement()] * 101,
    "max_principals": [statement(*(f"acs:ram::42:user/u{number}" for number in range(501)))],
    "max_condition_keys": [statement(StringEquals={f"app:k{number}": "v" for number in range(65)})],
    "max_patterns": [like(*(f"a{number}*" for number in range(257)))],
    "max_pattern_characters": [like("x" * 512 + "*")],
    "max_total_pattern_characters": [like(*("x" * 500 + str(number) for number in range(9)))],
    "max_pattern_stars": [like("*a" * 17)],
}


def problems(name: str, check: RoleCheck) -> list[str]:
    document = json.dumps({"Version": "1", "Statement": BEYOND[name]})
    source = TextSource(document, Location("f", 1, 1))
    found = FoundRole(name="app", account_id="42", location=Location("f"), document=document, source=source, label="l")
    return [problem.message for problem in check.role(found).problems]


@pytest.mark.parametrize("name", BEYOND)
def test_a_limit_is_the_greatest_that_the_setting_of_a_server_takes(name: str) -> None:
    greatest = RoleCheck(AnyAccounts(), now=0, limits=GREATEST_LIMITS)

    assert problems(name, greatest) == []
    assert len(problems(name, RoleCheck(AnyAccounts(), now=0))) == 1
    setting = AdministrationSettings.__dataclass_fields__[name]
    assert getattr(GREATEST_LIMITS, name) == setting.metadata["read"].high
